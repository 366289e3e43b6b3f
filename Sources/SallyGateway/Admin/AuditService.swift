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
    let steward: any AccountKeeper

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
        var evidence = try await evidence()
        evidence.reads = try await reads()
        let report = try await book.verifyChain(evidence)
        return AuditVerification(
            good: report.isGood, events: report.events, mints: report.mints, heads: report.heads,
            serviceReads: report.serviceReads, outputReads: evidence.reads.count, countersigned: report.countersigned,
            problems: report.problems.map { problem in
                problem.sequence > 0 ? "event \(problem.sequence): \(problem.message)" : problem.message
            })
    }

    /// For which decisions the steward read output.
    private func reads() async throws -> [AuditRead] {
        var reads: [AuditRead] = []
        while true {
            let page = try await steward.outputRecords(
                after: reads.last?.position.sequence ?? 0, limit: OutputRecord.mostPerPage)
            reads += page.map {
                AuditRead(
                    position: $0.position, cluster: $0.cluster, user: $0.user, job: $0.job, time: $0.time)
            }
            guard page.count >= OutputRecord.mostPerPage else { return reads }
        }
    }

    /// Everything that the signer kept. Its two lists are paged by one number: where one of them was cut off, the other is
    /// taken only as far, and the rest of it comes with the next page.
    private func evidence() async throws -> AuditEvidence {
        var mints: [AuditMint] = []
        var heads: [AuditPosition] = []
        var after: Int64 = 0
        while true {
            let records = try await signer.records(after: after, limit: SignerRecords.mostPerPage)
            // A page of mints is longer than asked for when its last event has several.
            let cuts = [records.mints.map(\.position.sequence), records.heads.map(\.sequence)].compactMap { list in
                list.count >= SignerRecords.mostPerPage ? list.last : nil
            }
            let end = cuts.min() ?? .max
            mints += records.mints.filter { $0.position.sequence <= end }.map { AuditMint($0) }
            heads += records.heads.filter { $0.sequence <= end }
            guard end != .max else {
                return AuditEvidence(
                    mints: mints, heads: heads, serviceReads: records.serviceReads,
                    head: records.head.map {
                        CountersignedHead(position: $0.position, time: $0.time, signature: $0.signature)
                    }, publicKey: records.publicKey)
            }
            guard end > after else {
                throw SallyError(.unavailable, "the signer's records do not end", hint: "is it of the same version?")
            }
            after = end
        }
    }
}
