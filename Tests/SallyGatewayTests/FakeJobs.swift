// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire
import SlurmModel

@testable import SallyGateway

/// - Parameters:
///   - owner: nil for somebody whom Slurm cannot name.
///   - isRequeued: whether it began again, which makes the time of its submission anew.
func makeJob(
    _ id: UInt32, _ owner: UserName?, comment: String? = nil, state: String = "PENDING",
    cluster: ClusterName = ClusterName(unchecked: "demo"), submitted: Timestamp? = nil, isRequeued: Bool = false
) -> QueuedJob {
    let split = SubmissionMarker.split(comment)
    var view = JobView(
        job: JobID(rawValue: id)!,  // a small number
        displayID: "\(id)", cluster: cluster, name: "job", user: owner?.rawValue ?? "",
        account: "lab", partition: "debug", states: [state])
    view.submitted = submitted
    return QueuedJob(
        view: view, owner: owner, array: nil, marker: split.marker, isCommented: comment?.isEmpty == false,
        isRequeued: isRequeued)
}

/// One task of an array, or its waiting rest.
func makeTask(_ id: UInt32, of array: UInt32, _ displayID: String, _ owner: UserName) -> QueuedJob {
    var job = makeJob(id, owner)
    job.array = JobID(rawValue: array)
    job.view.displayID = displayID
    return job
}

/// A component of the heterogeneous job `first`, as slurmrestd numbers it.
func makeComponent(_ offset: UInt32, of first: UInt32, _ owner: UserName, state: String = "PENDING") -> QueuedJob {
    let job = makeJob(first + offset, owner, state: state)
    var record = SlurmRecord(.job, version: APIVersion(rawValue: 42))
    record["job_id"] = .integer(Int64(first + offset))
    record["job_state"] = .words([state])
    record["het_job_id"] = .integer(Int64(first))
    record["het_job_offset"] = .integer(Int64(offset))
    return QueuedJob(view: job.view, owner: owner, array: nil, marker: nil, record: record.packed)
}

extension QueuedJob {
    /// Whether slurmctld lists it when it is asked for that number: an array's tasks, and all components of a heterogeneous job
    /// with the first (src/slurmctld/job_mgr.c, `pack_one_job`).
    func isListed(under number: JobID) -> Bool {
        id == number || base == number || heterogeneous?.job == number
    }
}
