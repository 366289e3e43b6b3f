// SPDX-License-Identifier: Apache-2.0

import Crypto
import SallyConfig
import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallySocket
import SlurmModel
import StrictJSON

/// From the bytes of a request to what policy judges: every default that Slurm would fill in made explicit.
struct JobReader: Sendable {
    let config: ClusterConfig
    let keeper: QueueKeeper
    let accounts: AccountDoor
    let gate: Gate

    struct Asked: Sendable {
        var job: JobRequest
        /// SHA-256 of the canonical request, lower-case hexadecimal.
        var fingerprint: String
    }

    struct Judged: Sendable {
        var job: ResolvedJob
        var bounds: ResourceBounds
    }

    /// - Throws: `.invalidRequest` that names every unknown, doubled or mistyped field.
    func read(_ body: [UInt8]) async throws -> Asked {
        try await beside(body) {
            let json = try JSONValue(parsing: body)
            return Asked(job: try JobRequest(json: json), fingerprint: JobReader.fingerprint(json))
        }
    }

    /// Reads a body where it does not hold up an event loop.
    ///
    /// - Throws: `.invalidRequest` for what is no strict JSON; what `parse` throws.
    func beside(_ body: [UInt8], _ parse: @Sendable () throws -> Asked) async throws -> Asked {
        do {
            return try await JobReader.parsed(body, parse)
        } catch let error as JSONError {
            throw SallyError(.invalidRequest, "\(error)", hint: "see /v1/openapi.json or /openapi")
        }
    }

    /// A body of more bytes is not read on an event loop.
    private static let long = 64 << 10

    /// What `parse` makes of a body, whatever it is a request for.
    static func parsed<Value: Sendable>(
        _ body: [UInt8], _ parse: @Sendable () throws -> Value
    ) async rethrows -> Value {
        body.count > long ? try await besideLoops(parse) : try parse()
    }

    /// Of the canonical form: neither the order of members nor white space counts.
    static func fingerprint(_ json: JSONValue) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let hex = SHA256.hash(data: json.bytes(.sorted)).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: hex, as: UTF8.self)
    }

    /// For submitting. Home and first account of a profile are the steward's to know: before a person's first job it
    /// makes the account, once policy has said that the person may use the cluster and nothing speaks against the job. A
    /// job that policy refuses comes back without, and is refused at the gate.
    ///
    /// - Throws: `.unavailable` while the cluster's partitions are not known; `.invalidRequest` for a partition that is
    ///   not there; `.denied` for somebody without a profile.
    func resolve(_ asked: JobRequest, for principal: Principal, request: OpaqueID) async throws -> Judged {
        if let known = try accounts.ifKnown(principal) { return try judge(asked, principal, known) }
        let namesAccount = (asked.account ?? config.defaultAccount) != nil
        if namesAccount {
            let judged = try judge(asked, principal, nil)
            let question = Question.submit(config.name, judged.job, judged.bounds)
            let isAllowed = gate.explain(question, for: principal).decision.isAllowed
            if !isAllowed || asked.workingDirectory != nil { return judged }
        }
        _ = try await gate.authorize(ReadCluster(cluster: config.name), by: principal, request: request.rawValue)
        return try judge(asked, principal, try await accounts.ensure(principal))
    }

    /// For explaining: changes nothing anywhere.
    func foresee(_ asked: JobRequest, for principal: Principal) throws -> Judged {
        let known = try accounts.ifKnown(principal)
        guard asked.account != nil || config.defaultAccount != nil || known != nil else {
            throw SallyError(
                .invalidRequest, "your default account on cluster \(config.name) is not known before your first job",
                hint: "name one with --account")
        }
        return try judge(asked, principal, known)
    }

    private func judge(_ asked: JobRequest, _ principal: Principal, _ known: EnsuredAccount?) throws -> Judged {
        let snapshot = keeper.latest
        guard snapshot.readAt != nil else {
            throw keeper.failure ?? keeper.unread
        }
        var defaults = ClusterDefaults(
            partitions: snapshot.partitions, nodes: snapshot.nodes,
            account: config.defaultAccount ?? known?.accounts.first, home: known?.home)
        defaults.take(config)
        let job = try asked.resolved(with: defaults, user: principal.account.name)
        return Judged(job: job, bounds: ResourceBounds(of: job))
    }
}
