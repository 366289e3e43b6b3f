// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON

extension StoreTransaction {
    static let auditColumns =
        "sequence, time, actor, action, cluster, target, outcome, rule, request, details, previous, hash"

    /// Appends to the chain, with details no longer than can be read back and shown. The last row is read inside the transaction,
    /// so that two processes cannot fork the chain.
    func append(_ draft: AuditDraft) throws -> AuditPosition {
        let last = try auditHead()
        var event = AuditEvent(
            sequence: (last?.sequence ?? 0) + 1, time: now, actor: draft.actor, action: draft.action,
            cluster: draft.cluster?.rawValue, target: draft.target, outcome: draft.outcome, rule: draft.rule,
            request: draft.request, details: draft.details.map(bounded), previous: last?.hash ?? AuditEvent.genesis,
            hash: "")
        event.hash = AuditChain.hash(event)
        try execute(
            "INSERT INTO audit_events (\(Self.auditColumns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                .integer(event.sequence), .integer(event.time.rawValue), .text(event.actor), .text(event.action),
                .text(event.cluster), .text(event.target), .text(event.outcome.rawValue), .text(event.rule),
                .text(event.request), .text(AuditChain.details(event.details).text()), .text(event.previous),
                .text(event.hash),
            ])
        return AuditPosition(sequence: event.sequence, hash: event.hash)
    }

    /// Whoever fills a request with text must not fill the disk, nor keep an event from being read.
    private func bounded(_ detail: AuditEvent.Detail) -> AuditEvent.Detail {
        guard detail.value.utf8.count > AuditEvent.Detail.longest else { return detail }
        let kept = String(decoding: detail.value.utf8.prefix(AuditEvent.Detail.longest), as: UTF8.self)
        return AuditEvent.Detail(detail.name, "\(kept)… (\(detail.value.utf8.count) bytes)")
    }

    func auditHead() throws -> AuditPosition? {
        try row("SELECT sequence, hash FROM audit_events ORDER BY sequence DESC LIMIT 1").map { row in
            AuditPosition(sequence: try row.integer("sequence"), hash: try row.text("hash"))
        }
    }
}

extension AuditEvent {
    /// - Throws: `SallyError(.internal)` for a row that no append of ours can have made.
    init(row: StoreRow) throws {
        guard let outcome = Outcome(rawValue: try row.text("outcome")) else { throw unreadable("outcome") }
        self.init(
            sequence: try row.integer("sequence"), time: try row.time("time"), actor: try row.text("actor"),
            action: try row.text("action"), cluster: row.textIfAny("cluster"), target: row.textIfAny("target"),
            outcome: outcome, rule: row.textIfAny("rule"), request: row.textIfAny("request"),
            details: try AuditEvent.details(try row.text("details")), previous: try row.text("previous"),
            hash: try row.text("hash"))
    }

    private static func details(_ text: String) throws -> [Detail] {
        let parsed: JSONValue
        do { parsed = try JSONValue(parsing: text, limits: .request) } catch { throw unreadable("details") }
        guard let elements = parsed.array else { throw unreadable("details") }
        return try elements.map { element in
            guard let name = element["name"]?.string, let value = element["value"]?.string else {
                throw unreadable("details")
            }
            return Detail(name, value)
        }
    }
}
