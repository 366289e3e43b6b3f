// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyModel
import StrictJSON

@testable import SallyIdentity

/// A provider client against a fake provider, with good claims to spoil.
struct ProviderFixture {
    let fake = FakeProvider()
    let clock = FakeClock()
    let key = ProviderKey(kid: "k1")
    let provider: OpenIDProvider

    init(change: (inout ProviderSettings) -> Void = { _ in }) {
        var settings = ProviderSettings(
            name: ClusterName(unchecked: "okta"), issuer: FakeProvider.issuer, clientID: "gateway",
            clientSecret: Secret("s3cret/+"), authentication: .basic,
            redirectURI: "https://gateway.example.org/sign-in/callback", plaintext: .refused)
        change(&settings)
        provider = OpenIDProvider(
            settings: settings, transport: fake, clock: clock,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        publish([key.published()])
    }

    func publish(_ keys: [JSONValue]) { fake.answer("/jwks", ["keys": .array(keys)]) }

    var claims: JSONValue {
        [
            "iss": .string(FakeProvider.issuer), "aud": "gateway", "sub": "u-1", "nonce": "the-nonce",
            "iat": (Double(clock.now.rawValue) + 0.25).json, "exp": (Double(clock.now.rawValue) + 300.5).json,
            "auth_time": 0, "name": "Alice", "preferred_username": "alice", "email": "alice@example.org",
            "groups": ["hpc-users", "gpu-users"],
        ]
    }

    func verify(_ token: String) async throws -> IDTokenClaims {
        try await provider.verify(token, nonce: "the-nonce")
    }

    func problem(_ token: String) async -> ProviderProblem? {
        do {
            _ = try await verify(token)
            return nil
        } catch {
            return error as? ProviderProblem
        }
    }

    /// Lets the token endpoint answer with an id_token of these claims.
    func respond(_ claims: JSONValue) async throws {
        fake.answer(
            "/token",
            ["access_token": "at", "token_type": "bearer", "id_token": .string(try await key.sign(claims))])
    }

    func identity() async throws -> VerifiedIdentity {
        try await provider.identity(code: "c", verifier: "v", nonce: "the-nonce")
    }
}
