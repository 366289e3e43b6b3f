// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire

struct JobsCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "List your jobs, or watch them.",
        discussion: """
            Without --all only jobs that wait or run. --state takes Slurm's words, such as RUNNING,PENDING, or squeue's short ones.
            With --watch the list follows the queue until you interrupt it: on a terminal it is drawn anew, elsewhere every \
            change is a line.
            """)

    @Flag(help: "Finished jobs of the last day too.")
    var all = false

    @Option(help: ArgumentHelp("Only jobs in one of these states, separated by commas.", valueName: "states"))
    var state: String?

    @Option(help: ArgumentHelp("Only jobs of these partitions, separated by commas.", valueName: "names"))
    var partition: String?

    @Option(help: ArgumentHelp("Only jobs of these accounts, separated by commas.", valueName: "names"))
    var account: String?

    @Option(help: ArgumentHelp("Only jobs with one of these names, separated by commas.", valueName: "names"))
    var name: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "By job, name, partition, account, state, submitted, started or ended; -submitted is newest first.",
            valueName: "field"))
    var sort: String?

    @Flag(help: "Go on, and show what changes.")
    var watch = false

    @OptionGroup var common: CommonOptions

    func validate() throws {
        if watch, all { throw ValidationError("--watch shows the queue: it does not go with --all") }
        if watch, sort != nil {
            throw ValidationError("--watch is in the order of job ids: it does not go with --sort")
        }
    }

    func perform(_ here: Surroundings) async throws {
        try await common.connected(here) { connection in
            let cluster = try await connection.cluster()
            if watch {
                let board = JobBoard(filter: filter, json: common.json, here: here)
                return try await JobWatcher(gateway: connection.gateway, cluster: cluster, here: here).watch(board)
            }
            var list = try await whole(connection.gateway, cluster, here)
            list.next = nil
            if common.json { return try here.putJSON("jobs", list) }
            if list.jobs.isEmpty {
                return try here.say(
                    all ? "no jobs in the last day" : "no jobs wait or run; `--all` shows finished ones")
            }
            try here.putTable(JobBoard.columns, list.jobs.map(JobBoard.cells))
        }
    }

    /// Every page.
    private func whole(_ gateway: GatewayClient, _ cluster: ClusterName, _ here: Surroundings) async throws -> JobList {
        var list = JobList(jobs: [])
        var cursor: String?
        repeat {
            let path =
                Path.jobs(cluster)
                + query([
                    "all": all || asksForFinished ? "true" : nil, "state": states?.joined(separator: ","),
                    "partition": partition, "account": account, "name": name, "sort": sort, "cursor": cursor,
                ])
            let (page, stale) = try await gateway.getShared(path, as: JobList.self)
            if let stale, cursor == nil { try here.sayStale(stale) }
            if let omitted = page.omitted, cursor == nil {
                try here.say(
                    "sally: \(omitted) finished job\(omitted == 1 ? " is" : "s are") not listed: accounting has more than the "
                        + "newest 1,000, or records that are too large")
            }
            list.omitted = page.omitted ?? list.omitted
            list.jobs += page.jobs
            cursor = page.next
        } while cursor != nil
        return list
    }

    private var states: [String]? {
        state.map { $0.uppercased().split(separator: ",").map { Self.short[String($0)] ?? String($0) } }
    }

    private var filter: JobBoard.Filter {
        func set(_ text: String?) -> Set<String> { Set((text ?? "").split(separator: ",").map(String.init)) }
        return JobBoard.Filter(
            states: Set(states ?? []), partitions: set(partition), accounts: set(account), names: set(name))
    }

    /// Whether states are asked for that only finished jobs have.
    private var asksForFinished: Bool { states?.contains { JobView.endStates.contains($0) } ?? false }

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
