// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire

/// Which jobs are meant. A set that is empty lets everything through.
struct JobFilter: Sendable, Equatable {
    var owner: UserName?
    /// Slurm's words; a flag, such as COMPLETING, is found too.
    var states: Set<String> = []
    var partitions: Set<String> = []
    /// In lower case, as Slurm keeps them whatever is typed.
    var accounts: Set<String> = []
    var names: Set<String> = []
    /// The array that it is a task of, or the job itself.
    var array: JobID?
    /// Only what has not ended.
    var isAlive = false

    /// Every job has one of them, and they are what the index of states knows.
    static let baseStates: Set<String> = [
        "PENDING", "RUNNING", "SUSPENDED", "COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED",
        "BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY",
    ]

    func admits(_ job: QueuedJob) -> Bool {
        if let owner, job.owner != owner { return false }
        if isAlive, job.isFinished { return false }
        if let array, job.base != array, job.id != array { return false }
        if !states.isEmpty, !job.view.states.contains(where: states.contains) { return false }
        if !accounts.isEmpty, !accounts.contains(job.account) { return false }
        if !names.isEmpty, !names.contains(job.view.name) { return false }
        return partitions.isEmpty || job.partitions.contains(where: partitions.contains)
    }
}
