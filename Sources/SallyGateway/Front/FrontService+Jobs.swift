// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import SallyModel
import SallyPolicy
import SallyWire
import SlurmModel
import StrictJSON

extension FrontService {
    func jobs(_ call: FrontCall) async throws -> FrontReply {
        try checkFlags(call)
        try await lookAtOwnJobs(call)
        let snapshot = try read()
        return listed(snapshot.jobs(of: call.user), snapshot, call)
    }

    /// One of the person's own; an array's number brings every record of it. What slurmctld has forgotten is found in
    /// accounting, under /slurmdb.
    func job(_ wanted: FrontJob, _ call: FrontCall) async throws -> FrontReply {
        try checkFlags(call)
        try await lookAtOwnJobs(call)
        let snapshot = try read()
        let records = try await records(wanted, snapshot, call)
        var reply = listed(records, snapshot, call)
        if wanted.task != nil, records.contains(where: { $0.view.displayID.contains("[") }) {
            reply.warnings.append(
                SlurmWarningEntry(
                    description: "the task has no record of its own yet: its array is listed", source: "sallyport"))
        }
        return reply
    }

    /// The person's own records of a job.
    ///
    /// - Throws: `.notFound` for somebody else's, exactly as for none.
    private func records(
        _ wanted: FrontJob, _ snapshot: QueueSnapshot, _ call: FrontCall
    ) async throws -> [QueuedJob] {
        var records = snapshot.records(wanted.job).filter { $0.owner == call.user }
        if records.contains(where: \.isStale) {
            let whole = (try? await cluster.keeper.whole(wanted.job)) ?? records  // what is known will do
            if !whole.isEmpty { records = whole.filter { $0.owner == call.user } }
        }
        if let task = wanted.task {
            let own = records.filter { $0.view.displayID == "\(wanted.job)_\(task)" }
            records = own.isEmpty ? records.filter { $0.view.displayID.contains("[") } : own
        }
        guard !records.isEmpty else { throw missing(wanted.job) }
        return records
    }

    private func listed(_ jobs: [QueuedJob], _ snapshot: QueueSnapshot, _ call: FrontCall) -> FrontReply {
        FrontReply(
            ("jobs", .array(jobs.map { $0.inSlurmsWords(call.version) })),
            ("last_backfill", .quantity(0)),
            ("last_update", .quantity(seenAt(snapshot).rawValue)))
    }

    /// v0.0.41 and later name the waiting tasks of an array one by one.
    func jobStates(_ call: FrontCall) async throws -> FrontReply {
        try checkFlags(call)
        let wanted = try call.query.list("job_id").map { try FrontJob($0) }
        try await lookAtOwnJobs(call)
        let snapshot = try read()
        let own =
            wanted.isEmpty
            ? snapshot.jobs(of: call.user)
            : wanted.flatMap { snapshot.records($0.job) }.filter { $0.owner == call.user }
        var states: [JSONValue] = []
        for job in own {
            let words = JSONValue.array(job.view.states.map(JSONValue.string))
            for id in job.singleIDs { states.append(["job_id": .string(id), "state": words]) }
        }
        return FrontReply(("jobs", .array(states)))
    }

    func missing(_ job: JobID) -> SallyError {
        var error = cluster.jobs.finder.missing(job)
        error.slurm = .invalidJob
        return error
    }

    /// slurmrestd's own default is both. Whatever else is asked for would be another list than the one we have.
    func checkFlags(_ call: FrontCall) throws {
        for flag in call.query.list("flags") where !["ALL", "DETAIL"].contains(flag.uppercased()) {
            throw SallyError(.unsupported, "flag \(quoted(flag)) is not offered", hint: "offered: ALL, DETAIL")
        }
        _ = try call.query.moment("update_time")
    }
}

/// A job as slurmrestd's clients name it: `123`, or `123_4` for a task.
struct FrontJob: Sendable, Equatable {
    var job: JobID
    var task: Int?

    /// - Throws: `.invalidRequest`, with Slurm's number for it.
    init(_ text: String) throws {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        do {
            job = try JobID(String(parts[0]))
            guard parts.count > 1 else { return }
            guard parts.count == 2, (1...7).contains(parts[1].utf8.count),
                parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
            else {
                throw SallyError(
                    .invalidRequest, "job id \(quoted(text)) is not valid", hint: "a number, or NUMBER_TASK")
            }
            task = Int(parts[1])
        } catch let error as SallyError {
            throw error.saying(.invalidJob, for: .invalidRequest)
        }
    }
}

extension GatewayContext {
    /// What is looked up by name; it is only compared.
    var frontName: String { parameters.get("name") ?? "" }

    func frontJob() throws -> FrontJob { try FrontJob(parameters.get("job") ?? "") }
}

extension QueuedJob {
    /// The number, or one `NUMBER_TASK` for every task that waits.
    fileprivate var singleIDs: [String] {
        guard let open = view.displayID.firstIndex(of: "["), let close = view.displayID.lastIndex(of: "]"),
            let tasks = try? ArraySpec(String(view.displayID[view.displayID.index(after: open)..<close])),  // as it is
            tasks.count <= 10_000
        else { return [view.displayID] }
        return tasks.indexes.sorted().map { "\(view.displayID[..<open])\($0)" }
    }
}
