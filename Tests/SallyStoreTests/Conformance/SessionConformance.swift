// SPDX-License-Identifier: Apache-2.0

import SallyIdentity
import SallyModel
import Testing

/// What every `SessionStore` promises.
enum SessionConformance {
    static func check(_ with: PortsFactory) async throws {
        try await with { ports in
            let alice = try await ports.identities.signIn(identity("alice"))
            let bob = try await ports.identities.signIn(identity("bob"))
            let id = try sessionID(1)
            try await ports.sessions.create(try newSession(1, of: alice, clock: ports.clock))
            #expect(try await ports.sessions.live(id) == LiveSession(session: id, person: alice))
            #expect(try await ports.sessions.live(try sessionID(2)) == nil)
            #expect(try await ports.sessions.end(id, of: bob.id) == false)
            #expect(try await ports.sessions.live(id) != nil)
            #expect(try await ports.sessions.end(id, of: alice.id))
            #expect(try await ports.sessions.end(id, of: alice.id) == false)
            #expect(try await ports.sessions.live(id) == nil)
            #expect(try await ports.sessions.isClosed(id) == false)

            try await ports.sessions.create(try newSession(2, of: alice, clock: ports.clock, life: .seconds(10)))
            try await ports.sessions.create(try newSession(3, of: alice, clock: ports.clock))
            try await ports.sessions.create(try newSession(4, of: bob, clock: ports.clock))
            ports.clock.advance(.seconds(10))
            #expect(try await ports.sessions.live(try sessionID(2)) == nil)
            #expect(try await ports.sessions.refresh(refreshRequest(2000, to: 2001)) == .unknown)
            let administrator = Actor.localAdministrator(uid: 0)
            #expect(try await ports.sessions.endAll(of: alice.account.name, by: administrator) == 1)
            #expect(try await ports.sessions.live(try sessionID(3)) == nil)
            #expect(try await ports.sessions.live(try sessionID(4)) != nil)
            #expect(try await ports.sessions.sessions(of: nil).count == 4)
            let rows = try await ports.sessions.sessions(of: bob.account.name)
            #expect(rows.map(\.id) == [try sessionID(4)])
            #expect(rows.first?.ended == nil)
        }
    }

    static func checkRefresh(_ with: PortsFactory) async throws {
        try await with { ports in
            let alice = try await ports.identities.signIn(identity("alice"))
            try await ports.sessions.create(try newSession(1, of: alice, clock: ports.clock))
            let live = LiveSession(session: try sessionID(1), person: alice)
            #expect(try await ports.sessions.refresh(refreshRequest(5, to: 6)) == .unknown)
            #expect(try await ports.sessions.refresh(refreshRequest(1000, to: 1001)) == .rotated(live))
            // The previous one, within the grace: the successor that was given, not the one offered now.
            ports.clock.advance(.seconds(30))
            #expect(
                try await ports.sessions.refresh(refreshRequest(1000, to: 1009))
                    == .repeated(live, sealedSuccessor: hash(1008)))
            #expect(try await ports.sessions.refresh(refreshRequest(1009, to: 1010)) == .unknown)
            #expect(try await ports.sessions.refresh(refreshRequest(1001, to: 1002)) == .rotated(live))
            #expect(try await ports.sessions.live(live.session) == live)
            // Two generations back: a replay, even within the grace.
            #expect(try await ports.sessions.refresh(refreshRequest(1000, to: 1011)) == .replayed)
            #expect(try await ports.sessions.live(live.session) == nil)
            #expect(try await ports.sessions.refresh(refreshRequest(1002, to: 1003)) == .unknown)
        }
    }

    static func checkReplayAfterGrace(_ with: PortsFactory) async throws {
        try await with { ports in
            let alice = try await ports.identities.signIn(identity("alice"))
            for number in 1...2 {
                try await ports.sessions.create(try newSession(number, of: alice, clock: ports.clock))
            }
            _ = try await ports.sessions.refresh(refreshRequest(1000, to: 1001))
            ports.clock.advance(.seconds(31))
            #expect(try await ports.sessions.refresh(refreshRequest(1000, to: 1009)) == .replayed)
            #expect(try await ports.sessions.live(try sessionID(1)) == nil)
            #expect(try await ports.sessions.live(try sessionID(2)) != nil)
        }
    }

    /// Fifty callers with the same token: one rotation, and the same successor for all.
    static func checkConcurrentRefresh(_ with: PortsFactory) async throws {
        try await with { ports in
            let alice = try await ports.identities.signIn(identity("alice"))
            try await ports.sessions.create(try newSession(1, of: alice, clock: ports.clock))
            let results = try await withThrowingTaskGroup(of: (Int, RefreshResult).self) { group in
                for number in 0..<50 {
                    group.addTask {
                        (number, try await ports.sessions.refresh(refreshRequest(1000, to: 2000 + number)))
                    }
                }
                return try await group.reduce(into: [(Int, RefreshResult)]()) { $0.append($1) }
            }
            let rotated = results.compactMap { number, result in if case .rotated = result { number } else { nil } }
            #expect(rotated.count == 1)
            let given = Set(
                results.compactMap { _, result in if case .repeated(_, let sealed) = result { sealed } else { nil } })
            #expect(given == Set(rotated.map { hash(2000 + $0 + 7) }))
            #expect(try await ports.sessions.live(try sessionID(1)) != nil)
        }
    }
}
