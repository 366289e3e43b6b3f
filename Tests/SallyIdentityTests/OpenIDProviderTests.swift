// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON
import Testing

@testable import SallyIdentity

@Suite struct OpenIDProviderTests {
    let fixture = ProviderFixture()

    @Test func asksForCodeWithPKCE() async throws {
        let url = try await fixture.provider.authorizationURL(
            state: "st", nonce: "no", verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        #expect(url.hasPrefix("https://id.example.org/auth?x=1&response_type=code&client_id=gateway&"))
        // RFC 7636 appendix B.
        #expect(url.contains("code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"))
        #expect(
            url.contains("redirect_uri=https%3A%2F%2Fgateway.example.org%2Fsign-in%2Fcallback&scope=openid%20profile"))
        #expect(url.contains("state=st&nonce=no"))
    }

    @Test func makesAnIdentity() async throws {
        try await fixture.respond(fixture.claims)
        let identity = try await fixture.identity()
        #expect(identity.subject == Subject(issuer: FakeProvider.issuer, subject: "u-1"))
        #expect(identity.groups.map(\.rawValue).sorted() == ["okta:gpu-users", "okta:hpc-users"])
        #expect(identity.preferredName == "alice")
        let request = try #require(fixture.fake.requests("/token").first)
        #expect(String(decoding: request.body, as: UTF8.self).contains("code_verifier=v"))
        #expect(!String(decoding: request.body, as: UTF8.self).contains("s3cret"))
        // gateway:s3cret%2F%2B
        #expect(request.headers.contains { $0.value == "Basic Z2F0ZXdheTpzM2NyZXQlMkYlMkI=" })
    }

    @Test func postsTheSecretWhereConfigured() async throws {
        let fixture = ProviderFixture { $0.authentication = .post }
        try await fixture.respond(fixture.claims)
        _ = try await fixture.identity()
        let request = try #require(fixture.fake.requests("/token").first)
        #expect(String(decoding: request.body, as: UTF8.self).contains("client_secret=s3cret%2F%2B"))
        #expect(!request.headers.contains { $0.name == "Authorization" })
    }

    @Test func asksUserInfoForGroupsOfAThinToken() async throws {
        try await fixture.respond(fixture.claims.with("groups", nil))
        fixture.fake.answer("/userinfo", ["sub": "u-1", "groups": ["hpc-users"]])
        #expect(try await fixture.identity().groups.map(\.rawValue) == ["okta:hpc-users"])
    }

    static let userInfos: [(JSONValue, SallyError.Code)] = [
        (["sub": "u-2", "groups": []], SallyError.Code.unauthenticated), (["sub": "u-1"], .denied),
        (["sub": "u-1", "groups": "hpc-users"], .unauthenticated), (["groups": []], .unauthenticated),
        (["sub": "u-1", "_claim_names": ["groups": "src1"]], .denied), (["sub": "u-1", "groups": .null], .denied),
    ]

    @Test(arguments: userInfos)
    func refusesUserInfo(userInfo: JSONValue, expected: SallyError.Code) async throws {
        try await fixture.respond(fixture.claims.with("groups", nil))
        fixture.fake.answer("/userinfo", userInfo)
        let error = await #expect(throws: SallyError.self) { try await fixture.identity() }
        #expect(error?.code == expected)
    }

    static let overages: [JSONValue] = [
        ["_claim_names": ["groups": "src1"]], ["hasgroups": true], ["hasgroups": "true"],
    ]

    @Test(arguments: overages)
    func refusesAnOverage(extra: JSONValue) async throws {
        var claims = fixture.claims.with("groups", nil)
        for (key, value) in try #require(extra.object) { claims = claims.with(key, value) }
        try await fixture.respond(claims)
        fixture.fake.answer("/userinfo", ["sub": "u-1", "groups": []])
        let error = await #expect(throws: SallyError.self) { try await fixture.identity() }
        #expect(error?.code == .denied)
    }

    @Test func takesAnEmptyListAsNoGroups() async throws {
        try await fixture.respond(fixture.claims.with("groups", []))
        #expect(try await fixture.identity().groups.isEmpty)
        #expect(fixture.fake.requests("/userinfo").isEmpty)
    }

    @Test func dropsGroupsThatNoRuleCanContain() async throws {
        try await fixture.respond(fixture.claims.with("groups", ["good", "new\nline", ""]))
        #expect(try await fixture.identity().groups.map(\.rawValue) == ["okta:good"])
    }

    @Test func takesTheConfiguredSubject() async throws {
        let fixture = ProviderFixture { $0.subjectClaim = "oid" }
        try await fixture.respond(fixture.claims.with("oid", "immutable"))
        #expect(try await fixture.identity().subject.subject == "immutable")
        try await fixture.respond(fixture.claims)
        await #expect(throws: SallyError.self) { try await fixture.identity() }
    }

    @Test(arguments: [
        (400, SallyError.Code.unauthenticated), (403, .unauthenticated), (500, .unavailable), (302, .unavailable),
    ])
    func treatsEveryClientErrorAsFinal(status: Int, expected: SallyError.Code) async throws {
        try await fixture.provider.check()
        fixture.fake.answer("/token", nil, status: status)
        let error = await #expect(throws: SallyError.self) { try await fixture.identity() }
        #expect(error?.code == expected)
    }

    @Test func refusesAnotherIssuer() async throws {
        fixture.fake.answer(
            "/.well-known/openid-configuration", FakeProvider.discovery(issuer: "https://id.example.org/"))
        let error = await #expect(throws: SallyError.self) { try await fixture.provider.check() }
        #expect(error?.code == .misconfigured)
    }

    @Test(arguments: ["token_endpoint", "jwks_uri", "authorization_endpoint", "userinfo_endpoint"])
    func refusesPlainEndpoints(key: String) async throws {
        fixture.fake.answer(
            "/.well-known/openid-configuration", FakeProvider.discovery().with(key, "http://id.example.org/x"))
        await #expect(throws: SallyError.self) { try await fixture.provider.check() }
    }

    @Test func namesAProviderThatIsDown() async throws {
        fixture.fake.fallSilent()
        let error = await #expect(throws: SallyError.self) {
            try await fixture.provider.authorizationURL(state: "s", nonce: "n", verifier: "v")
        }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("okta") == true)
    }

    @Test func checksTheIssuerOfTheResponse() async throws {
        try await fixture.provider.checkIssuer(FakeProvider.issuer)
        await #expect(throws: SallyError.self) { try await fixture.provider.checkIssuer("https://evil.example.org") }
        await #expect(throws: SallyError.self) { try await fixture.provider.checkIssuer(nil) }
    }

    @Test(arguments: [
        ("https://a.example", true), ("http://127.0.0.1:9/x", true), ("http://[::1]:9", true),
        ("http://localhost", true),
        ("http://127.0.0.1.evil.org", false), ("http://localhost:x", false), ("http://a@127.0.0.1", false),
        ("https://", false), ("https://a b", false), ("ftp://a", false), ("https://a#b", false),
        ("http://a.example", false),
    ])
    func permitsAddresses(url: String, expected: Bool) {
        let fixture = ProviderFixture { $0.plaintext = .loopbackOnly }
        #expect(fixture.provider.settings.permits(url: url) == expected)
        #expect(!self.fixture.provider.settings.permits(url: url) || url.hasPrefix("https"))
    }
}
