// SPDX-License-Identifier: Apache-2.0

import SallyIdentity
import SallyModel

extension StoreTransaction {
    static let personColumns = """
        p.id AS person, p.issuer, p.subject, p.provider, p.display_name, p.mail, p.user_name, p.uid, p.member_of,
        p.local_role, p.created AS person_created, p.offboarded
        """

    func person(named user: UserName) throws -> Person? {
        try row("SELECT \(Self.personColumns) FROM people p WHERE p.user_name = ?", [.text(user.rawValue)])
            .map { try Person(row: $0) }
    }

    func person(_ id: PersonID) throws -> Person? {
        try row("SELECT \(Self.personColumns) FROM people p WHERE p.id = ?", [.integer(id.rawValue)])
            .map { try Person(row: $0) }
    }

    func person(of subject: Subject) throws -> Person? {
        try row(
            "SELECT \(Self.personColumns) FROM people p WHERE p.issuer = ? AND p.subject = ?",
            [.text(subject.issuer), .text(subject.subject)]
        ).map { try Person(row: $0) }
    }

    /// - Throws: `SallyError(.notFound)`.
    func requirePerson(named user: UserName) throws -> Person {
        guard let person = try person(named: user) else {
            throw SallyError(
                .notFound, "there is no person with the user name \(user)", hint: "see `sally admin identities`")
        }
        return person
    }
}

extension Person {
    /// Groups are kept one a line; their rule forbids line feeds. A group that breaks its rule is left out: less authority.
    init(row: StoreRow) throws {
        guard let uid = UInt32(exactly: try row.integer("uid")),
            let role = Principal.Role(rawValue: try row.text("local_role"))
        else { throw unreadable("uid, local_role") }
        self.init(
            id: PersonID(rawValue: try row.integer("person")),
            subject: Subject(issuer: try row.text("issuer"), subject: try row.text("subject")),
            provider: try row.text("provider"), displayName: try row.text("display_name"), mail: row.textIfAny("mail"),
            account: Account(name: try UserName(try row.text("user_name")), uid: try UserID(uid)),
            groups: Set(
                try row.text("member_of").split(separator: "\n").compactMap { GroupName(rawValue: String($0)) }),
            localRole: role, created: try row.time("person_created"), offboarded: row.timeIfAny("offboarded"))
    }

    static func stored(_ groups: Set<GroupName>) -> String {
        groups.map(\.rawValue).sorted().joined(separator: "\n")
    }

    /// As `Actor.label`, for acts before there is a session.
    var label: String { "person:\(id):\(account.name)" }
}

/// Text from outside, on one line and short.
func oneLine(_ text: String, limit: Int) -> String {
    String(
        String.UnicodeScalarView(
            text.unicodeScalars.prefix(limit).map { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) ? " " : $0 }))
}
