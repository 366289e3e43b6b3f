// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import SallySocket
import SlurmClient
import SlurmModel
import StrictJSON

/// What slurmdbd answers, cut to the person's own: it shows everything to everybody unless a site says otherwise.
extension FrontService {
    func finishedJobs(_ call: FrontCall) async throws -> FrontReply {
        let query = call.query
        for user in try query.list("users") where user != call.user.rawValue {
            throw SallyError(.denied, "jobs of \(quoted(user)) are not shown", hint: "leave users away: you see yours")
        }
        let now = cluster.jobs.clock.now
        let wanted = try query.moment("start_time") ?? now - .seconds(86400)
        let since = max(wanted, now - JobFinder.reach)
        let filter = try FinishedFilter(query, since: since, cluster: cluster.config.slurmName)
        try await lookAtOwnJobs(call)
        let kept = try await cluster.listings.read(
            .jobs(of: call.user, since: FinishedJobs.asked(since: since, now: now)))
        // Where they stand: unpacked they are many times as much.
        let places = await besideLoops {
            (0..<kept.count).filter { place in kept.record(place).map(filter.admits) ?? false }
        }
        var reply = FrontReply(
            FrontList("jobs", count: places.count) { [version = call.version] place, output in
                guard let record = kept.record(places[place])?.withoutMarker("comment.job") else { return }
                output += filter.json(record, version).bytes()
            })
        reply.warnings = kept.warnings
        if since > wanted {
            reply.warnings.append(
                SlurmWarningEntry(
                    description: "accounting is asked for 31 days back and no further", source: "sallyport"))
        }
        return reply
    }

    func finishedJob(_ wanted: FrontJob, _ call: FrontCall) async throws -> FrontReply {
        try await lookAtOwnJobs(call)
        let kept = try await cluster.listings.read(.job(wanted.job, of: call.user))
        let records = await besideLoops { [slurmName = cluster.config.slurmName] in
            (0..<kept.count).compactMap { kept.record($0) }.filter { record in
                record.isOf(slurmName) && wanted.task.map { record.number("array.task_id") == Int64($0) } ?? true
            }
        }
        guard !records.isEmpty else {
            guard !kept.isPartial else {
                throw SallyError(
                    .tooLarge, "what accounting says of job \(wanted.job) on cluster \(name) is too large to be read",
                    hint: "sacct(1) on the cluster shows it",
                    slurm: SlurmRefusal(number: 7006, text: "Query result exceeds size limit"))
            }
            throw missing(wanted.job)
        }
        var reply = FrontReply(
            FrontList("jobs", count: records.count) { [version = call.version] place, output in
                output += records[place].withoutMarker("comment.job").json(version).bytes()
            })
        reply.warnings = kept.warnings
        return reply
    }

    /// The person alone. Somebody else is not found, exactly like nobody.
    func users(_ name: String?, _ call: FrontCall) async throws -> FrontReply {
        let listsAssociations = try call.query.flag("with_assocs", absent: true)
        try await look(call)
        let own = try await cluster.listings.read(.users).records(named: call.user.rawValue)
        if let name, name != call.user.rawValue || own.isEmpty { throw missing(.user, name, nil) }
        let shown = own.map { record -> JSONValue in
            var user = record.onlyOf(cluster.config.slurmName, call.user)
            if !listsAssociations { user["associations"] = .unset }
            return user.json(call.version)
        }
        return FrontReply(("users", .array(shown)))
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

    /// The accounts that the person is in on this cluster, without the others who are.
    func accounts(_ name: String?, _ call: FrontCall) async throws -> FrontReply {
        try await look(call)
        var names = Set(try await ownAssociations(call).compactMap { $0.text("account") })
        if let name { names.formIntersection([name]) }
        let kept = try await cluster.listings.read(.accounts)
        let own = names.sorted().flatMap { kept.records(named: $0) }
        if let name, own.isEmpty { throw missing(.account, name, nil) }
        return FrontReply(("accounts", .array(own.map { $0.withoutPeople.json(call.version) })))
    }

    /// The QOS that some association of the person on this cluster names.
    func allQOS(_ name: String?, _ call: FrontCall) async throws -> FrontReply {
        try await look(call)
        let associations = try await ownAssociations(call)
        var names = Set(associations.flatMap { $0.words("qos") + [$0.text("default.qos") ?? ""] })
        if let name { names.formIntersection([name]) }
        let kept = try await cluster.listings.read(.qos)
        let own = names.sorted().flatMap { kept.records(named: $0) }
        if let name, own.isEmpty {
            throw missing(.qos, name, SlurmRefusal(number: 2066, text: "Invalid qos specification"))
        }
        return FrontReply(("qos", .array(own.map { $0.json(call.version) })))
    }

    /// One slurmdbd serves several clusters, and people are associated with each by itself.
    func ownAssociations(_ call: FrontCall) async throws -> [SlurmRecord] {
        try await cluster.listings.read(.associations).records(named: call.user.rawValue)
            .filter { $0.isOf(cluster.config.slurmName) }
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

    /// A user without what is so on other clusters, or is somebody else's.
    fileprivate func onlyOf(_ slurmName: String, _ user: UserName) -> SlurmRecord {
        var record = self
        record.keep("associations", where: ["cluster": slurmName, "user": user.rawValue])
        record.keep("wckeys", where: ["cluster": slurmName])
        // slurmdbd says the first default that it finds, whichever cluster it is on.
        var inDefault = record
        inDefault.keep("associations", where: ["account": record.text("default.account") ?? ""])
        if case .records = inDefault["associations"] { return record }
        record["default.account"] = .unset
        return record
    }

    fileprivate var withoutPeople: SlurmRecord {
        var record = self
        record["associations"] = .unset
        record["coordinators"] = .unset
        return record
    }
}
