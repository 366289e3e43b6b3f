// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOHTTP1
package import SallyModel
package import SallyPolicy
package import SlurmModel
import StrictJSON

/// One cluster's slurmrestd: how it is asked for anything, and jobs submitted. Everything it does was authorized before: it
/// takes nothing but `Authorized`.
///
/// Nothing that changes something is sent twice. Replies are bounded, every call has a deadline.
package struct SlurmClient: Sendable {
    package let cluster: ClusterName
    private(set) var exchange: SlurmExchange
    let version: VersionMemory
    let defaultPartition: PartitionName?
    let exclusivePartitions: Set<PartitionName>
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
    ///   - defaultPartition: where replies do not say which it is (v0.0.40 to v0.0.44; 24.11.5, observed).
    ///   - exclusivePartitions: those with OverSubscribe=EXCLUSIVE, where replies do not say it (v0.0.38).
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

    /// The same daemon for the queue keeper: nothing but signs of life shares connections with its reads.
    package var forKeeper: SlurmClient {
        var client = self
        client.exchange.reader = .keeper
        return client
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

    /// Cancels or signals a job or a part of it, and returns when Slurm confirmed it: 24.11 answers 200 to a cancel that it
    /// refuses.
    package func cancel(_ cancel: Authorized<Cancel>, token: SlurmToken) async throws(SlurmError) {
        let action = cancel.action
        try await kill(
            action.which, number: action.number, signal: action.signal, flags: action.flags, token: token)
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
        try await look(version, token)
        let answer = try await exchange.send(
            SlurmExchange.Call(
                method: method, path: path, body: body, deadline: deadline ?? self.deadline, limit: limit,
                namesUser: version.namesUser),
            token: token)
        return try checked(answer, version)
    }

    func checked(
        _ answer: SlurmExchange.Answer, _ version: APIVersion
    ) throws(SlurmError) -> SlurmReply {
        let reply = SlurmReply(answer.json, version: version)
        if let refusal = reply.refusal, [1007, 6000, 6001, 9008].contains(refusal.number) {
            throw .authentication(reason: "\(refusal.number) \(refusal.text)")
        }
        // Network Authentication Required: what 24.11 says of a token that is none, for some requests without any number.
        if answer.status == 511, reply.refusal == nil { throw .authentication(reason: "slurmrestd: status 511") }
        guard (200...299).contains(answer.status) || reply.refusal != nil else {
            throw .badReply(status: answer.status, reason: "an error without Slurm's number")
        }
        return reply
    }

    /// Asks a daemon that has been silent for a while for a sign of life, before anything else is sent to it. Of several
    /// callers one asks, and the others fail meanwhile.
    ///
    /// - Throws: what never means that the request proper was sent.
    func look(_ version: APIVersion, _ token: SlurmToken) async throws(SlurmError) {
        guard exchange.breaker.wantsLook else { return }
        do throws(SlurmError) {
            _ = try await exchange.send(.ping(version, deadline: deadline), token: token)
        } catch {
            // A version that is served no more: what follows finds that out.
            guard case .badReply(404?, _) = error else { throw error.unsent }
        }
    }
}

/// A job that Slurm accepted.
package struct SubmittedJob: Sendable, Equatable {
    package var id: JobID
    /// What Slurm says of it, such as why it waits.
    package var messages: SubmissionMessages

    package init(id: JobID, messages: SubmissionMessages) {
        self.id = id
        self.messages = messages
    }
}
