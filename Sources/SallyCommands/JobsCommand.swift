// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire

struct JobsCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "List your jobs, or watch them.",
        discussion: """
            Only jobs that wait or run, unless --all, --since or a state that only finished jobs have asks for more; of those that \
            ended it is then the last day, or what --since says. Its times are sacct's: now-COUNT with minutes, hours, days or \
            weeks, today, HH:MM, or a date, by the clock of this machine, or of UTC with Z at the end. --state takes Slurm's \
            words, such as RUNNING,PENDING, or squeue's short ones, such as R,PD.

            The id in the first column is what `sally job`, `sally logs` and `sally cancel` take: 123, 123_4 for a task of an \
            array, 123_[5-9] for those of its tasks that wait.

            With --watch the list follows the queue until you interrupt it: on a terminal it is drawn anew, elsewhere every \
            change is a line. A job that ends is shown once more, with its end.
            """)

    @Flag(help: "Finished jobs too: those of the last day, or since --since.")
    var all = false

    @Option(
        help: ArgumentHelp(
            "Finished jobs too, from then on, at most 31 days back: now-3days, 08:00, 2026-11-01, 2026-11-01T08:00.",
            valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Only this job, or the tasks of this array.", valueName: "job"))
    var array: String?

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
        if watch, all || since != nil {
            throw ValidationError("--watch shows the queue: it does not go with --all or --since")
        }
        if watch, sort != nil {
            throw ValidationError("--watch is in the order of job ids: it does not go with --sort")
        }
    }

    func perform(_ here: Surroundings) async throws {
        let asked = try listing(here)
        let board = try watch ? JobBoard(filter: asked.filter(), json: common.json, here: here) : nil
        try await common.connected(here) { connection in
            let cluster = try await connection.cluster()
            if let board {
                return try await JobWatcher(gateway: connection.gateway, cluster: cluster, here: here)
                    .watch(board, asked.array)
            }
            let list = try await asked.whole(connection.gateway, cluster, here)
            if let omitted = list.omitted {
                try here.say(
                    "sally: \(omitted) finished job\(omitted == 1 ? " is" : "s are") not listed: accounting has more than the "
                        + "newest 1,000, or records that are too large")
            }
            if common.json { return try here.putJSON("jobs", list) }
            if list.jobs.isEmpty { return try here.say(asked.nothing(on: cluster)) }
            try here.putTable(JobBoard.columns, list.jobs.map(JobBoard.cells))
        }
    }

    private func listing(_ here: Surroundings) throws -> JobListing {
        let states = state.map(JobListing.stateWords)
        let since = try since.map { try SinceTime.moment($0, here) }
        let array = try array.map { try JobID($0) }
        // Who asks for a state of those that have ended means them.
        let asksForFinished = states?.contains { JobView.endStates.contains($0) } ?? false
        return JobListing(
            all: all || since != nil || asksForFinished && !watch, since: since, states: states, partition: partition,
            account: account, name: name, array: array, sort: sort)
    }
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
