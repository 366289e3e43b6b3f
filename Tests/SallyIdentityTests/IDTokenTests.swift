// SPDX-License-Identifier: Apache-2.0

import Crypto
import JWTKit
import SallyModel
import StrictJSON
import Testing

@testable import SallyIdentity

@Suite struct IDTokenTests {
    let fixture = ProviderFixture()

    @Test func takesAGoodToken() async throws {
        let claims = try await fixture.verify(await fixture.key.sign(fixture.claims))
        #expect(claims.subject == "u-1")
    }

    static let wrongClaims: [(String, JSONValue?, ProviderProblem)] = [
        ("iss", "https://evil.example.org", ProviderProblem.issuer), ("iss", nil, .issuer),
        ("aud", "other", .audience), ("aud", [], .audience), ("aud", nil, .audience),
        ("aud", ["gateway", 1], .audience),
        ("aud", ["gateway", "other"], .authorizedParty), ("azp", "other", .authorizedParty),
        ("azp", 1, .authorizedParty),
        ("nonce", "another", .nonce), ("nonce", nil, .nonce), ("exp", nil, .claim("exp")),
        ("exp", "1900000000", .claim("exp")), ("iat", nil, .claim("iat")), ("sub", nil, .claim("sub")),
        ("sub", "", .claim("sub")), ("sub", 7, .claim("sub")), ("nbf", 1_900_000_000, .notYetValid),
        ("iat", 1_799_990_000, .issuedAt), ("iat", 1_800_000_100, .issuedAt), ("exp", 1_799_999_000, .expired),
    ]

    @Test(arguments: wrongClaims)
    func refusesWrongClaims(claim: String, value: JSONValue?, expected: ProviderProblem) async throws {
        let token = try await fixture.key.sign(fixture.claims.with(claim, value))
        #expect(await fixture.problem(token) == expected)
    }

    @Test func takesSeveralAudiencesForUs() async throws {
        let claims = fixture.claims.with("aud", ["gateway", "other"]).with("azp", "gateway")
        #expect(await fixture.problem(try await fixture.key.sign(claims)) == nil)
    }

    @Test func bearsAMinuteOfClockSkew() async throws {
        let token = try await fixture.key.sign(
            fixture.claims.with("iat", 1_800_000_055).with("nbf", 1_800_000_055).with("exp", 1_799_999_945))
        #expect(await fixture.problem(token) == nil)
    }

    @Test(arguments: ["", "junk", "a.b", "a.b.c", "a.b.c.d", "e30.e30.", "....", "e30.e30.AAAA"])
    func refusesJunk(token: String) async {
        let problem = await fixture.problem(token)
        #expect(problem == .malformedToken || problem == .algorithm)
    }

    @Test func refusesAlgNone() async throws {
        let header: JSONValue = ["alg": "none", "typ": "JWT", "kid": "k1"]
        #expect(await fixture.problem(try await fixture.key.sign(fixture.claims, header: header)) == .algorithm)
        let bare = "\(Base64URL.encode(header.bytes())).\(Base64URL.encode(fixture.claims.bytes()))."
        #expect(await fixture.problem(bare) == .malformedToken)
    }

    @Test func refusesHS256WithThePublicKey() async throws {
        let header: JSONValue = ["alg": "HS256", "typ": "JWT", "kid": "k1"]
        let text = "\(Base64URL.encode(header.bytes())).\(Base64URL.encode(fixture.claims.bytes()))"
        let secret = SymmetricKey(data: Array(fixture.key.key.publicKey.pemRepresentation.utf8))
        let code = Crypto.HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: secret)
        #expect(await fixture.problem("\(text).\(Base64URL.encode(code))") == .algorithm)
    }

    @Test func refusesAnAlgorithmThatTheKeyDoesNotHave() async throws {
        let header: JSONValue = ["alg": "RS256", "typ": "JWT", "kid": "k1"]
        #expect(await fixture.problem(try await fixture.key.sign(fixture.claims, header: header)) == .unknownKey)
    }

    static let headers: [(JSONValue, ProviderProblem)] = [
        (["alg": "ES256", "typ": "at+jwt", "kid": "k1"], ProviderProblem.tokenType),
        (["alg": "ES256", "typ": "sally+jwt", "kid": "k1"], .tokenType),
        (["alg": "ES256", "typ": 1, "kid": "k1"], .tokenType), (["alg": "ES256", "kid": 1], .malformedToken),
        (["alg": "ES256", "kid": "k1", "crit": ["b64"]], .malformedToken),
        (["alg": "ES256", "kid": "k9"], .unknownKey),
        (["alg": "ES256"], .unknownKey), (["alg": "ES384", "kid": "k1"], .algorithm), (["kid": "k1"], .algorithm),
    ]

    @Test(arguments: headers)
    func refusesHeaders(header: JSONValue, expected: ProviderProblem) async throws {
        #expect(await fixture.problem(try await fixture.key.sign(fixture.claims, header: header)) == expected)
    }

    @Test func refusesAnotherKeyOfTheSameName() async throws {
        let impostor = ProviderKey(kid: "k1")
        #expect(await fixture.problem(try await impostor.sign(fixture.claims)) == .badSignature)
    }

    @Test func refusesChangedClaims() async throws {
        let parts = try await fixture.key.sign(fixture.claims).split(separator: ".")
        let other = Base64URL.encode(fixture.claims.with("sub", "u-2").bytes())
        #expect(await fixture.problem("\(parts[0]).\(other).\(parts[2])") == .badSignature)
    }
}
