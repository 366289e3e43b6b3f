// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SlurmModel

/// Changing a job of one's own that is in the queue. Judged like a submission: as the job that it would become.
package struct UpdateJob: DirectAction {
    package static let name = "job.update"
    package static let recording = Recording.chained
    package let clusterName: ClusterName
    package let job: JobID
    package let owner: UserName
    package let update: JobUpdate
    package let merged: JobUpdate.Merged

    /// - Precondition: the job is `owner`'s, and `merged` is the update put onto what Slurm reports of it.
    package init(
        cluster: ClusterName, job: JobID, owner: UserName, update: JobUpdate, merged: JobUpdate.Merged
    ) {
        clusterName = cluster
        self.job = job
        self.owner = owner
        self.update = update
        self.merged = merged
    }

    package var cluster: ClusterName? { clusterName }
    package var target: String? { "\(job)" }
    package var details: [AuditEvent.Detail] {
        let fields = update.fields.union(update.cleared).map(\.rawValue).sorted()
        var details = [AuditEvent.Detail("fields", fields.joined(separator: ","))]
        if let hold = update.hold { details.append(.init("hold", "\(hold)")) }
        if let throttle = update.throttle { details.append(.init("throttle", "\(throttle)")) }
        return details + [.init("bounds", merged.bounds.description)]
    }
    package var question: Question { .submit(clusterName, merged.job, merged.bounds) }
}
