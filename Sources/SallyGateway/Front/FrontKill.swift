// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire
import StrictJSON

/// The body of `DELETE /slurm/VERSION/jobs/`: which jobs, and what happens to them (`KILL_JOBS_MSG`).
struct FrontKill: Sendable, Equatable {
    /// As they are written; empty: all that pass the filters.
    var jobs: [String] = []
    var signal: String?
    var states: [String] = []
    var account: String?
    var partition: String?
    var jobName: String?
    /// The caller's own name stands there: all of one's jobs are meant.
    private var namesCaller = false

    /// The most jobs in one list.
    static let limit = 1000

    /// Everything wrong is told at once.
    ///
    /// - Throws: `.denied` for somebody else's jobs, `.unsupported` for filters that are not offered, `.invalidRequest`.
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
        for member in object where !FrontKill.isEmpty(member.value) { try read(member.key, member.value, account) }
        guard jobs.count <= FrontKill.limit else {
            throw SallyError(.tooLarge, "more than \(FrontKill.limit) jobs", hint: "send several lists")
        }
        guard !jobs.isEmpty || filters || namesCaller else {
            throw SallyError(
                .invalidRequest, "neither jobs nor a filter is given",
                hint: "jobs, or one of user_name, job_state, account, partition, job_name")
        }
    }

    var filters: Bool { !states.isEmpty || account != nil || partition != nil || jobName != nil }

    func matches(_ job: QueuedJob) -> Bool {
        let view = job.view
        let partitions = view.partition.split(separator: ",").map(String.init)
        return (states.isEmpty || !Set(states).isDisjoint(with: view.states))
            && (account.map { $0.lowercased() == view.account.lowercased() } ?? true)
            && (partition.map(partitions.contains) ?? true) && (jobName.map { $0 == view.name } ?? true)
    }

    private mutating func read(_ key: String, _ value: JSONValue, _ caller: Account) throws {
        switch key {
        case "jobs": jobs = try texts(key, value)
        case "job_state": states = try texts(key, value).map { $0.uppercased() }
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
        case "flags", "qos", "reservation", "wckey", "nodes":
            throw SallyError(.unsupported, "\(key) is not offered", hint: "list the jobs")
        default: throw SallyError(.invalidRequest, "unknown field \(quoted(key))", hint: "see KillJobs in /openapi")
        }
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
