// SPDX-License-Identifier: Apache-2.0

import SallyIdentity
import SallyModel
import Testing

/// What every `SignInStore` promises; with limits of 5 pending, 8 codes, 2 codes of one person.
enum SignInConformance {
    static func check(_ with: PortsFactory) async throws {
        try await with { ports in
            let first = pending("state-1", clock: ports.clock)
            try await ports.signIns.begin(first)
            let (mine, other) = (hash(7), hash(8))
            #expect(try await ports.signIns.take(state: "state-2", browserHash: mine) == .unknown)
            #expect(try await ports.signIns.open(state: "state-2", browserHash: mine) == .unknown)
            // Nobody has opened it.
            #expect(try await ports.signIns.take(state: "state-1", browserHash: mine) == .otherBrowser)
            #expect(try await ports.signIns.open(state: "state-1", browserHash: mine) == .granted(first))
            #expect(try await ports.signIns.open(state: "state-1", browserHash: other) == .otherBrowser)
            #expect(try await ports.signIns.take(state: "state-1", browserHash: other) == .otherBrowser)
            #expect(try await ports.signIns.open(state: "state-1", browserHash: mine) == .granted(first))
            #expect(try await ports.signIns.take(state: "state-1", browserHash: mine) == .granted(first))
            #expect(try await ports.signIns.open(state: "state-1", browserHash: mine) == .unknown)
            #expect(try await ports.signIns.take(state: "state-1", browserHash: mine) == .unknown)
            try await ports.signIns.begin(pending("state-3", clock: ports.clock))
            try await ports.signIns.begin(pending("state-4", clock: ports.clock))
            _ = try await ports.signIns.open(state: "state-4", browserHash: mine)
            ports.clock.advance(.seconds(600))
            #expect(try await ports.signIns.open(state: "state-3", browserHash: mine) == .unknown)
            #expect(try await ports.signIns.take(state: "state-4", browserHash: mine) == .unknown)

            let alice = try await ports.identities.signIn(identity("alice"))
            let code = IdentityConformance.code(1, of: alice, clock: ports.clock)
            #expect(try await !ports.signIns.isAwaited(challenge: code.clientChallenge))
            try await ports.signIns.issue(code)
            #expect(try await ports.signIns.isAwaited(challenge: code.clientChallenge))
            #expect(try await !ports.signIns.isAwaited(challenge: "another"))
            #expect(try await ports.signIns.redeem(codeHash: hash(2)) == nil)
            #expect(try await ports.signIns.redeem(codeHash: hash(1)) == code)
            #expect(try await ports.signIns.redeem(codeHash: hash(1)) == nil)
            try await ports.signIns.issue(IdentityConformance.code(3, of: alice, clock: ports.clock))
            ports.clock.advance(.seconds(60))
            #expect(try await !ports.signIns.isAwaited(challenge: code.clientChallenge))
            #expect(try await ports.signIns.redeem(codeHash: hash(3)) == nil)
        }
    }

    static func checkBounds(_ with: PortsFactory) async throws {
        try await with { ports in
            for number in 1...7 { try await ports.signIns.begin(pending("state-\(number)", clock: ports.clock)) }
            for number in 1...7 {
                let claim = try await ports.signIns.open(state: "state-\(number)", browserHash: hash(1))
                #expect((claim == .unknown) == (number < 3))
            }

            let alice = try await ports.identities.signIn(identity("alice"))
            let bob = try await ports.identities.signIn(identity("bob"))
            try await ports.signIns.issue(IdentityConformance.code(100, of: bob, clock: ports.clock))
            for number in 1...3 {
                try await ports.signIns.issue(IdentityConformance.code(number, of: alice, clock: ports.clock))
            }
            #expect(try await ports.signIns.redeem(codeHash: hash(1)) == nil)
            #expect(try await ports.signIns.redeem(codeHash: hash(2)) != nil)
            #expect(try await ports.signIns.redeem(codeHash: hash(3)) != nil)
            #expect(try await ports.signIns.redeem(codeHash: hash(100)) != nil)
        }
    }

    /// Many who take one row: one gets it.
    static func checkConcurrentTaking(_ with: PortsFactory) async throws {
        try await with { ports in
            let alice = try await ports.identities.signIn(identity("alice"))
            try await ports.signIns.begin(pending("state", clock: ports.clock))
            _ = try await ports.signIns.open(state: "state", browserHash: hash(7))
            try await ports.signIns.issue(IdentityConformance.code(1, of: alice, clock: ports.clock))
            let counts = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        let claim = try await ports.signIns.take(state: "state", browserHash: hash(7))
                        let taken = claim == .unknown ? 0 : 1
                        return (taken, try await ports.signIns.redeem(codeHash: hash(1)) == nil ? 0 : 1)
                    }
                }
                return try await group.reduce(into: (0, 0)) { $0 = ($0.0 + $1.0, $0.1 + $1.1) }
            }
            #expect(counts == (1, 1))
        }
    }

    private static func pending(_ state: String, clock: TestClock) -> PendingSignIn {
        PendingSignIn(
            state: state, provider: "demo", nonce: "nonce", verifier: "verifier", clientChallenge: "challenge",
            loopback: "http://127.0.0.1:4711/callback", clientState: "client state", client: "127.0.0.1 sally",
            expires: clock.now + .seconds(600))
    }
}
