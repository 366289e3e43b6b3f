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

    /// One of the person's own; the number of an array or of a heterogeneous job brings every record of it. What slurmctld has
    /// forgotten is found in accounting, under /slurmdb.
    func job(_ wanted: FrontJob, _ call: FrontCall) async throws -> FrontReply {
        try checkFlags(call)
        try await lookAtOwnJobs(call)
        let snapshot = try read()
        let records = try await records(wanted, snapshot, call)
        var reply = listed(records, snapshot, call)
        if wanted.task != nil, let rest = records.first(where: \.isWaitingRest) {
            let isCut = rest.waitingTasks == nil
            reply.warnings.append(
                SlurmWarningEntry(
                    description: isCut
                        ? "Slurm cuts the list of the tasks that wait short: whether this one is among them is not known"
                        : "the task has no record of its own yet: its array is listed",
                    source: "sallyport"))
        }
        return reply
    }

    /// The person's own records of a job.
    ///
    /// - Throws: `.notFound` for somebody else's, exactly as for none, and for a part that the job does not have, or no more.
    private func records(
        _ wanted: FrontJob, _ snapshot: QueueSnapshot, _ call: FrontCall
    ) async throws -> [QueuedJob] {
        var records = snapshot.records(wanted.job).filter { $0.owner == call.user }
        if records.contains(where: \.isStale) {
            let whole = (try? await cluster.keeper.whole(wanted.job)) ?? records  // what is known will do
            if !whole.isEmpty { records = whole.filter { $0.owner == call.user } }
        }
        let isOwn = !records.isEmpty
        if wanted.component != nil {
            records = component(wanted, snapshot, call)
        } else if wanted.task != nil {
            let named = records.filter { $0.isNamed(by: wanted.target) }
            let own = named.filter { !$0.isWaitingRest }
            records = own.isEmpty ? named : own
        }
        guard !records.isEmpty else {
            guard isOwn else { throw missing(wanted.job) }
            throw cluster.jobs.ending.missing(wanted.target).saying(.invalidJob, for: .notFound)
        }
        return records
    }

    private func listed(_ jobs: [QueuedJob], _ snapshot: QueueSnapshot, _ call: FrontCall) -> FrontReply {
        let list = FrontList("jobs", count: jobs.count) { [version = call.version] place, output in
            output += jobs[place].inSlurmsWords(version).bytes()
        }
        let reply = FrontReply(
            list, ("last_backfill", .quantity(0)), ("last_update", .quantity(seenAt(snapshot).rawValue)))
        return marked(reply, snapshot)
    }

    /// v0.0.41 and later name the waiting tasks of an array one by one.
    func jobStates(_ call: FrontCall) async throws -> FrontReply {
        try checkFlags(call)
        let wanted = try call.query.list("job_id").map { try FrontJob($0) }
        try await lookAtOwnJobs(call)
        let snapshot = try read()
        let own =
            wanted.isEmpty
            ? snapshot.jobs(of: call.user).map { StatesOf(job: $0, only: nil) } : states(wanted, snapshot, call)
        // One record may stand for thousands of tasks.
        let weight = own.contains { $0.job.isWaitingRest } ? Int.max : own.count
        let reply = FrontReply(
            FrontList("jobs", count: own.count, weight: weight) { [version = call.version] place, output in
                own[place].write(into: &output, version)
            })
        return marked(reply, snapshot)
    }

    /// What of a record is asked for.
    private struct StatesOf: Sendable {
        let job: QueuedJob
        /// Tasks as they are spelled; nil are all.
        let only: Set<String>?

        func write(into output: inout [UInt8], _ version: APIVersion) {
            let states = JSONValue.array(version.sayable(jobStates: job.view.states).map(JSONValue.string)).bytes()
            var isFirst = true
            for id in job.singleIDs where only?.contains(id) ?? true {
                if !isFirst { output.append(UInt8(ascii: ",")) }
                isFirst = false
                output += "{\"job_id\":".utf8
                output += JSONValue.string(id).bytes()
                output += ",\"state\":".utf8
                output += states
                output.append(UInt8(ascii: "}"))
            }
        }
    }

    /// Each record once, however often and under however many names it is asked for.
    private func states(_ wanted: [FrontJob], _ snapshot: QueueSnapshot, _ call: FrontCall) -> [StatesOf] {
        var parts: [JobID: Set<JobTarget>] = [:]
        for job in wanted where job.component == nil { parts[job.job, default: []].insert(job.target) }
        var found: [StatesOf] = []
        var listed: Set<JobID> = []
        func add(_ states: [StatesOf]) {
            found += states.filter { $0.only != nil || listed.insert($0.job.id).inserted }
        }
        for job in wanted {
            if job.component != nil {
                add(component(job, snapshot, call).map { StatesOf(job: $0, only: nil) })
            } else if let targets = parts.removeValue(forKey: job.job) {
                let isWhole = targets.contains { $0.part == nil }
                let only: Set<String>? = isWhole ? nil : Set(targets.map(\.description))
                add(
                    snapshot.records(job.job).filter { $0.owner == call.user }
                        .map { StatesOf(job: $0, only: only) })
            }
        }
        return found
    }

    /// Components follow each other, each a job of its own.
    private func component(_ wanted: FrontJob, _ snapshot: QueueSnapshot, _ call: FrontCall) -> [QueuedJob] {
        snapshot.records(wanted.target.number).filter { $0.owner == call.user && $0.isNamed(by: wanted.target) }
    }

    func missing(_ job: JobID) -> SallyError {
        var error = cluster.jobs.finder.missing(job)
        error.slurm = .invalidJob
        return error
    }

    /// slurmrestd's own default is both. Whatever else is asked for would be another list than the one we have.
    func checkFlags(_ call: FrontCall) throws {
        for flag in try call.query.list("flags") where !["ALL", "DETAIL"].contains(flag.uppercased()) {
            throw SallyError(.unsupported, "flag \(quoted(flag)) is not offered", hint: "offered: ALL, DETAIL")
        }
        _ = try call.query.moment("update_time")
    }
}

extension QueuedJob {
    /// The number, or one `NUMBER_TASK` for every task that waits.
    fileprivate var singleIDs: [String] {
        guard let tasks = waitingTasks, tasks.count <= 10_000, let open = view.displayID.firstIndex(of: "[") else {
            return [view.displayID]
        }
        return tasks.indexes.sorted().map { "\(view.displayID[..<open])\($0)" }
    }
}
