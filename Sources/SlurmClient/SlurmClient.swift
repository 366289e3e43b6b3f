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
        /// Of what is taken apart while it comes: a queue of 400,000 jobs.
        static let streamed = 3 << 30
    }

    /// - Parameters:
    ///   - pinned: nil finds out which version is served.
    ///   - deadline: for one call; listings may take four times as long, those of jobs twelve times.
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
        try await jobs(changedSince: nil, read, token: token) { job, _ in job }.jobs
    }

    /// The queue, job by job as it comes.
    ///
    /// - Parameters:
    ///   - moment: of slurmctld's clock. Where nothing has changed since, slurmrestd answers with an empty list, and does so
    ///     without an error: the caller has to know better than to take that for an empty queue.
    ///   - make: what is kept of a job; it gets all that slurmrestd wrote, too.
    package func jobs<Element: Sendable>(
        changedSince moment: Timestamp?, _ read: Authorized<SystemAction>, token: SlurmToken,
        _ make: @Sendable @escaping (Job, SlurmRecord) -> Element
    ) async throws(SlurmError) -> JobListing<Element> {
        try await served(token) { version throws(SlurmError) in
            let query = moment.map { "?update_time=\($0.rawValue)" } ?? ""
            let (reply, jobs) = try await streamed("/slurm/\(version)/jobs\(query)", version, token) {
                part throws(SlurmReply.Malformed) in
                var made: [Element] = []
                for record in try part.records(.job) {
                    if let job = Job(record) { made.append(make(job, record)) }
                }
                return made
            }
            if let refusal = reply.refusal { throw .refused(refusal) }
            return JobListing(jobs: jobs, readAt: reply.lastUpdate)
        }
    }

    /// One job, or every record of an array; none when slurmctld does not know it any more.
    package func job(
        _ job: JobID, _ read: Authorized<SystemAction>, token: SlurmToken
    ) async throws(SlurmError) -> [Job] {
        try await self.job(job, read, token: token) { job, _ in job }
    }

    package func job<Element>(
        _ job: JobID, _ read: Authorized<SystemAction>, token: SlurmToken, _ make: (Job, SlurmRecord) -> Element
    ) async throws(SlurmError) -> [Element] {
        let records: [SlurmRecord] = try await served(token) { version throws(SlurmError) in
            let reply = try await call(.GET, "/slurm/\(version)/job/\(job)", version, token, limit: Bound.large)
            if let refusal = reply.refusal {
                // ESLURM_INVALID_JOB_ID
                if refusal.number == 2017 { return [] }
                throw .refused(refusal)
            }
            return try believed { () throws(SlurmReply.Malformed) in try reply.records(.job) }
        }
        return records.compactMap { record in Job(record).map { make($0, record) } }
    }

    /// The states of all jobs: a fraction of what the queue costs. Nil where that is not served.
    package func states(
        _ read: Authorized<SystemAction>, token: SlurmToken
    ) async throws(SlurmError) -> [JobStateEntry]? {
        try await served(token) { version throws(SlurmError) in
            guard version.listsStates else { return nil }
            let (reply, states) = try await streamed("/slurm/\(version)/jobs/state/", version, token) {
                part throws(SlurmReply.Malformed) in try part.jobStates()
            }
            if let refusal = reply.refusal { throw .refused(refusal) }
            return states
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
            let (reply, found) = try await streamed(path, version, token) { part throws(SlurmReply.Malformed) in
                try part.accountingJobs().filter { $0.user == user.rawValue }
            }
            if let refusal = reply.refusal {
                // 9003: an empty result is an error to some versions.
                if refusal.number == 9003 || refusal.number == 2017 { return [] }
                throw .refused(refusal)
            }
            return found
        }
    }

    /// An answer whose list `jobs` is read while it comes, some of it at a time, and the rest of the answer.
    ///
    /// - Throws: for a list that is missing, too, where no error says why.
    private func streamed<Element: Sendable>(
        _ path: String, _ version: APIVersion, _ token: SlurmToken,
        _ make: @Sendable @escaping (SlurmReply) throws(SlurmReply.Malformed) -> [Element]
    ) async throws(SlurmError) -> (SlurmReply, [Element]) {
        let call = SlurmExchange.Call(
            method: .GET, path: path, body: nil, deadline: deadline * 12, limit: Bound.streamed,
            namesUser: version.namesUser)
        let listing = try await exchange.list("jobs", call, token: token) { rows throws(SlurmError) in
            guard !rows.isEmpty else { return [Element]() }
            do throws(SlurmReply.Malformed) {
                return try make(SlurmReply(.object(JSONObject([("jobs", .array(rows))])), version: version))
            } catch {
                throw .badReply(status: nil, reason: error.description)
            }
        }
        let reply = try checked(listing.answer, version)
        guard reply.refusal != nil || reply.json["jobs"]?.array != nil else {
            throw .badReply(status: nil, reason: "no list jobs")
        }
        return (reply, listing.elements)
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
        return try checked(answer, version)
    }

    private func checked(
        _ answer: SlurmExchange.Answer, _ version: APIVersion
    ) throws(SlurmError) -> SlurmReply {
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

/// The queue at one moment.
package struct JobListing<Element: Sendable>: Sendable {
    package var jobs: [Element]
    /// When slurmctld read it, by its own clock; nil where that is not said (v0.0.38), or nothing had changed.
    package var readAt: Timestamp?

    package init(jobs: [Element], readAt: Timestamp?) {
        self.jobs = jobs
        self.readAt = readAt
    }
}

extension SlurmReply {
    /// `last_update`: a number, or the struct of v0.0.40 and later.
    fileprivate var lastUpdate: Timestamp? {
        let field = json["last_update"]
        let plain = field?.integer(Int64.self)
        let number = field?["set"]?.bool == true ? field?["number"]?.integer(Int64.self) : nil
        return (plain ?? number).flatMap { $0 > 0 ? Timestamp($0) : nil }
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
