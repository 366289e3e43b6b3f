// SPDX-License-Identifier: Apache-2.0

import SallyIdentity
import SallyModel
import SallyPolicy
import Testing

/// What every `IdentityStore` promises.
enum IdentityConformance {
    static let root = Actor.localAdministrator(uid: 0)

    static func check(_ with: PortsFactory) async throws {
        try await with { ports in
            let okta = try GroupName("okta:hpc-users")
            let alice = try await ports.identities.signIn(identity("alice", groups: [okta]))
            #expect(alice.account == Account(name: try UserName("alice"), uid: try UserID(20_000)))
            #expect(alice.groups == [okta])
            #expect(alice.localRole == .researcher)
            let bob = try await ports.identities.signIn(identity("bob"))
            #expect(bob.account.uid.rawValue == 20_001)
            #expect(bob.id != alice.id)

            var changed = identity("alice", groups: [try GroupName("okta:gpu-users")])
            changed.preferredName = "alicia"
            changed.displayName = "Alicia\nSmith"
            let again = try await ports.identities.signIn(changed)
            #expect(again.id == alice.id)
            #expect(again.account == alice.account)
            #expect(again.displayName == "Alicia Smith")
            #expect(again.groups == changed.groups)
            #expect(try await ports.identities.person(named: alice.account.name) == again)
            #expect(try await ports.identities.person(named: try UserName("nobody-else")) == nil)
            #expect(try await ports.identities.people().map(\.account.name.rawValue) == ["alice", "bob"])
        }
    }

    static func checkNamesAreGivenOnce(_ with: PortsFactory) async throws {
        try await with { ports in
            let first = try await ports.identities.signIn(identity("alice"))
            var second = identity("alice")
            second.subject = Subject(issuer: "https://provider.example", subject: "another")
            let namesake = try await ports.identities.signIn(second)
            #expect(namesake.account.name.rawValue == "alice2")
            #expect(namesake.account.uid != first.account.uid)

            _ = try await ports.identities.offboard(first.account.name, by: root)
            var third = identity("alice")
            third.subject = Subject(issuer: "https://other.example", subject: "sub-alice")
            let later = try await ports.identities.signIn(third)
            #expect(later.account.name.rawValue == "alice3")
            #expect(![first.account.uid, namesake.account.uid].contains(later.account.uid))
        }
    }

    static func checkOffboarding(_ with: PortsFactory) async throws {
        try await with { ports in
            let alice = try await ports.identities.signIn(identity("alice"))
            for number in 1...3 {
                try await ports.sessions.create(try newSession(number, of: alice, clock: ports.clock))
            }
            try await ports.signIns.issue(code(7, of: alice, clock: ports.clock))
            #expect(try await ports.sessions.end(try sessionID(3), of: alice.id))
            #expect(try await ports.identities.offboard(alice.account.name, by: root) == 2)
            #expect(try await ports.identities.offboard(alice.account.name, by: root) == 0)

            let session = try sessionID(1)
            #expect(try await ports.sessions.live(session) == nil)
            #expect(try await ports.decisions.decide { try $0.isLive(session) } == false)
            #expect(try await ports.sessions.refresh(refreshRequest(1000, to: 1001)) == .closed)
            #expect(try await ports.sessions.isClosed(session))
            #expect(try await ports.sessions.isClosed(try sessionID(99)) == false)
            #expect(try await ports.signIns.redeem(codeHash: hash(7)) == nil)
            #expect(await SallyStoreTests.code { _ = try await ports.identities.signIn(identity("alice")) } == .denied)
            #expect(
                await SallyStoreTests.code {
                    try await ports.sessions.create(try newSession(9, of: alice, clock: ports.clock))
                } == .denied)
            #expect(
                await SallyStoreTests.code { try await ports.signIns.issue(code(8, of: alice, clock: ports.clock)) }
                    == .denied)
            #expect(try await ports.identities.person(named: alice.account.name)?.offboarded == ports.clock.now)
            #expect(
                await SallyStoreTests.code {
                    _ = try await ports.identities.offboard(try UserName("stranger"), by: root)
                } == .notFound)
        }
    }

    static func checkRoles(_ with: PortsFactory) async throws {
        try await with { ports in
            let dana = try await ports.identities.signIn(identity("dana"))
            try await ports.sessions.create(try newSession(1, of: dana, clock: ports.clock))
            try await ports.identities.setRole(.administrator, of: dana.account.name, by: root)
            #expect(try await ports.sessions.live(try sessionID(1))?.person.localRole == .administrator)
            // Signing in again does not touch it.
            #expect(try await ports.identities.signIn(identity("dana")).localRole == .administrator)
            try await ports.identities.setRole(.researcher, of: dana.account.name, by: root)
            #expect(try await ports.sessions.live(try sessionID(1))?.person.localRole == .researcher)
            _ = try await ports.identities.offboard(dana.account.name, by: root)
            #expect(
                await SallyStoreTests.code {
                    try await ports.identities.setRole(.administrator, of: dana.account.name, by: root)
                } == .conflict)
        }
    }

    static func code(_ number: Int, of person: Person, clock: TestClock) -> GatewayCode {
        GatewayCode(
            codeHash: hash(number), person: person.id, clientChallenge: "challenge", client: "127.0.0.1",
            expires: clock.now + .seconds(60))
    }
}
