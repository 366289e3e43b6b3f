// SPDX-License-Identifier: Apache-2.0

import SallyIdentity
import SallyModel

extension StoreTransaction {
    /// The session with its person, if it is neither ended nor past its end, and the person not offboarded.
    func liveSession(_ session: OpaqueID) throws -> LiveSession? { try liveSessionRow(session)?.live }

    /// The same, and when it ends.
    func liveSessionRow(_ session: OpaqueID) throws -> (live: LiveSession, expires: Timestamp)? {
        try row(
            """
            SELECT \(Self.personColumns), s.expires AS session_expires FROM sessions s JOIN people p ON p.id = s.person
            WHERE s.id = ? AND s.ended IS NULL AND s.expires > ? AND p.offboarded IS NULL
            """,
            [.text(session.rawValue), .integer(now.rawValue)]
        ).map {
            (LiveSession(session: session, person: try Person(row: $0)), try $0.time("session_expires"))
        }
    }

    /// Whether the session's person was offboarded.
    func isClosed(_ session: OpaqueID) throws -> Bool {
        try row(
            """
            SELECT s.id FROM sessions s JOIN people p ON p.id = s.person WHERE s.id = ? AND p.offboarded IS NOT NULL
            """,
            [.text(session.rawValue)]) != nil
    }

    /// Ends every session of the person and takes every pending code away. Returns how many were live.
    func endSessions(of person: PersonID) throws -> Int {
        try execute("DELETE FROM gateway_codes WHERE person = ?", [.integer(person.rawValue)])
        return try execute(
            "UPDATE sessions SET ended = ? WHERE person = ? AND ended IS NULL AND expires > ?",
            [.integer(now.rawValue), .integer(person.rawValue), .integer(now.rawValue)])
    }

    func endSession(_ session: OpaqueID) throws {
        try execute(
            "UPDATE sessions SET ended = ? WHERE id = ? AND ended IS NULL",
            [.integer(now.rawValue), .text(session.rawValue)])
    }
}
