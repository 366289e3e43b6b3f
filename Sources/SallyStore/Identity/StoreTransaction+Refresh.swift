// SPDX-License-Identifier: Apache-2.0

import SallyIdentity
import SallyModel

extension StoreTransaction {
    /// See `SessionStore.refresh`.
    func refresh(_ request: RefreshRequest) throws -> RefreshResult {
        let presented = try row(
            "SELECT session, generation, replaced, sealed_successor FROM refresh_tokens WHERE hash = ?",
            [.text(hexadecimal(request.presentedHash))])
        guard let presented, let id = OpaqueID(rawValue: try presented.text("session")) else { return .unknown }
        guard let live = try liveSession(id) else { return try isClosed(id) ? .closed : .unknown }
        let generation = try presented.integer("generation")
        guard let replaced = presented.timeIfAny("replaced") else {
            try rotate(request, id, generation)
            return .rotated(live)
        }
        let newest = try row(
            "SELECT MAX(generation) AS generation FROM refresh_tokens WHERE session = ?", [.text(id.rawValue)])
        if let newest = newest?.integerIfAny("generation"), newest == generation + 1, now - replaced <= request.grace,
            let sealed = presented.textIfAny("sealed_successor").flatMap({ bytes(hexadecimal: $0) })
        {
            return .repeated(live, sealedSuccessor: sealed)
        }
        try endSession(id)
        _ = try append(
            AuditDraft(
                actor: live.person.label, action: "session.replay", target: live.person.account.name.rawValue,
                outcome: .refused, rule: "refresh-token-replay", details: [.init("session", id.rawValue)]))
        return .replayed
    }

    private func rotate(_ request: RefreshRequest, _ session: OpaqueID, _ generation: Int64) throws {
        // The token before has no successor to give back any more: only the previous one is repeated.
        try execute(
            "UPDATE refresh_tokens SET sealed_successor = NULL WHERE session = ? AND generation < ?",
            [.text(session.rawValue), .integer(generation)])
        try execute(
            "UPDATE refresh_tokens SET replaced = ?, sealed_successor = ? WHERE hash = ?",
            [
                .integer(now.rawValue), .text(hexadecimal(request.sealedSuccessor)),
                .text(hexadecimal(request.presentedHash)),
            ])
        try execute(
            "INSERT INTO refresh_tokens (hash, session, generation) VALUES (?, ?, ?)",
            [.text(hexadecimal(request.successorHash)), .text(session.rawValue), .integer(generation + 1)])
        try execute(
            "UPDATE sessions SET last_used = ? WHERE id = ?", [.integer(now.rawValue), .text(session.rawValue)])
    }
}
