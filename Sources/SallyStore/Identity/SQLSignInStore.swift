// SPDX-License-Identifier: Apache-2.0

import Crypto
package import SallyIdentity
import SallyModel

/// Limits of sign-ins under way.
package struct SignInLimits: Sendable, Equatable {
    /// Between our redirect and the provider's. Over it the oldest goes: somebody who floods the gateway costs the slowest
    /// sign-in its second try, where refusing would lock out everybody until rows expire.
    package var pending: Int
    /// Codes that wait for their CLI. Over it the oldest goes.
    package var codes: Int
    /// Codes of one person that wait. Over it that person's oldest goes.
    package var codesOfOnePerson: Int

    package init(pending: Int = 10_000, codes: Int = 10_000, codesOfOnePerson: Int = 5) {
        self.pending = pending
        self.codes = codes
        self.codesOfOnePerson = codesOfOnePerson
    }
}

/// Sign-ins under way. `state` and codes are kept as SHA-256 only.
package struct SQLSignInStore: SignInStore {
    private let database: Database
    private let limits: SignInLimits

    package init(database: Database, limits: SignInLimits = SignInLimits()) {
        self.database = database
        self.limits = limits
    }

    package func begin(_ pending: PendingSignIn) async throws {
        let limits = limits
        try await database.write { transaction in
            try transaction.sweepSignIns()
            try transaction.execute(
                """
                INSERT INTO pending_sign_ins (state_hash, serial, provider, nonce, verifier, client_challenge, loopback,
                client_state, client, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    .text(stateHash(pending.state)), .integer(try transaction.next("sign-in")), .text(pending.provider),
                    .text(pending.nonce), .text(pending.verifier), .text(pending.clientChallenge),
                    .text(pending.loopback), .text(pending.clientState), .text(oneLine(pending.client, limit: 200)),
                    .integer(pending.expires.rawValue),
                ])
            try transaction.keepNewest(limits.pending, of: "pending_sign_ins", where: nil)
        }
    }

    package func open(state: String, browserHash: [UInt8]) async throws -> SignInClaim {
        try await claim(
            state,
            """
            UPDATE pending_sign_ins SET browser_hash = ?2
            WHERE state_hash = ?1 AND expires > ?3 AND (browser_hash IS NULL OR browser_hash = ?2)
            """, browserHash)
    }

    package func take(state: String, browserHash: [UInt8]) async throws -> SignInClaim {
        try await claim(
            state, "DELETE FROM pending_sign_ins WHERE state_hash = ?1 AND expires > ?3 AND browser_hash = ?2",
            browserHash)
    }

    /// Runs a statement that changes the row only for its own browser, and tells why it did not.
    private func claim(_ state: String, _ statement: String, _ browserHash: [UInt8]) async throws -> SignInClaim {
        try await database.write { transaction in
            let hash = stateHash(state)
            let values: [SQLValue] = [
                .text(hash), .text(hexadecimal(browserHash)), .integer(transaction.now.rawValue),
            ]
            if let row = try transaction.row("\(statement) RETURNING \(PendingSignIn.columns)", values) {
                return .granted(try PendingSignIn(state: state, row: row))
            }
            let other = try transaction.row(
                "SELECT serial FROM pending_sign_ins WHERE state_hash = ? AND expires > ?", [values[0], values[2]])
            return other == nil ? .unknown : .otherBrowser
        }
    }

    /// - Throws: `SallyError(.denied)` for somebody who was offboarded meanwhile.
    package func issue(_ code: GatewayCode) async throws {
        let limits = limits
        try await database.write { transaction in
            guard let person = try transaction.person(code.person), person.offboarded == nil else {
                throw offboardedError()
            }
            try transaction.sweepSignIns()
            try transaction.execute(
                """
                INSERT INTO gateway_codes (code_hash, serial, person, client_challenge, client, expires)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
                [
                    .text(hexadecimal(code.codeHash)), .integer(try transaction.next("sign-in")),
                    .integer(code.person.rawValue), .text(code.clientChallenge),
                    .text(oneLine(code.client, limit: 200)),
                    .integer(code.expires.rawValue),
                ])
            try transaction.keepNewest(limits.codesOfOnePerson, of: "gateway_codes", where: code.person)
            try transaction.keepNewest(limits.codes, of: "gateway_codes", where: nil)
        }
    }

    /// There are at most `limits.codes` rows to look at, and as many as people sign in within minutes.
    package func isAwaited(challenge: String) async throws -> Bool {
        try await database.read { transaction in
            try transaction.row(
                "SELECT serial FROM gateway_codes WHERE client_challenge = ? AND expires > ? LIMIT 1",
                [.text(challenge), .integer(transaction.now.rawValue)]) != nil
        }
    }

    /// A code that is found is gone, whatever its caller proves next. A wrong guess writes nothing: the hash covers the CLI's
    /// challenge, so that guessing finds no row of another, and the service counts the tries.
    package func redeem(codeHash: [UInt8]) async throws -> GatewayCode? {
        let hash = hexadecimal(codeHash)
        let isKnown = try await database.read { transaction in
            try transaction.row("SELECT serial FROM gateway_codes WHERE code_hash = ?", [.text(hash)]) != nil
        }
        guard isKnown else { return nil }
        return try await database.write { transaction in
            let row = try transaction.row(
                "DELETE FROM gateway_codes WHERE code_hash = ? RETURNING person, client_challenge, client, expires",
                [.text(hash)])
            guard let row, try row.time("expires") > transaction.now else { return nil }
            return GatewayCode(
                codeHash: codeHash, person: PersonID(rawValue: try row.integer("person")),
                clientChallenge: try row.text("client_challenge"), client: try row.text("client"),
                expires: try row.time("expires"))
        }
    }
}

extension PendingSignIn {
    fileprivate static let columns =
        "provider, nonce, verifier, client_challenge, loopback, client_state, client, expires"

    fileprivate init(state: String, row: StoreRow) throws {
        self.init(
            state: state, provider: try row.text("provider"), nonce: try row.text("nonce"),
            verifier: try row.text("verifier"), clientChallenge: try row.text("client_challenge"),
            loopback: row.textIfAny("loopback"), clientState: row.textIfAny("client_state"),
            client: try row.text("client"), expires: try row.time("expires"))
    }
}

private func stateHash(_ state: String) -> String { hexadecimal(SHA256.hash(data: Array(state.utf8))) }

extension StoreTransaction {
    fileprivate func sweepSignIns() throws {
        try execute("DELETE FROM pending_sign_ins WHERE expires <= ?", [.integer(now.rawValue)])
        try execute("DELETE FROM gateway_codes WHERE expires <= ?", [.integer(now.rawValue)])
    }

    /// Takes the oldest rows away until `limit` are left, of one person or of all.
    fileprivate func keepNewest(_ limit: Int, of table: String, where person: PersonID?) throws {
        let filter = person == nil ? "" : "WHERE person = ?"
        let values: [SQLValue] = person.map { [.integer($0.rawValue)] } ?? []
        let oldest = try row(
            "SELECT serial FROM \(table) \(filter) ORDER BY serial DESC LIMIT 1 OFFSET ?",
            values + [.integer(Int64(limit))])
        guard let serial = oldest?.integerIfAny("serial") else { return }
        let condition = person == nil ? "" : "AND person = ?"
        try execute("DELETE FROM \(table) WHERE serial <= ? \(condition)", [.integer(serial)] + values)
    }
}
