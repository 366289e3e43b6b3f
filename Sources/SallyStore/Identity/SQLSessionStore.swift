// SPDX-License-Identifier: Apache-2.0

package import SallyIdentity
package import SallyModel

/// Sessions and their refresh tokens.
package struct SQLSessionStore: SessionStore {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// - Throws: `SallyError(.denied)` for somebody offboarded, which is recorded; `SallyError(.notFound)` for nobody.
    package func create(_ session: NewSession) async throws {
        let isDone = try await database.write { transaction in
            guard let person = try transaction.person(session.person) else {
                throw SallyError(.notFound, "there is no person \(session.person)")
            }
            let client = oneLine(session.client, limit: 200)
            var draft = AuditDraft(
                actor: person.label, action: "session.create", target: person.account.name.rawValue,
                outcome: .allowed, details: [.init("session", session.id.rawValue), .init("client", client)])
            guard person.offboarded == nil else {
                draft.outcome = .refused
                draft.rule = "offboarded"
                _ = try transaction.append(draft)
                return false
            }
            try transaction.forgetOldSessions()
            try transaction.execute(
                "INSERT INTO sessions (id, person, client, created, last_used, expires) VALUES (?, ?, ?, ?, ?, ?)",
                [
                    .text(session.id.rawValue), .integer(person.id.rawValue), .text(client),
                    .integer(transaction.now.rawValue), .integer(transaction.now.rawValue),
                    .integer(session.expires.rawValue),
                ])
            try transaction.execute(
                "INSERT INTO refresh_tokens (hash, session, generation) VALUES (?, ?, 0)",
                [.text(hexadecimal(session.refreshHash)), .text(session.id.rawValue)])
            _ = try transaction.append(draft)
            return true
        }
        guard isDone else { throw offboardedError() }
    }

    package func live(_ session: OpaqueID) async throws -> LiveSession? {
        try database.liveSession(session)
    }

    package func isClosed(_ session: OpaqueID) async throws -> Bool {
        try await database.read { try $0.isClosed(session) }
    }

    /// Every token of a family that ended is `unknown`, or `closed` where the person was offboarded: there is nothing left
    /// to end.
    package func refresh(_ request: RefreshRequest) async throws -> RefreshResult {
        try await database.write { try $0.refresh(request) }
    }

    package func end(_ session: OpaqueID, of person: PersonID) async throws -> Bool {
        try await database.write { transaction in
            guard let live = try transaction.liveSession(session), live.person.id == person else { return false }
            try transaction.endSession(session)
            _ = try transaction.append(
                AuditDraft(
                    actor: live.person.label, action: "session.end", target: live.person.account.name.rawValue,
                    outcome: .completed, details: [.init("session", session.rawValue)]))
            return true
        }
    }

    package func endAll(of user: UserName, by actor: Actor) async throws -> Int {
        try await database.write { transaction in
            let person = try transaction.requirePerson(named: user)
            let ended = try transaction.endSessions(of: person.id)
            _ = try transaction.append(
                AuditDraft(
                    actor: actor.label, action: "admin.revoke", target: user.rawValue, outcome: .completed,
                    details: [.init("sessions-ended", "\(ended)")]))
            return ended
        }
    }

    /// Newest first; of everybody when `user` is nil. A row that cannot be read is left out.
    package func sessions(of user: UserName?) async throws -> [SessionRow] {
        try await database.read { transaction in
            let filter = user == nil ? "" : "WHERE p.user_name = ?"
            return try transaction.rows(
                """
                SELECT s.id, p.user_name, s.client, s.created, s.last_used, s.expires, s.ended
                FROM sessions s JOIN people p ON p.id = s.person \(filter) ORDER BY s.created DESC, s.id
                """,
                user.map { [.text($0.rawValue)] } ?? []
            ).compactMap { row in try? SessionRow(row: row) }  // a list survives a bad row
        }
    }
}

extension SessionRow {
    fileprivate init(row: StoreRow) throws {
        guard let id = OpaqueID(rawValue: try row.text("id")) else { throw unreadable("id") }
        self.init(
            id: id, user: try UserName(try row.text("user_name")), client: try row.text("client"),
            created: try row.time("created"), lastUsed: try row.time("last_used"), expires: try row.time("expires"),
            ended: row.timeIfAny("ended"))
    }
}

extension StoreTransaction {
    /// Rows of sessions that are over for a month, a few at a time. The audit chain keeps what happened.
    fileprivate func forgetOldSessions() throws {
        let old = "(SELECT id FROM sessions WHERE expires < ? ORDER BY expires LIMIT 100)"
        let limit = SQLValue.integer((now - .seconds(30 * 86400)).rawValue)
        try execute("DELETE FROM refresh_tokens WHERE session IN \(old)", [limit])
        try execute("DELETE FROM sessions WHERE id IN \(old)", [limit])
    }
}
