// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// The audit chain, to be read, extended and verified.
package struct AuditStore: Sendable {
    let database: Database

    package init(database: Database) { self.database = database }

    /// Events newest first. A row that cannot be read is left out; `verifyChain` finds it.
    package func page(_ query: AuditQuery) async throws -> AuditEvents {
        guard (1...1000).contains(query.limit) else {
            throw SallyError(.invalidRequest, "limit \(query.limit) is not permitted", hint: "1 to 1000 events at once")
        }
        return try await database.read { transaction in
            var conditions: [String] = []
            var values: [SQLValue] = []
            func add(_ condition: String, _ value: SQLValue) {
                conditions.append(condition)
                values.append(value)
            }
            if let actor = query.actor { add("actor = ?", .text(actor)) }
            if let action = query.action { add("action = ?", .text(action)) }
            if let target = query.target { add("target = ?", .text(target)) }
            if let since = query.since { add("time >= ?", .integer(since.rawValue)) }
            if let before = query.before { add("sequence < ?", .integer(before)) }
            let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
            values.append(.integer(Int64(query.limit) + 1))
            let rows = try transaction.rows(
                "SELECT \(StoreTransaction.auditColumns) FROM audit_events \(filter) ORDER BY sequence DESC LIMIT ?",
                values)
            let shown = rows.prefix(query.limit)
            let events = shown.compactMap { try? AuditEvent(row: $0) }  // a list survives a bad row
            return AuditEvents(
                events: events, next: rows.count > shown.count ? shown.last?.integerIfAny("sequence") : nil)
        }
    }

    /// The newest event, for the signer to countersign; nil before the first.
    package func head() async throws -> AuditPosition? {
        try database.glance { try $0.auditHead() }
    }

    /// Appends an event that stands for itself, such as the result of a step of offboarding.
    package func append(_ draft: AuditDraft) async throws -> AuditPosition {
        try await database.write { try $0.append(draft) }
    }
}

/// Which events: everything that is not nil must match exactly.
package struct AuditQuery: Sendable, Equatable {
    package var actor: String?
    package var action: String?
    package var target: String?
    /// Not older than this.
    package var since: Timestamp?
    /// Only events before this sequence number: `AuditEvents.next` of the page before.
    package var before: Int64?
    /// 1 to 1000.
    package var limit: Int

    package init(
        actor: String? = nil, action: String? = nil, target: String? = nil, since: Timestamp? = nil,
        before: Int64? = nil, limit: Int = 100
    ) {
        self.actor = actor
        self.action = action
        self.target = target
        self.since = since
        self.before = before
        self.limit = limit
    }
}

/// A page of events, newest first.
package struct AuditEvents: Sendable, Equatable {
    package var events: [AuditEvent]
    /// Where to go on (`AuditQuery.before`); nil at the end.
    package var next: Int64?
}
