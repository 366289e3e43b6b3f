// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire

struct JobsCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "List your jobs.",
        discussion: "Without --all only jobs that wait or run. --state takes Slurm's words, such as RUNNING,PENDING.")

    @Flag(help: "Finished jobs of the last day too.")
    var all = false

    @Option(help: ArgumentHelp("Only jobs in one of these states, separated by commas.", valueName: "states"))
    var state: String?

    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        let states = state.map { $0.uppercased().split(separator: ",").map { Self.short[String($0)] ?? String($0) } }
        try await common.connected(here) { connection in
            let path =
                Path.jobs(try await connection.cluster()) + query(["all": all || Self.finished(states) ? "true" : nil])
            var list: JobList = try await connection.gateway.get(path)
            if let states { list.jobs.removeAll { !$0.states.contains(where: states.contains) } }
            if common.json { return try here.putJSON("jobs", list) }
            if list.jobs.isEmpty {
                return try here.say(
                    all ? "no jobs in the last day" : "no jobs wait or run; `--all` shows finished ones")
            }
            try here.putTable(
                ["JOB", "NAME", "PARTITION", "ACCOUNT", "STATE", "NODES", "STARTED", "LIMIT", "NODELIST/REASON"],
                list.jobs.map { job in
                    [
                        job.displayID, job.name, job.partition, job.account, job.states.joined(separator: "+"),
                        job.nodes.map { "\($0)" } ?? "", job.started.map { "\($0)" } ?? "",
                        slurmTime(minutes: job.timeLimitMinutes), job.isPending ? job.reason ?? "" : job.nodeList ?? "",
                    ]
                })
        }
    }

    /// Whether states are asked for that only finished jobs have.
    private static func finished(_ states: [String]?) -> Bool {
        states?.contains { JobView.endStates.contains($0) } ?? false
    }

    /// squeue(1), JOB STATE CODES.
    private static let short = [
        "PD": "PENDING", "R": "RUNNING", "CG": "COMPLETING", "CD": "COMPLETED", "F": "FAILED", "CA": "CANCELLED",
        "TO": "TIMEOUT", "S": "SUSPENDED", "NF": "NODE_FAIL", "OOM": "OUT_OF_MEMORY", "PR": "PREEMPTED",
        "CF": "CONFIGURING",
    ]
}

extension JobView {
    /// Base states that a job does not leave (squeue(1), JOB STATE CODES).
    static let endStates: Set<String> = [
        "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "BOOT_FAIL",
        "DEADLINE",
        "REVOKED",
    ]

    var isPending: Bool { states.first == "PENDING" }

    /// Ended, with its end known and its processes gone.
    var hasEnded: Bool {
        guard let base = states.first, JobView.endStates.contains(base) else { return false }
        return !states.contains { ["COMPLETING", "REQUEUED", "STAGE_OUT"].contains($0) }
    }

    /// What `sally submit --follow` exits with: the job's status, or 128 and the signal that ended it. Never 0 for a
    /// job that did not complete.
    var exitCode: Int32 {
        if let signal, signal > 0 { return Int32(truncatingIfNeeded: 128 + min(signal, 127)) }
        if states.first == "COMPLETED" { return Int32(truncatingIfNeeded: (exitStatus ?? 0) & 255) }
        let status = Int32(truncatingIfNeeded: (exitStatus ?? 1) & 255)
        return status == 0 ? 1 : status
    }
}
