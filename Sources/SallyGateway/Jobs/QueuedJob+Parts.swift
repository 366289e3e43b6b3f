// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire
import SlurmModel

extension SlurmRecord {
    /// Of which heterogeneous job it is which component, in the queue's words or in accounting's; nil where it is none.
    ///
    /// - Precondition: of a job.
    var heterogeneous: (job: JobID, offset: Int)? {
        let isOfQueue = noun == .job
        guard let raw = number(isOfQueue ? "het_job_id" : "het.job_id"), raw > 0,
            let job = UInt32(exactly: raw).flatMap(JobID.init(rawValue:)),
            let offset = count(isOfQueue ? "het_job_offset" : "het.job_offset")
        else { return nil }
        return (job, offset)
    }
}

extension QueuedJob {
    /// Of which heterogeneous job it is which component; nil where it is none.
    var heterogeneous: (job: JobID, offset: Int)? { SlurmRecord(packed: record)?.heterogeneous }

    /// As Slurm names it: with what it is a part of, where it is one.
    var target: JobTarget {
        if let part = heterogeneous { return JobTarget(job: part.job, part: .component(part.offset)) }
        if isWaitingRest { return JobTarget(job: base, part: .waiting) }
        // A text that names no part is the number.
        return (try? JobTarget(view.displayID)) ?? JobTarget(job: id)  // see above
    }

    /// The tasks that wait in this one record of an array; nil where it is none, or Slurm cut their list short.
    var waitingTasks: ArraySpec? {
        guard let open = view.displayID.firstIndex(of: "["), let close = view.displayID.lastIndex(of: "]"), open < close
        else { return nil }
        return try? ArraySpec(String(view.displayID[view.displayID.index(after: open)..<close]))  // nil says so
    }

    /// Whether it stands for tasks of an array that wait.
    var isWaitingRest: Bool { view.displayID.utf8.contains(UInt8(ascii: "[")) }

    /// Whether `which` is this record, or has it as a part, or is a part of it.
    func isNamed(by which: JobTarget) -> Bool {
        switch which.part {
        case nil: return true
        case .task(let index):
            if view.displayID == which.description { return true }
            // Slurm cuts long lists short: what waits there may be anything, and Slurm itself knows.
            return isWaitingRest && base == which.job && (waitingTasks.map { $0.contains(index) } ?? true)
        case .component(let offset): return heterogeneous.map { $0.job == which.job && $0.offset == offset } ?? false
        case .waiting: return base == which.job && isPending
        }
    }
}
