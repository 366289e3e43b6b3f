// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyIdentity
import SallyModel
import SallyTestSupport
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Our client against a real provider, which `scripts/provider` started: SALLYPORT_PROVIDER_ISSUER is its issuer,
/// SALLYPORT_PROVIDER_STATE its folder with `passwords`, `redirect-uri` and `client-secret`.
@Suite(
    .enabled(if: variable("SALLYPORT_PROVIDER_ISSUER") != nil, "no provider: run scripts/test-integration"), .serialized
)
struct ProviderTests {
    let issuer: String
    let state: String
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    init() throws {
        issuer = try #require(variable("SALLYPORT_PROVIDER_ISSUER"))
        state = try #require(variable("SALLYPORT_PROVIDER_STATE"))
    }

    @Test func discovers() async throws {
        try await withProvider { try await $0.check() }
    }

    @Test(arguments: [
        ("alice", ["demo:hpc-users"]), ("carol", ["demo:gpu-users", "demo:hpc-users"]), ("dana", ["demo:hpc-admins"]),
    ])
    func signsInWithGroups(user: String, groups: [String]) async throws {
        try await withProvider { provider in
            let code = try await code(provider, user: user)
            let identity = try await provider.identity(code: code, verifier: verifier, nonce: "nonce-1")
            #expect(identity.groups.map(\.rawValue).sorted() == groups)
            #expect(identity.preferredName == user)
            #expect(identity.subject.issuer == issuer)
        }
    }

    @Test func refusesAnotherVerifier() async throws {
        try await withProvider { provider in
            let code = try await code(provider, user: "alice")
            let other = String(repeating: "x", count: 43)
            let error = await #expect(throws: SallyError.self) {
                try await provider.identity(code: code, verifier: other, nonce: "nonce-1")
            }
            #expect(error?.code == .unauthenticated)
        }
    }

    @Test func refusesAnotherNonce() async throws {
        try await withProvider { provider in
            let code = try await code(provider, user: "bob")
            let error = await #expect(throws: SallyError.self) {
                try await provider.identity(code: code, verifier: verifier, nonce: "nonce-2")
            }
            #expect(error?.code == .unauthenticated)
        }
    }

    @Test func refusesACodeThatWasUsed() async throws {
        try await withProvider { provider in
            let code = try await code(provider, user: "alice")
            _ = try await provider.identity(code: code, verifier: verifier, nonce: "nonce-1")
            await #expect(throws: SallyError.self) {
                try await provider.identity(code: code, verifier: verifier, nonce: "nonce-1")
            }
        }
    }

    @Test func followsRotatedKeys() async throws {
        try await withProvider { provider in
            try await provider.check()
            let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
            let rotated = try await program("/\(root)/scripts/provider", ["rotate-keys", "--state", state])
            try #require(rotated.status == 0, "\(rotated)")
            let code = try await code(provider, user: "alice")
            _ = try await provider.identity(code: code, verifier: verifier, nonce: "nonce-1")
        }
    }

    // MARK: A person's browser

    /// Signs `user` in at the provider and returns the code of the redirect back.
    private func code(_ provider: OpenIDProvider, user: String) async throws -> String {
        let url = try await provider.authorizationURL(state: "state-1", nonce: "nonce-1", verifier: verifier)
        return try await withScratchFolder { folder in
            let lines = try await read("passwords").split(separator: "\n")
            let password = try #require(lines.first { $0.hasPrefix("\(user) ") }).dropFirst(user.count + 1)
            let base = issuer.dropLast("/api/oidc".count)
            try writeFile("\(folder)/login", #"{"username":"\#(user)","password":"\#(password)"}"#)
            try await curl([
                #"url = "\#(base)/api/auth/""#, #"data-binary = "@\#(folder)/login""#,
                #"header = "Content-Type: application/json""#, #"cookie-jar = "\#(folder)/cookies""#, "fail",
            ])
            let redirect = try await curl([
                #"url = "\#(url)&g_continue""#, #"cookie = "\#(folder)/cookies""#, #"write-out = "%{redirect_url}""#,
                #"output = "/dev/null""#,
            ])
            let query = try #require(redirect.split(separator: "?").last).split(separator: "&")
            try #require(query.contains("state=state-1"), "\(redirect)")
            return String(try #require(query.first { $0.hasPrefix("code=") }).dropFirst(5))
        }
    }

    @discardableResult private func curl(_ settings: [String]) async throws -> String {
        let lines = ["silent", "show-error", "max-time = 20", "globoff"] + settings
        let result = try await program("curl", ["--config", "-"], input: lines.joined(separator: "\n"))
        try #require(result.status == 0, "\(result)")
        return result.output
    }

    private func read(_ name: String) async throws -> String {
        let result = try await program("cat", ["\(state)/\(name)"])
        try #require(result.status == 0, "\(result)")
        return result.output
    }

    private func program(_ name: String, _ arguments: [String], input: String = "") async throws -> ProgramResult {
        try await runProgram(
            name, arguments, environment: ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            input: input)
    }

    private func withProvider(_ body: (OpenIDProvider) async throws -> Void) async throws {
        let settings = ProviderSettings(
            name: try ClusterName("demo"), issuer: issuer, clientID: "gateway",
            clientSecret: Secret(String(try await read("client-secret").prefix { $0 != "\n" })), authentication: .basic,
            redirectURI: String(try await read("redirect-uri").prefix { $0 != "\n" }), plaintext: .loopbackOnly)
        let transport = try HTTPProviderTransport(authorities: nil)
        let provider = OpenIDProvider(
            settings: settings, transport: transport, clock: SystemClock(),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        do {
            try await body(provider)
        } catch {
            try await transport.shutdown()
            throw error
        }
        try await transport.shutdown()
    }
}

private struct SystemClock: WallClock {
    var now: Timestamp { Timestamp(Int64(time(nil))) }
}
