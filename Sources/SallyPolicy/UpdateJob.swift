// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SlurmModel

/// Changing a job of one's own that is in the queue. Judged like a submission, as every job that Slurm may make of it.
package struct UpdateJob: DirectAction {
    package static let name = "job.update"
    package static let recording = Recording.chained
    package let clusterName: ClusterName
    package let job: JobID
    package let owner: UserName
    package let update: JobUpdate
    package let outcomes: [JobUpdate.Outcome]

    /// - Precondition: the job is `owner`'s, `outcomes` are those of the update on what Slurm reports of it now, and nothing else
    ///   changes the job through this gateway until the update was sent.
    package init(
        cluster: ClusterName, job: JobID, owner: UserName, update: JobUpdate, outcomes: [JobUpdate.Outcome]
    ) {
        clusterName = cluster
        self.job = job
        self.owner = owner
        self.update = update
        self.outcomes = outcomes
    }

    package var cluster: ClusterName? { clusterName }
    package var target: String? { "\(job)" }
    package var details: [AuditEvent.Detail] {
        let fields = update.fields.union(update.cleared).map(\.rawValue).sorted()
        var details = [AuditEvent.Detail("fields", fields.joined(separator: ","))]
        if let hold = update.hold { details.append(.init("hold", "\(hold)")) }
        if let throttle = update.throttle { details.append(.init("throttle", "\(throttle)")) }
        if let whole = outcomes.first { details.append(.init("bounds", whole.bounds.description)) }
        return details
    }
    package var question: Question { .become(clusterName, outcomes) }
}
