// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallyStore
import SallyWire

/// Reading the audit chain, and holding it against what the signer kept.
struct AuditService: Sendable {
    let gate: Gate
    let book: any AuditBook
    let signer: any TokenMinter

    /// How many records are asked of the signer at once.
    private static let recordPage = 2000

    struct Range: Sendable {
        var actor: String?
        var action: String?
        var target: String?
        /// Only events after this one.
        var after: Int64?
        /// Only events before this one.
        var before: Int64?
        var limit: Int
    }

    /// Newest first.
    func page(_ range: Range, for requester: Requester, request: OpaqueID) async throws -> AuditPage {
        _ = try await requester.authorize(.readAudit, at: gate, request: request)
        let found = try await book.page(
            AuditQuery(
                actor: range.actor, action: range.action, target: range.target, before: range.before,
                limit: range.limit))
        guard let after = range.after else { return AuditPage(events: found.events, next: found.next) }
        let later = found.events.filter { $0.sequence > after }
        return AuditPage(events: later, next: later.count == found.events.count ? found.next : nil)
    }

    func verify(for requester: Requester, request: OpaqueID) async throws -> AuditVerification {
        _ = try await requester.authorize(.verifyAudit, at: gate, request: request)
        let report = try await book.verifyChain(try await evidence())
        return AuditVerification(
            good: report.isGood, events: report.events, mints: report.mints, countersigned: report.countersigned,
            problems: report.problems.map { problem in
                problem.sequence > 0 ? "event \(problem.sequence): \(problem.message)" : problem.message
            })
    }

    private func evidence() async throws -> AuditEvidence {
        var mints: [AuditMint] = []
        var after: Int64 = 0
        while true {
            let records = try await signer.records(after: after, limit: AuditService.recordPage)
            mints += records.mints.map {
                AuditMint(position: $0.position, cluster: $0.cluster, user: $0.user)
            }
            // A page is longer than asked for when its last event has several mints.
            guard records.mints.count >= AuditService.recordPage, let last = records.mints.last?.position.sequence,
                last > after
            else {
                let head = records.head.map {
                    CountersignedHead(position: $0.position, time: $0.time, signature: $0.signature)
                }
                return AuditEvidence(mints: mints, head: head, publicKey: records.publicKey)
            }
            after = last
        }
    }
}
