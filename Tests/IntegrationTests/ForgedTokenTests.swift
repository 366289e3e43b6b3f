// SPDX-License-Identifier: Apache-2.0

import Crypto
import SallyKeepProtocol
import SallyTestSupport
import Testing

/// Session tokens of the running gateway with one thing wrong. Where a signature is possible it is good: the tests have the
/// gateway's key.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped))
struct ForgedTokenTests {
    enum Forgery: CaseIterable, Sendable {
        case otherAudience
        case otherIssuer
        case otherSession
        case expired
        case notYetIssued
        case unknownKey
        case otherType
        case noAlgorithm
        case publicKeyAsSecret
        case otherPersonsKey
    }

    @Test(arguments: Forgery.allCases)
    func oneWrongThingIsEnough(_ forgery: Forgery) async throws {
        let stack = try Stack.required()
        let good = try await stack.token("alice")
        let forged = try await forge(forgery, good, stack)
        #expect(forged != good)
        let answer = try await stack.request("GET", "/v1/me", token: forged)
        #expect(answer.status == 401, "\(answer)")
        #expect(answer.body.contains("urn:sallyport:problem:unauthenticated"), "\(answer)")
    }

    /// The same way of signing with nothing changed gives a token that is taken: the forgeries fail for what they are.
    @Test func theWayOfSigningIsGood() async throws {
        let stack = try Stack.required()
        let good = try await stack.token("alice")
        let again = try sign(String(good.split(separator: ".")[0]), try claims(good), try await key(stack))
        #expect(again != good)
        #expect(try await stack.request("GET", "/v1/me", token: again).status == 200)
    }

    @Test func aHugeBodyIsRefused() async throws {
        let stack = try Stack.required()
        let token = try await stack.token("alice")
        try await withScratchFolder { folder in
            try writeFile("\(folder)/body", "{\"script\":\"" + String(repeating: "x", count: 9 << 20) + "\"}")
            let answer = try await stack.request(
                "POST", "/v1/clusters/it12/jobs", token: token, headers: ["Content-Type: application/json", "Expect:"],
                body: "@\(folder)/body")
            #expect(answer.status == 413, "\(answer)")
        }
    }

    private func forge(_ forgery: Forgery, _ good: String, _ stack: Stack) async throws -> String {
        let head = String(good.split(separator: ".")[0])
        let header = try #require(Base64.url.decode(head).map { String(decoding: $0, as: UTF8.self) })
        let claims = try claims(good)
        let key = try await key(stack)
        func other(_ change: (String) -> String) throws -> String {
            let changed = change(header)
            try #require(changed != header)
            return Base64.url.encode(changed.utf8)
        }
        func set(_ name: String, _ value: String) -> String {
            claims.replacing(
                "\"\(name)\":\"\(SessionText.value(name, of: claims))\"", with: "\"\(name)\":\"\(value)\"")
        }
        switch forgery {
        case .otherAudience: return try sign(head, set("aud", "slurm"), key)
        case .otherIssuer: return try sign(head, set("iss", "http://127.0.0.1:1"), key)
        case .otherSession: return try sign(head, set("sid", "AAAAAAAAAAAAAAAAAAAAAA"), key)
        case .expired:
            return try sign(
                head, claims.replacing(SessionText.number("exp", of: claims), with: "1700000000"), key)
        case .notYetIssued:
            return try sign(
                head, claims.replacing(SessionText.number("iat", of: claims), with: "4000000000"), key)
        case .unknownKey:
            return try sign(
                try other { $0.replacing(SessionText.value("kid", of: $0), with: "another") }, claims, key)
        case .otherType:
            return try sign(try other { $0.replacing(SessionText.value("typ", of: $0), with: "JWT") }, claims, key)
        case .noAlgorithm:
            let none = try other { $0.replacing("ES256", with: "none") }
            return "\(none).\(Base64.url.encode(claims.utf8))."
        case .publicKeyAsSecret:
            let text = "\(try other { $0.replacing("ES256", with: "HS256") }).\(Base64.url.encode(claims.utf8))"
            let secret = SymmetricKey(data: Array(key.publicKey.pemRepresentation.utf8))
            let code = HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: secret)
            return "\(text).\(Base64.url.encode(Array(code)))"
        case .otherPersonsKey: return try sign(head, claims, P256.Signing.PrivateKey())
        }
    }

    private func claims(_ token: String) throws -> String {
        try #require(SessionText.claims(of: token))
    }

    private func key(_ stack: Stack) async throws -> P256.Signing.PrivateKey {
        try P256.Signing.PrivateKey(
            pemRepresentation: try await runProgram("/bin/cat", ["\(stack.state)/serve/session.pem"]).output)
    }

    private func sign(_ head: String, _ claims: String, _ key: P256.Signing.PrivateKey) throws -> String {
        let text = "\(head).\(Base64.url.encode(claims.utf8))"
        return "\(text).\(Base64.url.encode(try key.signature(for: Array(text.utf8)).rawRepresentation))"
    }
}
