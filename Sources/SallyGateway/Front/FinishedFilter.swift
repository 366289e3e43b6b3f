// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel
import StrictJSON

/// What a job of accounting has to be: of this cluster, of the time, and in each field one of the names that are given for it;
/// and which of its steps are listed.
struct FinishedFilter: Sendable {
    private let cluster: String
    private let since: Timestamp
    private let end: Timestamp?
    private let fields: [(key: String, names: Set<String>)]
    private let states: Set<String>
    /// Jobs and parts of them, each with the steps that are asked for of it; with none, all of them are.
    private let parts: [JobTarget: Set<String>]
    private let skipsSteps: Bool

    /// - Parameter cluster: what Slurm calls it, in lower case.
    /// - Throws: `.invalidRequest` for what is no moment, no state or no step.
    init(_ query: FrontQuery, since: Timestamp, cluster: String) throws {
        self.cluster = cluster
        self.since = since
        end = try query.moment("end_time")
        fields = try [("account", "account"), ("partition", "partition"), ("name", "job_name")]
            .map { (key: $0.0, names: Set(try query.list($0.1))) }
        states = Set(try query.list("state").map(FinishedFilter.state))
        skipsSteps = try query.flag("skip_steps")
        let named = try query.list("step").map { try FrontStep($0) }
        let whole = Set(named.filter { $0.step == nil }.map(\.job))
        var parts: [JobTarget: Set<String>] = [:]
        for name in named {
            parts[name.job, default: []].formUnion(whole.contains(name.job) ? [] : [name.step].compactMap { $0 })
        }
        self.parts = parts
    }

    func admits(_ record: SlurmRecord) -> Bool {
        guard record.isOf(cluster) else { return false }
        if let ended = record.number("time.end"), ended != 0, ended < since.rawValue { return false }
        if let end, record.number("time.submission") ?? 0 > end.rawValue { return false }
        guard parts.isEmpty || FinishedFilter.names(record).contains(where: { parts[$0] != nil }) else { return false }
        return fields.allSatisfy { $0.names.isEmpty || $0.names.contains(record.text($0.key) ?? "") }
            && (states.isEmpty || !states.isDisjoint(with: record.words("state.current")))
    }

    /// The job as `version` writes it, with the steps that are asked for.
    ///
    /// - Precondition: the filter admits it.
    func json(_ record: SlurmRecord, _ version: APIVersion) -> JSONValue {
        var record = record
        if skipsSteps { record["steps"] = .unset }
        let json = record.json(version)
        guard let wanted = steps(record), var job = json.object, let all = job["steps"]?.array else { return json }
        job["steps"] = .array(
            all.filter { step in
                FrontStep.name(inID: step["step"]?["id"]?.string ?? "").map(wanted.contains) ?? false
            })
        return .object(job)
    }

    /// Nil are all of them.
    private func steps(_ record: SlurmRecord) -> Set<String>? {
        guard !parts.isEmpty else { return nil }
        let wanted = FinishedFilter.names(record).compactMap { parts[$0] }
        guard !wanted.contains(where: \.isEmpty) else { return nil }
        return wanted.reduce(into: Set<String>()) { $0.formUnion($1) }
    }

    /// All that finds the job: its own number, that of its array and of its heterogeneous job, and its names as a part of these
    /// (src/plugins/accounting_storage/mysql/as_mysql_jobacct_process.c, `_setup_job_cond_selected_steps`).
    private static func names(_ record: SlurmRecord) -> [JobTarget] {
        func number(_ key: String) -> JobID? {
            record.number(key).flatMap { UInt32(exactly: $0) }.flatMap { JobID(rawValue: $0) }
        }
        var names: [JobTarget] = []
        if let own = number("job_id") { names.append(JobTarget(job: own)) }
        if let array = number("array.job_id") {
            names.append(JobTarget(job: array))
            if let task = record.count("array.task_id") { names.append(JobTarget(job: array, part: .task(task))) }
        }
        if let part = record.heterogeneous {
            names += [JobTarget(job: part.job), JobTarget(job: part.job, part: .component(part.offset))]
        }
        return names
    }

    /// In full, short or as a number: slurmrestd's v0.0.40 takes them all (src/slurmrestd/plugins/openapi/slurmdbd/jobs.c,
    /// `_add_list_job_state`, slurm-23-11).
    private static func state(_ text: String) throws -> String {
        let number = text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? Int(text) : nil
        let state = JobState(short: text) ?? number.flatMap { JobState(number: $0) }
        if let state { return state.description }
        return try FrontKill.state(text, named: "state")
    }
}
