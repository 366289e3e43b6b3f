// SPDX-License-Identifier: Apache-2.0

package import SallyIdentity
package import SallyModel

/// People and the ledger of user names and uids.
package struct SQLIdentityStore: IdentityStore {
    private let database: Database
    private let uids: ClosedRange<UInt32>

    /// - Parameter uids: what may be given to people, apart from the range of cluster-made users.
    /// - Throws: `SallyError(.misconfigured)` for a range that goes beyond what `UserID` permits.
    package init(database: Database, uids: ClosedRange<UInt32>) throws {
        guard UserID(rawValue: uids.lowerBound) != nil, UserID(rawValue: uids.upperBound) != nil else {
            throw SallyError(
                .misconfigured, "uid range \(uids.lowerBound)-\(uids.upperBound) is not permitted",
                hint: "uids are 1000 to 2147483647, not 65534 or 65535")
        }
        self.database = database
        self.uids = uids
    }

    package func signIn(_ identity: VerifiedIdentity) async throws -> Person {
        let uids = uids
        // Refusing is recorded, so it is a result of the transaction, not an error in it.
        let person: Person? = try await database.write { transaction in
            guard let known = try transaction.person(of: identity.subject) else {
                return try transaction.create(identity, uids: uids)
            }
            guard known.offboarded == nil else {
                _ = try transaction.append(
                    AuditDraft(
                        actor: known.label, action: "session.create", target: known.account.name.rawValue,
                        outcome: .refused, rule: "offboarded"))
                return nil
            }
            return try transaction.update(known, identity)
        }
        guard let person else { throw offboardedError() }
        return person
    }

    package func person(named user: UserName) async throws -> Person? {
        try database.glance { try $0.person(named: user) }
    }

    /// Everybody, by user name. A row that cannot be read is left out.
    package func people() async throws -> [Person] {
        try await database.read { transaction in
            try transaction.rows("SELECT \(StoreTransaction.personColumns) FROM people p ORDER BY p.user_name")
                .compactMap { try? Person(row: $0) }  // a list survives a bad row
        }
    }

    package func offboard(_ user: UserName, by actor: Actor) async throws -> Int {
        try await database.write { transaction in
            let person = try transaction.requirePerson(named: user)
            try transaction.execute(
                "UPDATE people SET offboarded = ? WHERE id = ? AND offboarded IS NULL",
                [.integer(transaction.now.rawValue), .integer(person.id.rawValue)])
            let ended = try transaction.endSessions(of: person.id)
            _ = try transaction.append(
                AuditDraft(
                    actor: actor.label, action: "admin.offboard", target: user.rawValue, outcome: .completed,
                    details: [.init("sessions-ended", "\(ended)")]))
            return ended
        }
    }

    package func setRole(_ role: Principal.Role, of user: UserName, by actor: Actor) async throws {
        try await database.write { transaction in
            let person = try transaction.requirePerson(named: user)
            guard person.offboarded == nil || role == .researcher else {
                throw SallyError(.conflict, "\(user) was offboarded", hint: "somebody offboarded cannot administer")
            }
            try transaction.execute(
                "UPDATE people SET local_role = ? WHERE id = ?", [.text(role.rawValue), .integer(person.id.rawValue)])
            let action =
                switch role {
                case .administrator: "admin.grant"
                case .researcher: "admin.withdraw"
                }
            _ = try transaction.append(
                AuditDraft(
                    actor: actor.label, action: action, target: user.rawValue, outcome: .completed,
                    details: [.init("before", person.localRole.rawValue), .init("after", role.rawValue)]))
        }
    }
}

func offboardedError() -> SallyError {
    SallyError(.denied, "this account was closed and nobody may sign in to it", hint: "ask an administrator")
}

extension StoreTransaction {
    fileprivate func create(_ identity: VerifiedIdentity, uids: ClosedRange<UInt32>) throws -> Person {
        let account = try giveAccount(wish: identity.preferredName, uids: uids)
        let person = Person(
            id: PersonID(rawValue: try next("person")), subject: identity.subject, provider: identity.provider,
            displayName: oneLine(identity.displayName, limit: 200), mail: identity.mail.map { oneLine($0, limit: 254) },
            account: account, groups: identity.groups, localRole: .researcher, created: now, offboarded: nil)
        try execute(
            """
            INSERT INTO people (id, issuer, subject, provider, display_name, mail, user_name, uid, member_of, local_role,
            created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .integer(person.id.rawValue), .text(person.subject.issuer), .text(person.subject.subject),
                .text(person.provider), .text(person.displayName), .text(person.mail), .text(account.name.rawValue),
                .integer(Int64(account.uid.rawValue)), .text(Person.stored(person.groups)),
                .text(person.localRole.rawValue), .integer(now.rawValue),
            ])
        _ = try append(
            AuditDraft(
                actor: person.label, action: "identity.create", target: account.name.rawValue, outcome: .completed,
                details: [.init("uid", "\(account.uid)"), .init("provider", person.provider)]))
        return person
    }

    fileprivate func update(_ known: Person, _ identity: VerifiedIdentity) throws -> Person {
        var person = known
        person.provider = identity.provider
        person.displayName = oneLine(identity.displayName, limit: 200)
        person.mail = identity.mail.map { oneLine($0, limit: 254) }
        person.groups = identity.groups
        guard person != known else { return known }
        try execute(
            "UPDATE people SET provider = ?, display_name = ?, mail = ?, member_of = ? WHERE id = ?",
            [
                .text(person.provider), .text(person.displayName), .text(person.mail),
                .text(Person.stored(person.groups)), .integer(person.id.rawValue),
            ])
        // What a person may do follows from groups, so their change is a fact worth keeping.
        if person.groups != known.groups {
            let joined = person.groups.subtracting(known.groups).map(\.rawValue).sorted().joined(separator: ",")
            let left = known.groups.subtracting(person.groups).map(\.rawValue).sorted().joined(separator: ",")
            _ = try append(
                AuditDraft(
                    actor: person.label, action: "identity.groups", target: person.account.name.rawValue,
                    outcome: .completed,
                    details: [.init("joined", oneLine(joined, limit: 1000)), .init("left", oneLine(left, limit: 1000))])
            )
        }
        return person
    }
}
