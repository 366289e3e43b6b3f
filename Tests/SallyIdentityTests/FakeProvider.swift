// SPDX-License-Identifier: Apache-2.0

import JWTKit
import StrictJSON
import Synchronization

@testable import SallyIdentity

/// A provider in memory: answers what the test put under each address.
final class FakeProvider: ProviderTransport {
    static let issuer = "https://id.example.org"
    private let answers = Mutex<[String: ProviderAnswer]>([:])
    private let seen = Mutex<[ProviderRequest]>([])

    struct Refused: Error {}

    init() {
        answer("/.well-known/openid-configuration", FakeProvider.discovery())
    }

    static func discovery(issuer: String = issuer) -> JSONValue {
        [
            "issuer": .string(issuer), "authorization_endpoint": "https://id.example.org/auth?x=1",
            "token_endpoint": "https://id.example.org/token", "jwks_uri": "https://id.example.org/jwks",
            "userinfo_endpoint": "https://id.example.org/userinfo", "whatever": [1, 2.5.json],
            "authorization_response_iss_parameter_supported": true,
        ]
    }

    func answer(_ path: String, _ json: JSONValue?, status: Int = 200) {
        answers.withLock { $0[path] = ProviderAnswer(status: status, body: json?.bytes() ?? []) }
    }

    func fallSilent() { answers.withLock { $0 = [:] } }

    func requests(_ path: String) -> [ProviderRequest] {
        seen.withLock { $0.filter { $0.url == FakeProvider.issuer + path } }
    }

    func send(_ request: ProviderRequest) async throws -> ProviderAnswer {
        seen.withLock { $0.append(request) }
        await Task.yield()
        let path = String(request.url.dropFirst(FakeProvider.issuer.count))
        guard let answer = answers.withLock({ $0[path] }) else { throw Refused() }
        return answer
    }
}

/// A key of the fake provider.
struct ProviderKey {
    let kid: String?
    let key: ES256PrivateKey = ES256PrivateKey()

    func published(algorithm: String? = "ES256") -> JSONValue {
        guard let point = key.parameters else { return .null }
        var object: [(String, JSONValue)] = [
            ("kty", "EC"), ("crv", "P-256"), ("x", .string(urlSafe(point.x))), ("y", .string(urlSafe(point.y))),
        ]
        if let kid { object.append(("kid", .string(kid))) }
        if let algorithm { object.append(("alg", .string(algorithm))) }
        return .object(JSONObject(object))
    }

    /// A token of these claims, signed by this key; `header` overrides what it says about itself.
    func sign(_ claims: JSONValue, header: JSONValue? = nil) async throws -> String {
        var fields: [(String, JSONValue)] = [("alg", "ES256"), ("typ", "JWT")]
        if let kid { fields.append(("kid", .string(kid))) }
        let header = header ?? .object(JSONObject(fields))
        let text = "\(Base64URL.encode(header.bytes())).\(Base64URL.encode(claims.bytes()))"
        let keys = await JWTKeyCollection().add(ecdsa: key)
        let signature = try await keys.getKey().sign(Array(text.utf8))
        return "\(text).\(Base64URL.encode(signature))"
    }
}

private func urlSafe(_ text: String) -> String {
    String(text.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }.filter { $0 != "=" })
}

extension Double {
    var json: JSONValue { .number("\(self)") }
}

extension JSONValue {
    func with(_ key: String, _ value: JSONValue?) -> JSONValue {
        guard var object else { return self }
        object[key] = value
        return .object(object)
    }
}
