// SPDX-License-Identifier: Apache-2.0

extension SlurmRecord {
    /// What a row cannot say: facts that one version tells in several fields, or in another field than the rest do.
    mutating func complete() {
        switch noun {
        case .job: if version.takesOptions { completeOldJob() }
        case .accountingJob: if version.takesOptions { completeOldAccountingJob() }
        case .partition: if version.takesOptions { completeOldPartition() }
        case .ping: completePing()
        case .node, .reservation, .qos, .account, .association, .user, .jobState, .diagnosis, .submission,
            .cancellation,
            .updateResult, .meta, .error, .warning:
            break
        }
    }

    private mutating func completeOldJob() {
        // As slurmctld holds: by a priority of 0. Null is a priority that is not set.
        self["hold"] = .flag(self["priority"] == .integer(0))
        // Null in both: slurmctld's number is 0.
        if self["memory_per_node"] == .unset, self["memory_per_cpu"] == .unset { self["memory_per_node"] = .integer(0) }
    }

    private mutating func completeOldAccountingJob() {
        // slurmrestd 22.05.8 says SUCCESS and 0 of every job in accounting that no signal ended.
        if words("state.current").first == "FAILED", self["exit_code"] == .integer(0) { self["exit_code"] = .unset }
        guard case .records(let steps) = self["steps"], let slot = NounTable.step.slot("step.id"),
            let jobSlot = NounTable.step.slot("step.job_id")
        else { return }
        self["steps"] = .records(
            steps.map { step in
                guard let job = step[jobSlot].integer, let id = step[slot].text, !id.hasPrefix("\(job).") else {
                    return step
                }
                var step = step
                step[slot] = .text("\(job).\(id)")
                return step
            })
    }

    private mutating func completeOldPartition() {
        for group in ["defaults", "maximums"] {
            let (perNode, perCPU) = ("\(group).partition_memory_per_node", "\(group).partition_memory_per_cpu")
            if let amount = number(perCPU) {
                self["\(group).memory_per_cpu"] = .integer(amount | Int64.min)
            } else if let amount = number(perNode) {
                self["\(group).memory_per_cpu"] = .integer(amount)
            } else {
                self["\(group).memory_per_cpu"] = .integer(0)
                self[perNode] = .integer(0)
            }
        }
    }

    private mutating func completePing() {
        if self["responding"] == .unsaid { self["responding"] = .flag(text("pinged") == "UP") }
        if self["primary"] == .unsaid { self["primary"] = .flag(text("mode") == "primary") }
    }
}
