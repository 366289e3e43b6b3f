// SPDX-License-Identifier: Apache-2.0

import SallyIdentity
import SallyModel
import SallyTestSupport
import Testing

@testable import SallyStore

@Suite struct LedgerTests {
    @Test(arguments: [
        ("alice", "alice"), ("Alice", "alice"), ("alice@example.org", "alice"), ("Alice.Smith", "alice-smith"),
        ("Jürgen Weiß", "juergen-weiss"), ("Łukasz", "lukasz"), ("José", "jose"), ("Jose\u{301}", "jose"),
        ("1234", "u1234"), ("root", "root-user"), ("ROOT", "root-user"), ("slurm", "slurm-user"), ("", "user"),
        ("李", "user"), ("-x", "x"), ("a/../b", "a--b"), ("x\ny", "xy"), ("; rm -rf", "rm--rf"),
        (String(repeating: "a", count: 40), String(repeating: "a", count: 32)),
        ("system-", "system-"), ("systemd-network", "systemd-network-user"),
    ])
    func aWishBecomesAName(wish: String, name: String) throws {
        #expect(NameProposal(wish: wish).candidate(0)?.rawValue == name)
    }

    @Test func numbersFitIntoTheLimit() throws {
        let long = String(repeating: "a", count: 32)
        let name = try NameProposal(wish: long).firstFree { $0.rawValue == long }
        #expect(name.rawValue == String(repeating: "a", count: 31) + "2")
        #expect(throws: SallyError.self) { try NameProposal(wish: "x").firstFree { _ in true } }
    }

    @Test func uidsRunOut() async throws {
        try await withDatabase { database, clock, _ in
            let store = try SQLIdentityStore(database: database, uids: 30_000...30_001)
            for name in ["a1", "a2"] { _ = try await store.signIn(identity(name)) }
            #expect(await code { _ = try await store.signIn(identity("a3")) } == .limitExceeded)
            #expect(try await store.people().count == 2)
            // A range that was widened at its lower end.
            let wider = try SQLIdentityStore(database: database, uids: 29_999...30_001)
            #expect(try await wider.signIn(identity("a3")).account.uid.rawValue == 29_999)
            #expect(await code { _ = try await wider.signIn(identity("a4")) } == .limitExceeded)
        }
    }

    @Test func overflowUIDsAreLeftOut() async throws {
        try await withDatabase { database, _, _ in
            let store = try SQLIdentityStore(database: database, uids: 65_533...65_536)
            let uids = [
                try await store.signIn(identity("a1")).account.uid.rawValue,
                try await store.signIn(identity("a2")).account.uid.rawValue,
            ]
            #expect(uids == [65_533, 65_536])
            #expect(await code { _ = try await store.signIn(identity("a3")) } == .limitExceeded)
        }
    }

    @Test func aRangeOfSystemUIDsIsRefused() async throws {
        try await withDatabase { database, _, _ in
            #expect(await code { _ = try SQLIdentityStore(database: database, uids: 0...2000) } == .misconfigured)
        }
    }

    @Test(arguments: [
        "DELETE FROM given_names", "DELETE FROM given_uids", "DELETE FROM people", "UPDATE given_names SET name = 'x'",
        "UPDATE given_uids SET uid = 1", "UPDATE people SET uid = 20050", "UPDATE people SET user_name = 'mallory'",
        "UPDATE people SET subject = 'mallory'", "UPDATE people SET offboarded = NULL",
        "UPDATE sessions SET ended = NULL", "DELETE FROM audit_events", "UPDATE audit_events SET actor = 'x'",
        "INSERT INTO people SELECT id + 1, 'i', 's', provider, display_name, mail, user_name, uid, member_of, local_role,"
            + " created, NULL FROM people",
    ])
    func whatIsForEverCannotBeTakenBack(statement: String) async throws {
        try await withDatabase { database, clock, path in
            let ports = try makePorts(database, clock)
            let alice = try await ports.identities.signIn(identity("alice"))
            try await ports.sessions.create(try newSession(1, of: alice, clock: clock))
            _ = try await ports.identities.offboard(alice.account.name, by: .localAdministrator(uid: 0))
            #expect(throws: (any Error).self) { try tamper(path, statement) }
            await #expect(throws: SallyError.self) { try await database.write { _ = try $0.execute(statement) } }
            var another = identity("alice")
            another.subject.subject = "another"
            let later = try await ports.identities.signIn(another)
            #expect(later.account.name.rawValue == "alice2")
            #expect(later.account.uid.rawValue == 20_001)
        }
    }

    @Test func lifeOfAPersonIsRecorded() async throws {
        try await withDatabase { database, clock, _ in
            let ports = try makePorts(database, clock)
            let administrator = Actor.localAdministrator(uid: 0)
            let alice = try await ports.identities.signIn(identity("alice"))
            _ = try await ports.identities.signIn(identity("alice", groups: [try GroupName("demo:new")]))
            for number in 1...3 { try await ports.sessions.create(try newSession(number, of: alice, clock: clock)) }
            _ = try await ports.sessions.end(try sessionID(1), of: alice.id)
            _ = try await ports.sessions.refresh(refreshRequest(2000, to: 2001))
            clock.advance(.seconds(100))
            _ = try await ports.sessions.refresh(refreshRequest(2000, to: 2002))
            _ = try await ports.sessions.endAll(of: alice.account.name, by: administrator)
            try await ports.identities.setRole(.administrator, of: alice.account.name, by: administrator)
            try await ports.identities.setRole(.researcher, of: alice.account.name, by: administrator)
            _ = try await ports.identities.offboard(alice.account.name, by: administrator)
            _ = await code { _ = try await ports.identities.signIn(identity("alice")) }
            let store = AuditStore(database: database)
            let events = try await store.page(AuditQuery()).events.reversed()
            #expect(
                events.map { "\($0.actor) \($0.action) \($0.outcome.rawValue)" } == [
                    "person:1:alice identity.create completed", "person:1:alice identity.groups completed",
                    "person:1:alice session.create allowed", "person:1:alice session.create allowed",
                    "person:1:alice session.create allowed", "person:1:alice session.end completed",
                    "person:1:alice session.replay refused", "local:0 admin.revoke completed",
                    "local:0 admin.grant completed", "local:0 admin.withdraw completed",
                    "local:0 admin.offboard completed", "person:1:alice session.create refused",
                ])
            #expect(
                try await store.verifyChain(
                    AuditEvidence(mints: [], heads: [], serviceReads: 0, head: nil, publicKey: nil)
                ).isGood)
        }
    }
}
