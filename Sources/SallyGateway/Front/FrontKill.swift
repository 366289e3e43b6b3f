// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import SallyWire
import SlurmModel
import StrictJSON

/// The body of `DELETE /slurm/VERSION/jobs/`: which jobs, and what happens to them (`KILL_JOBS_MSG`).
struct FrontKill: Sendable, Equatable {
    /// What is no job is told by itself. Empty: all that pass the filters.
    private(set) var jobs: [NamedJob] = []
    private(set) var signal: String?
    private(set) var flags: Set<CancelFlag> = []
    private var states: Set<String> = []
    private var account: String?
    private var partition: String?
    private var jobName: String?
    /// The caller's own name stands there: all of one's jobs are meant.
    private var namesCaller = false

    /// The most jobs in one request, named or found.
    static let limit = 1000

    static let tooMany = SallyError(.tooLarge, "more than \(limit) jobs", hint: "send several lists")

    /// - Throws: `.denied` for somebody else's jobs, `.unsupported` for filters that are not offered, `.tooLarge` for too many
    ///   jobs, `.invalidRequest`.
    init(_ body: [UInt8], by account: Account) throws {
        let object: JSONObject
        do {
            guard let members = try JSONValue(parsing: body).object else {
                throw SallyError(.invalidRequest, "the body is no JSON object")
            }
            object = members
        } catch let error as JSONError {
            throw SallyError(.invalidRequest, "\(error)")
        }
        var flags: [String] = []
        for member in object where !FrontKill.isEmpty(member.value) {
            if member.key == "flags" {
                flags = try texts(member.key, member.value)
            } else {
                try read(member.key, member.value, account)
            }
        }
        self.flags = try FrontKill.flags(flags, signal: signal)
        guard !jobs.isEmpty || filters || namesCaller else {
            throw SallyError(
                .invalidRequest, "neither jobs nor a filter is given",
                hint: "jobs, or one of user_name, job_state, account, partition, job_name")
        }
    }

    var filters: Bool { !states.isEmpty || account != nil || partition != nil || jobName != nil }

    /// The filters; nil where there are none.
    var filter: (@Sendable (QueuedJob) -> Bool)? {
        guard filters else { return nil }
        return { matches($0) }
    }

    func matches(_ job: QueuedJob) -> Bool {
        let view = job.view
        return (states.isEmpty || !states.isDisjoint(with: view.states))
            && (account.map { $0.lowercased() == view.account.lowercased() } ?? true)
            && (partition.map(job.partitions.contains) ?? true) && (jobName.map { $0 == view.name } ?? true)
    }

    /// Flags as they are sent to Slurm.
    ///
    /// - Throws: `.unsupported` for any other; `.invalidRequest` where there is no signal that they could go with.
    static func flags(_ words: [String], signal: String?) throws -> Set<CancelFlag> {
        let flags = try words.map { word in
            guard let flag = CancelFlag(rawValue: word.uppercased()) else {
                throw SallyError(
                    .unsupported, "flag \(quoted(word)) is not offered",
                    hint: "offered: \(CancelFlag.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return flag
        }
        guard flags.isEmpty || signal != nil else {
            throw SallyError(
                .invalidRequest, "flags are given without a signal", hint: "give one; without, the job is ended")
        }
        return Set(flags)
    }

    private mutating func read(_ key: String, _ value: JSONValue, _ caller: Account) throws {
        switch key {
        case "jobs":
            let found = NamedJob.all(try texts(key, value), limit: FrontKill.limit)
            guard let found else { throw FrontKill.tooMany }
            jobs = found
        case "job_state": states = Set(try texts(key, value).map { try FrontKill.state($0, named: key) })
        case "signal": signal = try checkedSignal(try text(key, value))
        case "account": account = try text(key, value)
        case "partition": partition = try text(key, value)
        case "job_name": jobName = try text(key, value)
        case "user_name", "user_id":
            let name = try text(key, value)
            guard name == caller.name.rawValue || name == "\(caller.uid)" else {
                throw SallyError(.denied, "\(key) \(quoted(name)) is not yours", hint: "leave it away")
            }
            namesCaller = true
        case "qos", "reservation", "wckey", "nodes":
            throw SallyError(.unsupported, "\(key) is not offered", hint: "list the jobs")
        default: throw SallyError(.invalidRequest, "unknown field \(quoted(key))", hint: "see KillJobs in /openapi")
        }
    }

    /// - Parameter key: what it stands in.
    /// - Throws: `.invalidRequest` for a word that Slurm has for no state.
    static func state(_ text: String, named key: String) throws -> String {
        let word = text.uppercased()
        guard case .other = JobState(word) else { return word }
        throw SallyError(
            .invalidRequest, "\(key) \(quoted(text)) is not valid", hint: "as in squeue(1), such as RUNNING, PENDING")
    }

    private static func isEmpty(_ value: JSONValue) -> Bool {
        switch value {
        case .null: true
        case .array(let elements): elements.isEmpty
        case .string(let text): text.isEmpty
        case .bool, .number, .object: false
        }
    }

    private func text(_ key: String, _ value: JSONValue) throws -> String {
        switch value {
        case .string(let text), .number(let text): return text
        case .null, .bool, .array, .object:
            throw SallyError(.invalidRequest, "\(key): expected a text, found \(value.kind)")
        }
    }

    private func texts(_ key: String, _ value: JSONValue) throws -> [String] {
        guard case .array(let elements) = value else { return [try text(key, value)] }
        return try elements.map { try text(key, $0) }
    }
}
