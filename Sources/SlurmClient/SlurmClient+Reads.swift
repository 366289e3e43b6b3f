// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
package import SallyModel
package import SallyPolicy
package import SlurmModel
import StrictJSON

/// What only reads: the queue, what the cluster has, accounting.
extension SlurmClient {
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
            let query = moment.map { "?update_time=\(version.moment($0))" } ?? ""
            let read: Streamed<Element>
            do throws(SlurmError) {
                read = try await streamed("/slurm/\(version)/jobs\(query)", version, token) {
                    part throws(SlurmReply.Malformed) in
                    var made: [Element] = []
                    for record in try part.records(.job) { made.append(make(try Job(believed: record), record)) }
                    return made
                }
            } catch {
                // So 22.05 says that nothing has changed, where later versions send an empty list.
                guard moment != nil, case .badReply(304?, _) = error else { throw error }
                return JobListing(jobs: [], readAt: nil)
            }
            if let refusal = read.reply.refusal { throw .refused(refusal) }
            return JobListing(jobs: read.elements, readAt: read.reply.lastUpdate)
        }
    }

    /// One job, or every record of an array; none when slurmctld does not know it any more.
    package func job(
        _ job: JobID, _ read: Authorized<SystemAction>, token: SlurmToken
    ) async throws(SlurmError) -> [Job] {
        try await self.job(job, read, token: token) { job, _ in job }
    }

    /// The same, record by record as it comes: an array that runs may be thousands of them.
    package func job<Element: Sendable>(
        _ job: JobID, _ read: Authorized<SystemAction>, token: SlurmToken,
        _ make: @Sendable @escaping (Job, SlurmRecord) -> Element
    ) async throws(SlurmError) -> [Element] {
        try await served(token) { version throws(SlurmError) -> [Element] in
            let read = try await streamed(
                "/slurm/\(version)/job/\(job)", version, token, patience: 1, limit: Bound.large
            ) { part throws(SlurmReply.Malformed) in
                var made: [Element] = []
                for record in try part.records(.job) { made.append(make(try Job(believed: record), record)) }
                return made
            }
            if let refusal = read.reply.refusal {
                // ESLURM_INVALID_JOB_ID
                if refusal.number == 2017 { return [] }
                throw .refused(refusal)
            }
            return read.elements
        }
    }

    /// The states of all jobs: a fraction of what the queue costs. Nil where that is not served.
    package func states(
        _ read: Authorized<SystemAction>, token: SlurmToken
    ) async throws(SlurmError) -> [JobStateEntry]? {
        try await served(token) { version throws(SlurmError) in
            guard version.listsStates else { return nil }
            let read = try await streamed("/slurm/\(version)/jobs/state/", version, token) {
                part throws(SlurmReply.Malformed) in try part.jobStates()
            }
            if let refusal = read.reply.refusal { throw .refused(refusal) }
            return read.elements
        }
    }

    /// What time it is for slurmctld, which alone checks tokens, and what it has not told slurmdbd yet: from its statistics, as
    /// sdiag(1) shows them.
    package func diagnosis(
        _ read: Authorized<SystemAction>, token: SlurmToken
    ) async throws(SlurmError) -> SlurmReply.Diagnosis {
        try await served(token) { version throws(SlurmError) in
            let reply = try await call(.GET, "/slurm/\(version)/diag", version, token, limit: Bound.large)
            if let refusal = reply.refusal { throw .refused(refusal) }
            return try believed { () throws(SlurmReply.Malformed) in try reply.diagnosis() }
        }
    }

    package func partitions(
        _ read: Authorized<SystemAction>, token: SlurmToken
    ) async throws(SlurmError) -> [Partition] {
        try await served(token) { version throws(SlurmError) in
            let read = try await streamed(
                "/slurm/\(version)/partitions", version, token, key: "partitions", patience: 4, limit: Bound.large
            ) { part throws(SlurmReply.Malformed) in try part.partitions() }
            if let refusal = read.reply.refusal { throw .refused(refusal) }
            return read.elements.map { partition in
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
            let read = try await streamed(
                "/slurm/\(version)/nodes", version, token, key: "nodes", patience: 4, limit: Bound.large
            ) { part throws(SlurmReply.Malformed) in try part.nodes() }
            if let refusal = read.reply.refusal { throw .refused(refusal) }
            return read.elements
        }
    }

    /// An answer whose list is read while it comes, some of it at a time, and the rest of the answer.
    ///
    /// - Parameters:
    ///   - key: the list's; `make` gets parts of the answer that have some of it alone.
    ///   - patience: how many deadlines it may take.
    ///   - oversize: what becomes of an element that is larger than `largestRecord`. Half a list is none: only who says how much
    ///     is missing may have it passed over.
    /// - Throws: for a list that is missing, too, where no error says why.
    func streamed<Element: Sendable>(
        _ path: String, _ version: APIVersion, _ token: SlurmToken, key: String = "jobs", patience: Int = 12,
        limit: Int = Bound.streamed, oversize: JSONListStream.Oversize = .refused,
        _ make: @Sendable @escaping (SlurmReply) throws(SlurmReply.Malformed) -> [Element]
    ) async throws(SlurmError) -> Streamed<Element> {
        let call = SlurmExchange.Call(
            method: .GET, path: path, body: nil, deadline: deadline * patience, limit: limit,
            namesUser: version.namesUser)
        try await look(version, token)
        let listing = try await exchange.list(key, call, oversize: oversize, token: token) { rows throws(SlurmError) in
            guard !rows.isEmpty else { return [Element]() }
            do throws(SlurmReply.Malformed) {
                return try make(SlurmReply(.object(JSONObject([(key, .array(rows))])), version: version))
            } catch {
                throw .badReply(status: nil, reason: error.description)
            }
        }
        let reply = try checked(listing.answer, version)
        guard reply.refusal != nil || reply.json[key]?.array != nil else {
            throw .badReply(status: nil, reason: "no list \(key)")
        }
        return Streamed(reply: reply, elements: listing.elements, passedOver: listing.passedOver)
    }
}

/// An answer whose list was read while it came.
struct Streamed<Element: Sendable>: Sendable {
    /// With an empty list.
    var reply: SlurmReply
    var elements: [Element]
    /// Elements that were larger than is read.
    var passedOver: Int
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
        return (plain ?? number).flatMap { (1..<1 << 40).contains($0) ? Timestamp($0) : nil }
    }
}
