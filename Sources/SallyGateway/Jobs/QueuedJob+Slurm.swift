// SPDX-License-Identifier: Apache-2.0

package import SallyModel
import SallyWire
package import SlurmModel

extension QueuedJob {
    /// A job as Slurm reports it. Our marker is taken out of the comment.
    ///
    /// - Parameter record: all that it reports, packed; of accounting, components alone.
    package init(_ job: Job, on cluster: ClusterName, record: [UInt8] = []) {
        var view = JobView(
            job: job.id, displayID: job.displayID, cluster: cluster, name: job.name, user: job.user,
            account: job.account, partition: job.partition, states: job.states.map(\.description))
        view.qos = job.qos
        view.reason = job.reason
        view.submitted = job.submitted
        view.started = job.started
        view.ended = job.ended
        view.timeLimitMinutes = job.timeLimit?.minutes
        view.nodes = job.nodes
        view.nodeList = job.nodeList
        view.cpus = job.cpus
        view.exitStatus = job.exitStatus
        view.signal = job.signal
        view.workingDirectory = job.workingDirectory
        view.standardOutput = job.standardOutput
        view.standardError = job.standardError
        view.tres = job.allocatedTRES ?? job.requestedTRES
        self.init(
            view: view, owner: UserName(rawValue: job.user), array: job.arrayID,
            marker: SubmissionMarker.split(job.comment).marker, record: record,
            isCommented: job.comment?.isEmpty == false, isRequeued: job.restarts ?? 0 > 0)
    }
}
