// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import SallyWire
import SlurmModel

extension QueuedJob {
    /// A job that Slurm just took, until the queue is read again.
    init(submitted job: JobID, order: SubmissionRunner.Order, at time: Timestamp) {
        let submit = order.authorized.action
        let user = order.principal.account.name
        var view = JobView(
            job: job, displayID: "\(job)", cluster: submit.clusterName, name: submit.job.request.name ?? "job",
            user: user.rawValue, account: submit.job.account.rawValue,
            partition: submit.job.partitions.map(\.rawValue).joined(separator: ","), states: ["PENDING"])
        view.submitted = time
        let marker = SubmissionMarker.split(submit.job.request.comment).marker
        self.init(view: view, owner: user, array: nil, marker: marker)
        isStale = true
    }
}
