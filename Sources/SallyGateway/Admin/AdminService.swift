// SPDX-License-Identifier: Apache-2.0

import SallyIdentity
import SallyModel
import SallyPolicy
import SallyWire

/// Identities, sessions and roles, for administrators. Every call is decided and recorded first.
struct AdminService: Sendable {
    let gate: Gate
    let identities: any IdentityStore
    let sessions: any SessionStore
    let administrators: Set<GroupName>

    func identities(for requester: Requester, request: OpaqueID) async throws -> IdentityList {
        _ = try await requester.authorize(.listIdentities, at: gate, request: request)
        let people = try await identities.people()
        return IdentityList(identities: people.map { IdentityView($0, role: role(of: $0)) })
    }

    /// - Parameter user: nil lists everybody's.
    func sessions(of user: UserName?, for requester: Requester, request: OpaqueID) async throws -> SessionList {
        _ = try await requester.authorize(.listSessions, at: gate, request: request)
        return SessionList(sessions: try await sessions.sessions(of: user).map(SessionView.init))
    }

    /// Ends every session of a person.
    func revoke(_ user: UserName, for requester: Requester, request: OpaqueID) async throws -> RevokeReply {
        _ = try await requester.authorize(.revokeSessions(user), at: gate, request: request)
        _ = try await known(user)
        return RevokeReply(ended: try await sessions.endAll(of: user, by: requester.actor))
    }

    func setRole(
        _ role: Principal.Role, of user: UserName, for requester: Requester, request: OpaqueID
    ) async throws -> IdentityView {
        let action: Administer =
            switch role {
            case .administrator: .grantAdministration(user)
            case .researcher: .withdrawAdministration(user)
            }
        _ = try await requester.authorize(action, at: gate, request: request)
        let person = try await known(user)
        guard person.offboarded == nil else {
            throw SallyError(.conflict, "\(user) was offboarded", hint: "roles are for people who can sign in")
        }
        try await identities.setRole(role, of: user, by: requester.actor)
        let changed = try await known(user)
        return IdentityView(changed, role: self.role(of: changed))
    }

    private func known(_ user: UserName) async throws -> Person {
        guard let person = try await identities.person(named: user) else {
            throw SallyError(
                .notFound, "nobody has the user name \(user)",
                hint: "people are known from their first sign-in on; `sally admin identities` lists them")
        }
        return person
    }

    private func role(of person: Person) -> Principal.Role {
        person.localRole == .administrator || !person.groups.isDisjoint(with: administrators)
            ? .administrator : .researcher
    }
}

extension IdentityView {
    fileprivate init(_ person: Person, role: Principal.Role) {
        self.init(
            user: person.account.name, uid: person.account.uid, displayName: person.displayName, mail: person.mail,
            issuer: person.subject.issuer, subject: person.subject.subject, groups: person.groups.sorted(), role: role,
            created: person.created, offboarded: person.offboarded)
    }
}

extension SessionView {
    fileprivate init(_ row: SessionRow) {
        self.init(
            session: row.id, user: row.user, client: row.client, created: row.created, lastUsed: row.lastUsed,
            expires: row.expires, ended: row.ended)
    }
}
