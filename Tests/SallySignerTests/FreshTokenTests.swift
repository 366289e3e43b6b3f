// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallySigner
import Testing

/// A burst of one person's submissions shares a signature, and nothing else.
@Suite struct FreshTokenTests {
    @Test func aBurstSharesOneTokenAndEveryMintIsRecorded() async throws {
        try await SignerTests.with { signer, fixture in
            let first = try await signer.mint(try mint("alice", 20001, position: position(1)))
            fixture.clock.advance(.seconds(2))
            let second = try await signer.mint(try mint("alice", 20001, position: position(2)))
            #expect(second == first)
            #expect(second.expires - fixture.clock.now <= .seconds(15))
            #expect(try signer.records(after: 0, limit: 100).mints.map(\.position.sequence) == [1, 2])
            fixture.clock.advance(.seconds(1))
            #expect(try await signer.mint(try mint("alice", 20001, position: position(3))) != first)
        }
    }

    @Test func anotherPurposeHasAnotherToken() async throws {
        try await SignerTests.with { signer, _ in
            let submit = try await signer.mint(try mint("alice", 20001, .submit))
            #expect(try await signer.mint(try mint("alice", 20001, .cancel)) != submit)
        }
    }

    @Test func theDenyListIsAskedAllTheSame() async throws {
        try await SignerTests.with { signer, _ in
            _ = try await signer.mint(try mint("alice", 20001))
            try await signer.deny(try UserName("alice"))
            try await SignerTests.refuses(.denied) { _ = try await signer.mint(try mint("alice", 20001)) }
        }
    }

    /// Who is let in again has a token that was signed since.
    @Test func noTokenFromBeforeADenialIsHandedOut() async throws {
        try await SignerTests.with { signer, fixture in
            let first = try await signer.mint(try mint("alice", 20001))
            try await signer.deny(try UserName("alice"))
            try await signer.allow(try UserName("alice"))
            fixture.clock.advance(.seconds(1))
            #expect(try await signer.mint(try mint("alice", 20001)) != first)
        }
    }

    @Test func noTokenFromBeforeAWithdrawalIsHandedOut() async throws {
        try await SignerTests.with { signer, fixture in
            let first = try await signer.mint(try mint("alice", 20001))
            #expect(try await signer.withdraw(try UserName("alice"), on: try ClusterName("dev")))
            try await signer.register(try account("alice", 20001, gids: [20500]))
            fixture.clock.advance(.seconds(1))
            #expect(try await signer.mint(try mint("alice", 20001)) != first)
        }
    }

    /// Groups are taken away at once.
    @Test func anAccountThatChangesHasAnotherToken() async throws {
        try await SignerTests.with { signer, _ in
            let first = try await ReadClaims.read(try await signer.mint(try mint("alice", 20001)))
            #expect(first.id?.gids == [20001, 20500])
            try await signer.register(try account("alice", 20001))
            let second = try await ReadClaims.read(try await signer.mint(try mint("alice", 20001)))
            #expect(second.id?.gids == [20001])
        }
    }

    @Test func theRateIsLimitedAllTheSame() async throws {
        try await SignerTests.with(perMinute: 2) { signer, _ in
            for _ in 1...2 { _ = try await signer.mint(try mint("alice", 20001)) }
            try await SignerTests.refuses(.rateLimited) { _ = try await signer.mint(try mint("alice", 20001)) }
        }
    }
}

/// The chain's head moves in steps that a real chain can make.
@Suite struct CountersignStepTests {
    @Test func aHeadBeyondReachIsNotSigned() async throws {
        try await SignerTests.with { signer, _ in
            try await SignerTests.refuses(.invalidRequest) { _ = try await signer.countersign(position(.max)) }
            _ = try await signer.countersign(position(5))
            try await SignerTests.refuses(.invalidRequest) { _ = try await signer.countersign(position(1_000_006)) }
            _ = try await signer.countersign(position(6))
        }
    }
}
