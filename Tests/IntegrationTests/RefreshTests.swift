// SPDX-License-Identifier: Apache-2.0

import Crypto
import SallyKeepProtocol
import SallyTestSupport
import Testing

/// Expired access tokens and refresh tokens that are used twice, with sign-ins of their own.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct RefreshTests {
    @Test func fiftyProcessesWithAnExpiredTokenRefreshOnceAndAReplayEndsTheSession() async throws {
        let stack = try Stack.required()
        try await withScratchFolder { folder in
            let own = ["SALLY_CONFIG_DIR": folder]
            let signedIn = try await stack.signIn("bob", context: "refresh", with: own)
            try #require(signedIn.status == 0, "\(signedIn)")
            let path = "\(folder)/sessions/refresh.json"
            let first = try await read(path)
            let session = try #require(
                SessionText.claims(of: SessionText.value("access_token", of: first)).map {
                    SessionText.value("sid", of: $0)
                })

            // Well signed, and too old.
            let expired = try await makeOld(SessionText.value("access_token", of: first), stack)
            let refused = try await stack.request("GET", "/v1/me", token: expired)
            #expect(refused.status == 401 && refused.body.contains("expired"), "\(refused)")
            let old = first.replacing(SessionText.value("access_token", of: first), with: expired)
            try writeFile(path, old.replacing(SessionText.number("expires", of: first), with: "1700000000"))

            let results = try await withThrowingTaskGroup(of: ProgramResult.self) { group in
                for _ in 0..<50 { group.addTask { try await stack.sally("refresh", ["whoami"], with: own) } }
                return try await group.reduce(into: [ProgramResult]()) { $0.append($1) }
            }
            for result in results where result.status != 0 { Issue.record("\(result)") }
            #expect(try await generations(session, stack) == "2", "not exactly one refresh")
            let second = try await read(path)
            #expect(SessionText.value("refresh_token", of: second) != SessionText.value("refresh_token", of: first))

            // The same once more where the file says that the token is good and only the gateway knows better.
            let good = second.replacing(SessionText.value("access_token", of: second), with: expired)
            try writeFile(path, good)
            let learnt = try await withThrowingTaskGroup(of: Int32.self) { group in
                for _ in 0..<10 { group.addTask { try await stack.sally("refresh", ["whoami"], with: own).status } }
                return try await group.reduce(into: [Int32]()) { $0.append($1) }
            }
            #expect(learnt.allSatisfy { $0 == 0 }, "\(learnt)")
            #expect(try await generations(session, stack) == "3", "not exactly one refresh")
            let third = try await read(path)
            let live = SessionText.value("access_token", of: third)
            #expect(try await stack.request("GET", "/v1/me", token: live).status == 200)

            // The first refresh token has been replaced twice: somebody kept a copy.
            let replay = try await stack.request(
                "POST", "/v1/auth/refresh",
                body: "{\"refresh_token\":\"\(SessionText.value("refresh_token", of: first))\"}")
            #expect(replay.status == 401 && replay.body.contains("used a second time"), "\(replay)")
            #expect(try await stack.request("GET", "/v1/me", token: live).status == 401)
            let newest = try await stack.request(
                "POST", "/v1/auth/refresh",
                body: "{\"refresh_token\":\"\(SessionText.value("refresh_token", of: third))\"}")
            #expect(newest.status == 401, "\(newest)")
            #expect(try await stack.sally("refresh", ["whoami"], with: own).status == 77)
            // Only this session of bob's.
            #expect(try await stack.sally("bob", ["whoami"]).status == 0)
            let audit = try await stack.sally("dana", ["admin", "audit", "--limit", "1000", "--json"])
            #expect(audit.output.contains("session.replay"), "\(audit.errors)")
        }
    }

    /// How many refresh tokens the session has had.
    private func generations(_ session: String, _ stack: Stack) async throws -> String {
        let result = try await runProgram(
            "/usr/bin/sqlite3",
            [
                "file:\(stack.state)/serve/sallyd.db?mode=ro",
                "SELECT count(*) FROM refresh_tokens WHERE session = '\(session)'",
            ])
        guard result.status == 0 else { throw Failure("\(result)") }
        return result.output.filter { !$0.isWhitespace }
    }

    /// The same claims, issued and expired long ago, signed with the gateway's own key.
    private func makeOld(_ token: String, _ stack: Stack) async throws -> String {
        let parts = token.split(separator: ".").map(String.init)
        let pem = try await read("\(stack.state)/serve/session.pem")
        let key = try P256.Signing.PrivateKey(pemRepresentation: pem)
        let claims = try #require(SessionText.claims(of: token))
        let old = claims.replacing(SessionText.number("iat", of: claims), with: "1700000000")
            .replacing(SessionText.number("exp", of: claims), with: "1700000060")
        let signed = "\(parts[0]).\(Base64.url.encode(old.utf8))"
        return "\(signed).\(Base64.url.encode(try key.signature(for: Array(signed.utf8)).rawRepresentation))"
    }

    private func read(_ path: String) async throws -> String {
        let result = try await runProgram("/bin/cat", [path])
        guard result.status == 0 else { throw Failure("\(result)") }
        return result.output
    }
}
