// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOHTTP1
package import SallyModel
package import SallyPolicy
package import SlurmModel
import StrictJSON
import Synchronization

/// One cluster's slurmrestd. Everything it does was authorized before: it takes nothing but `Authorized`.
///
/// Nothing that changes something is sent twice. Replies are bounded, every call has a deadline.
package struct SlurmClient: Sendable {
    package let cluster: ClusterName
    let exchange: SlurmExchange
    let version: VersionMemory
    private let defaultPartition: PartitionName?
    private let exclusivePartitions: Set<PartitionName>
    let deadline: Duration
    let logger: Logger

    /// What one call may take and bring.
    enum Bound {
        static let small = 1 << 20
        static let large = 512 << 20
    }

    /// - Parameters:
    ///   - pinned: nil finds out which version is served.
    ///   - deadline: for one call; listings may take four times as long.
    ///   - defaultPartition: where replies do not say which it is (v0.0.40 to v0.0.42; 24.11.5, observed).
    ///   - exclusivePartitions: those with OverSubscribe=EXCLUSIVE, where replies do not say it (v0.0.36 to v0.0.38).
    init(
        cluster: ClusterName, exchange: SlurmExchange, pinned: APIVersion?, defaultPartition: PartitionName?,
        exclusivePartitions: Set<PartitionName>, deadline: Duration, logger: Logger
    ) {
        self.cluster = cluster
        self.exchange = exchange
        version = VersionMemory(pinned: pinned)
        self.defaultPartition = defaultPartition
        self.exclusivePartitions = exclusivePartitions
        self.deadline = deadline
        self.logger = logger
    }

    /// Submits one job, once.
    ///
    /// - Precondition: `token` was minted for this decision.
    /// - Throws: `SlurmError`; see `outcomeIsUnknown`.
    package func submit(
        _ submit: Authorized<Submit>, token: SlurmToken
    ) async throws(SlurmError) -> SubmittedJob {
        try await served(token) { version throws(SlurmError) in
            let body: JSONValue
            do {
                body = try JobDescription.json(submit.action.job, version: version, now: submit.decidedAt)
            } catch {
                let known = error as? SallyError
                throw .notOffered(message: known?.message ?? "\(error)", hint: known?.hint)
            }
            let reply = try await call(.POST, "/slurm/\(version)/job/submit", version, token, body: body.bytes())
            switch try believed({ () throws(SlurmReply.Malformed) in try reply.submission() }) {
            case .accepted(let id, let messages): return SubmittedJob(id: id, messages: messages)
            case .refused(let refusal): throw .refused(refusal)
            }
        }
    }

    /// Cancels or signals a job, and returns when Slurm confirmed it: 24.11 answers 200 to a cancel that it refuses.
    package func cancel(_ cancel: Authorized<Cancel>, token: SlurmToken) async throws(SlurmError) {
        try await kill(cancel.action.job, signal: cancel.action.signal, token: token)
    }

    /// The queue, as far as `token` may see it: an authenticated, error-free, full read.
    package func jobs(_ read: Authorized<SystemAction>, token: SlurmToken) async throws(SlurmError) -> [Job] {
        try await served(token) { version throws(SlurmError) in
            let reply = try await list("/slurm/\(version)/jobs", version, token)
            return try believed { () throws(SlurmReply.Malformed) in try reply.jobs() }
        }
    }

    /// One job, or every record of an array; none when slurmctld does not know it any more.
    package func job(
        _ job: JobID, _ read: Authorized<SystemAction>, token: SlurmToken
    ) async throws(SlurmError) -> [Job] {
        try await served(token) { version throws(SlurmError) in
            let reply = try await call(.GET, "/slurm/\(version)/job/\(job)", version, token, limit: Bound.large)
            if let refusal = reply.refusal {
                // ESLURM_INVALID_JOB_ID
                if refusal.number == 2017 { return [] }
                throw .refused(refusal)
            }
            return try believed { () throws(SlurmReply.Malformed) in try reply.jobs() }
        }
    }

    /// The states of all jobs: a fraction of what the queue costs. Nil where that is not served.
    package func states(
        _ read: Authorized<SystemAction>, token: SlurmToken
    ) async throws(SlurmError) -> [JobStateEntry]? {
        try await served(token) { version throws(SlurmError) in
            guard version.listsStates else { return nil }
            let reply = try await list("/slurm/\(version)/jobs/state/", version, token)
            return try believed { () throws(SlurmReply.Malformed) in try reply.jobStates() }
        }
    }

    /// What time it is for slurmctld, which alone checks tokens: from its statistics, as sdiag(1) shows them.
    package func clock(_ read: Authorized<SystemAction>, token: SlurmToken) async throws(SlurmError) -> Timestamp {
        try await served(token) { version throws(SlurmError) in
            let reply = try await call(.GET, "/slurm/\(version)/diag", version, token, limit: Bound.large)
            if let refusal = reply.refusal { throw .refused(refusal) }
            return try believed { () throws(SlurmReply.Malformed) in try reply.clock() }
        }
    }

    package func partitions(
        _ read: Authorized<SystemAction>, token: SlurmToken
    ) async throws(SlurmError) -> [Partition] {
        try await served(token) { version throws(SlurmError) in
            let reply = try await list("/slurm/\(version)/partitions", version, token)
            let found = try believed { () throws(SlurmReply.Malformed) in try reply.partitions() }
            return found.map { partition in
                var partition = partition
                if let defaultPartition { partition.isDefault = partition.name == defaultPartition.rawValue }
                if exclusivePartitions.contains(where: { $0.rawValue == partition.name }) {
                    partition.isExclusive = true
                }
                return partition
            }
        }
    }

    package func nodes(_ read: Authorized<SystemAction>, token: SlurmToken) async throws(SlurmError) -> [Node] {
        try await served(token) { version throws(SlurmError) in
            let reply = try await list("/slurm/\(version)/nodes", version, token)
            return try believed { () throws(SlurmReply.Malformed) in try reply.nodes() }
        }
    }

    /// Jobs of one person from accounting, those since a time or one by its id.
    package func finished(
        user: UserName, job: JobID?, since: Timestamp, _ read: Authorized<SystemAction>, token: SlurmToken
    ) async throws(SlurmError) -> [AccountingJob] {
        try await served(token) { version throws(SlurmError) in
            let path: String
            if let job {
                path = "/slurmdb/\(version)/job/\(job)"
            } else {
                // v0.0.38 knows no filter by user: everybody's jobs of that time come, and are cut here.
                let filter = !version.takesOptions ? "&users=\(user)" : ""
                path = "/slurmdb/\(version)/jobs?start_time=uts\(since.rawValue)\(filter)"
            }
            let reply = try await call(.GET, path, version, token, deadline: deadline * 4, limit: Bound.large)
            if let refusal = reply.refusal {
                // 9003: an empty result is an error to some versions.
                if refusal.number == 9003 || refusal.number == 2017 { return [] }
                throw .refused(refusal)
            }
            let found = try believed { () throws(SlurmReply.Malformed) in try reply.accountingJobs() }
            return found.filter { $0.user == user.rawValue }
        }
    }

    func list(
        _ path: String, _ version: APIVersion, _ token: SlurmToken
    ) async throws(SlurmError) -> SlurmReply {
        let reply = try await call(.GET, path, version, token, deadline: deadline * 4, limit: Bound.large)
        if let refusal = reply.refusal { throw .refused(refusal) }
        return reply
    }

    /// What a reply says, or that it cannot be believed.
    func believed<Value>(_ read: () throws(SlurmReply.Malformed) -> Value) throws(SlurmError) -> Value {
        do {
            return try read()
        } catch {
            throw .badReply(status: nil, reason: error.description)
        }
    }

    func call(
        _ method: HTTPMethod, _ path: String, _ version: APIVersion, _ token: SlurmToken, body: [UInt8]? = nil,
        deadline: Duration? = nil, limit: Int = Bound.small
    ) async throws(SlurmError) -> SlurmReply {
        if method != .GET, exchange.breaker.wantsLook { try await look(version, token) }
        let answer = try await exchange.send(
            SlurmExchange.Call(
                method: method, path: path, body: body, deadline: deadline ?? self.deadline, limit: limit,
                namesUser: version.namesUser),
            token: token)
        let reply = SlurmReply(answer.json, version: version)
        if let refusal = reply.refusal, [1007, 6000, 6001, 9008].contains(refusal.number) {
            throw .authentication(reason: "\(refusal.number) \(refusal.text)")
        }
        guard (200...299).contains(answer.status) || reply.refusal != nil else {
            throw .badReply(status: answer.status, reason: "an error without Slurm's number")
        }
        return reply
    }

    /// Asks a daemon that has been silent for a while, before anything is sent to it that changes something.
    private func look(_ version: APIVersion, _ token: SlurmToken) async throws(SlurmError) {
        _ = try await exchange.send(
            SlurmExchange.Call(
                method: .GET, path: "/slurm/\(version)/ping", body: nil, deadline: deadline, limit: Bound.small,
                namesUser: version.namesUser),
            token: token)
    }
}

/// A job that Slurm accepted.
package struct SubmittedJob: Sendable, Equatable {
    package var id: JobID
    /// What Slurm says of it, such as why it waits.
    package var messages: [String]

    package init(id: JobID, messages: [String]) {
        self.id = id
        self.messages = messages
    }
}
