// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON
import Testing

@testable import SallyIdentity

@Suite struct ProviderKeysTests {
    @Test func followsRotatedKeys() async throws {
        let fixture = ProviderFixture()
        _ = try await fixture.verify(await fixture.key.sign(fixture.claims))
        let next = ProviderKey(kid: "k2")
        fixture.publish([next.published()])
        _ = try await fixture.verify(await next.sign(fixture.claims))
        #expect(fixture.fake.requests("/jwks").count == 2)
        // The old key went with its set.
        #expect(await fixture.problem(try await fixture.key.sign(fixture.claims)) == .unknownKey)
    }

    /// What was found was worth asking for: another change a moment later is followed as well.
    @Test func followsKeysThatRotateAgain() async throws {
        let fixture = ProviderFixture()
        _ = try await fixture.verify(await fixture.key.sign(fixture.claims))
        for name in ["k2", "k3", "k4"] {
            let next = ProviderKey(kid: name)
            fixture.publish([next.published()])
            _ = try await fixture.verify(await next.sign(fixture.claims))
        }
    }

    @Test func asksRarelyForUnknownKeys() async throws {
        let fixture = ProviderFixture()
        let stranger = try await ProviderKey(kid: "k9").sign(fixture.claims)
        for _ in 0..<5 { #expect(await fixture.problem(stranger) == .unknownKey) }
        #expect(fixture.fake.requests("/jwks").count == 2)
        fixture.clock.advance(.seconds(11))
        #expect(await fixture.problem(stranger) == .unknownKey)
        #expect(fixture.fake.requests("/jwks").count == 3)
    }

    @Test func takesASingleKeyWithoutName() async throws {
        let fixture = ProviderFixture()
        let key = ProviderKey(kid: nil)
        fixture.publish([key.published(algorithm: nil)])
        _ = try await fixture.verify(await key.sign(fixture.claims))
        let named: JSONValue = ["alg": "ES256", "kid": "k1"]
        #expect(await fixture.problem(try await key.sign(fixture.claims, header: named)) == .unknownKey)
    }

    @Test func ignoresNamelessKeysAmongSeveral() async throws {
        let fixture = ProviderFixture()
        let key = ProviderKey(kid: nil)
        fixture.publish([key.published(), fixture.key.published()])
        #expect(await fixture.problem(try await key.sign(fixture.claims)) == .unknownKey)
        #expect(await fixture.problem(try await fixture.key.sign(fixture.claims)) == nil)
    }

    @Test func refusesTwoKeysOfOneName() async throws {
        let fixture = ProviderFixture()
        fixture.publish([fixture.key.published(), ProviderKey(kid: "k1").published()])
        #expect(await fixture.problem(try await fixture.key.sign(fixture.claims)) == .unknownKey)
    }

    @Test func leavesOutKeysThatCannotBeUsed() async throws {
        let fixture = ProviderFixture()
        fixture.publish([
            ["kty": "OKP", "kid": "e", "crv": "Ed25519", "x": "AA"], ["kty": "oct", "kid": "h", "k": "AAAA"],
            ["kty": "RSA", "kid": "small", "n": "AQAB", "e": "AQAB"], 7, fixture.key.published().with("use", "enc"),
        ])
        #expect(await fixture.problem(try await fixture.key.sign(fixture.claims)) == .noKeys)
    }

    @Test func fetchesOnceForManyCallers() async throws {
        let fixture = ProviderFixture()
        let token = try await fixture.key.sign(fixture.claims)
        await withTaskGroup { group in
            for _ in 0..<20 { group.addTask { #expect(await fixture.problem(token) == nil) } }
        }
        #expect(fixture.fake.requests("/jwks").count == 1)
    }

    @Test func readsKeysAgainAfterAnHour() async throws {
        let fixture = ProviderFixture()
        try await fixture.provider.check()
        fixture.clock.advance(.seconds(3601))
        try await fixture.provider.check()
        #expect(fixture.fake.requests("/jwks").count == 2)
    }
}
