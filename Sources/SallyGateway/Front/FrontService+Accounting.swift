// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmClient
import SlurmModel
import StrictJSON

/// What slurmdbd answers, cut to the person's own: it shows everything to everybody unless a site says otherwise.
extension FrontService {
    func finishedJobs(_ call: FrontCall) async throws -> FrontReply {
        let query = call.query
        for user in query.list("users") where user != call.user.rawValue {
            throw SallyError(.denied, "jobs of \(quoted(user)) are not shown", hint: "leave users away: you see yours")
        }
        let now = cluster.jobs.clock.now
        let wanted = try query.moment("start_time") ?? now - .seconds(86400)
        let end = try query.moment("end_time")
        let steps = Set(try query.list("step").map { try FrontJob($0).job })
        try await lookAtOwnJobs(call)
        // Whole minutes, so that two who poll share a list.
        let since = max(wanted, now - JobFinder.reach)
        let read = try await cluster.listings.read(.jobs(of: call.user, since: Timestamp(since.rawValue / 60 * 60)))
        let filter = Filter(query)
        let found = read.records.filter { record in
            (record.number("time.end").map { $0 == 0 || $0 >= since.rawValue } ?? true)
                && (end.map { (record.number("time.submission") ?? 0) <= $0.rawValue } ?? true)
                && (steps.isEmpty || steps.contains { Int64($0.rawValue) == record.number("job_id") })
                && filter.admits(record)
        }
        var reply = FrontReply(("jobs", .array(found.map { $0.withoutMarker("comment.job").json(call.version) })))
        if since > wanted {
            reply.warnings.append(
                SlurmWarningEntry(
                    description: "accounting is asked for 31 days back and no further", source: "sallyport"))
        }
        return reply
    }

    func finishedJob(_ wanted: FrontJob, _ call: FrontCall) async throws -> FrontReply {
        try await lookAtOwnJobs(call)
        var records = try await cluster.listings.read(.job(wanted.job, of: call.user)).records
        if let task = wanted.task { records = records.filter { $0.number("array.task_id") == Int64(task) } }
        guard !records.isEmpty else { throw missing(wanted.job) }
        return FrontReply(("jobs", .array(records.map { $0.withoutMarker("comment.job").json(call.version) })))
    }

    /// The person alone. Somebody else is not found, exactly like nobody.
    func users(_ name: String?, _ call: FrontCall) async throws -> FrontReply {
        try await look(call)
        let own = try await cluster.listings.read(.users).records.filter { $0.text("name") == call.user.rawValue }
        if let name, name != call.user.rawValue || own.isEmpty { throw missing(.user, name, nil) }
        return FrontReply(("users", .array(own.map { $0.json(call.version) })))
    }

    func associations(_ call: FrontCall) async throws -> FrontReply {
        try await look(call)
        return FrontReply(("associations", .array(try await ownAssociations(call).map { $0.json(call.version) })))
    }

    func association(_ call: FrontCall) async throws -> FrontReply {
        try await look(call)
        let own = try await ownAssociations(call).prefix(1)
        return FrontReply(("associations", .array(own.map { $0.json(call.version) })))
    }

    /// The accounts that the person is in, without the others who are.
    func accounts(_ name: String?, _ call: FrontCall) async throws -> FrontReply {
        try await look(call)
        let names = Set(try await ownAssociations(call).compactMap { $0.text("account") })
        var own = try await cluster.listings.read(.accounts).records.filter { names.contains($0.text("name") ?? "") }
        if let name {
            own = own.filter { $0.text("name") == name }
            if own.isEmpty { throw missing(.account, name, nil) }
        }
        return FrontReply(("accounts", .array(own.map { $0.withoutPeople.json(call.version) })))
    }

    /// The QOS that some association of the person names.
    func allQOS(_ name: String?, _ call: FrontCall) async throws -> FrontReply {
        try await look(call)
        let associations = try await ownAssociations(call)
        let names = Set(associations.flatMap { $0.words("qos") + [$0.text("default.qos") ?? ""] })
        var own = try await cluster.listings.read(.qos).records.filter { names.contains($0.text("name") ?? "") }
        if let name {
            own = own.filter { $0.text("name") == name }
            if own.isEmpty { throw missing(.qos, name, SlurmRefusal(number: 2066, text: "Invalid qos specification")) }
        }
        return FrontReply(("qos", .array(own.map { $0.json(call.version) })))
    }

    func ownAssociations(_ call: FrontCall) async throws -> [SlurmRecord] {
        try await cluster.listings.read(.associations).records.filter { $0.text("user") == call.user.rawValue }
    }

    /// Lists of names, each of which one of a job's fields has to be in.
    private struct Filter {
        let fields: [(key: String, names: [String])]
        let states: Set<String>

        init(_ query: FrontQuery) {
            fields = [("account", "account"), ("partition", "partition"), ("name", "job_name")]
                .map { (key: $0.0, names: query.list($0.1)) }
            states = Set(query.list("state").map { $0.uppercased() })
        }

        func admits(_ record: SlurmRecord) -> Bool {
            fields.allSatisfy { $0.names.isEmpty || $0.names.contains(record.text($0.key) ?? "") }
                && (states.isEmpty || !states.isDisjoint(with: record.words("state.current")))
        }
    }
}

extension SlurmRecord {
    /// Our marker is nobody's to see, and the comment is then the one that the person gave.
    func withoutMarker(_ key: String) -> SlurmRecord {
        guard let comment = text(key) else { return self }
        var record = self
        record[key] = .saying(SubmissionMarker.split(comment).comment)
        return record
    }

    fileprivate var withoutPeople: SlurmRecord {
        var record = self
        record["associations"] = .unset
        record["coordinators"] = .unset
        return record
    }
}
