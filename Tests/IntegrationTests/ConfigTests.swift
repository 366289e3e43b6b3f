// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// Configuration files as an administrator meets them: through `sallyd` itself.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped))
struct ConfigTests {
    private func sallyd(_ arguments: [String]) async throws -> ProgramResult {
        let stack = try Stack.required()
        return try await runProgram(
            "\(stack.state)/bin/sallyd", arguments, environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
    }

    /// The stack's own file, changed, checked as `serve` would read it.
    private func check(_ change: (String) -> String) async throws -> ProgramResult {
        let stack = try Stack.required()
        let text = try await runProgram("/usr/bin/cat", ["\(stack.state)/etc/gateway.yaml"]).output
        return try await withScratchFolder { folder in
            try writeFile("\(folder)/sallyd.yaml", change(text), mode: 0o644)
            return try await sallyd(["config", "check", "--config", "\(folder)/sallyd.yaml"])
        }
    }

    @Test func aMissingFileIsNamed() async throws {
        let result = try await sallyd(["serve", "--config", "/nonexistent/sallyd.yaml"])
        #expect(result.status == 78, "\(result)")
        #expect(result.errors.contains("/nonexistent/sallyd.yaml"))
    }

    @Test func anUnknownKeyIsNamedWithItsLine() async throws {
        let result = try await check { "lisen: x\n" + $0 }
        #expect(result.status == 78, "\(result)")
        #expect(result.errors.contains("lisen") && result.errors.contains(":1:"), "\(result)")
    }

    @Test func twoClustersOfOneNameAreRefused() async throws {
        let result = try await check { $0.replacing("name: it13", with: "name: it12") }
        #expect(result.status == 78, "\(result)")
        #expect(result.errors.contains("it12"))
    }

    @Test func aKeyThatOthersCanReadIsRefused() async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/session.pem", "x", mode: 0o644)
            let result = try await check { text in
                text.split(separator: "\n", omittingEmptySubsequences: false)
                    .map { $0.hasPrefix("session_key:") ? "session_key: \(folder)/session.pem" : String($0) }
                    .joined(separator: "\n")
            }
            #expect(result.status == 78, "\(result)")
            #expect(result.errors.contains("chmod 600"), "\(result)")
        }
    }

    @Test func plainHTTPOffLoopbackIsRefused() async throws {
        let result = try await check { text in
            text.split(separator: "\n", omittingEmptySubsequences: false)
                .map { $0.hasPrefix("listen:") ? "listen: 0.0.0.0:8080" : String($0) }.joined(separator: "\n")
        }
        #expect(result.status == 78, "\(result)")
        #expect(result.errors.contains("tls"), "\(result)")
    }

    @Test func everyProblemOfAPolicyIsSaidAtOnce() async throws {
        try await withScratchFolder { folder in
            try writeFile(
                "\(folder)/policy.yaml",
                "rules:\n  - name: a\n    effect: maybe\n    groups: [nosource]\n    clusters: any\n    bogus: 1\n",
                mode: 0o644)
            let result = try await sallyd(["config", "check", "--for", "policy", "--config", "\(folder)/policy.yaml"])
            #expect(result.status == 78, "\(result)")
            for word in ["maybe", "nosource", "bogus", "partitions"] {
                #expect(result.errors.contains(word), "\(word) is not named: \(result)")
            }
        }
    }

    @Test func initWritesASetThatOnlyLacksItsSecrets() async throws {
        try await withScratchFolder { folder in
            let made = [
                "config", "init", "--slurmrestd", "unix:/run/s", "--issuer", "https://id.example.org", "--folder",
                folder,
            ]
            #expect(try await sallyd(made).status == 0)
            #expect(permissions(of: "\(folder)/session.key") == 0o600)
            let check = ["config", "check", "--config", "\(folder)/sallyd.yaml"]
            let lacking = try await sallyd(check)
            #expect(lacking.status == 78 && lacking.errors.contains("client-secret"), "\(lacking)")
            try writeFile("\(folder)/client-secret", "secret\n")
            let complete = try await sallyd(check)
            #expect(complete.status == 0, "\(complete)")
            let again = try await sallyd(made)
            #expect(again.status == 5 && again.errors.contains("nothing was written"), "\(again)")
        }
    }

    @Test func everyHopOfTheStackIsGood() async throws {
        let stack = try Stack.required()
        let command = ["config", "check", "--config", "\(stack.state)/etc/gateway.yaml", "--live", "--json"]
        func live() async throws -> ProgramResult {
            guard let user = variable("SALLYPORT_TEST_SERVE_USER") else { return try await sallyd(command) }
            return try await runProgram(
                "/usr/bin/setpriv",
                ["--reuid=\(user)", "--regid=\(user)", "--clear-groups", "\(stack.state)/bin/sallyd"] + command,
                environment: ["PATH": "/usr/bin:/bin"])
        }
        var result = try await live()
        if result.status != 0 {
            // On a busy machine a hop may answer too late.
            try await eventually("every hop is good, other than in \(result)") {
                result = try await live()
                return result.status == 0
            }
        }
        #expect(result.status == 0, "\(result)")
        #expect(result.output.contains("\"good\": true"), "\(result)")
        #expect(!result.output.contains("\"good\": false"), "\(result)")
        for cluster in Stack.clusters {
            #expect(result.output.contains("\"cluster \(cluster), slurm_name\""), "\(result)")
        }
        #expect(result.output.contains("ClusterName is it13"), "\(result)")
        // Its slurmrestd does not say ClusterName.
        #expect(result.output.contains("it12 is not compared"), "\(result)")
    }
}

/// `sallyd admin`, which needs neither a provider nor a session.
@Suite(
    .enabled(if: Stack.current != nil, Stack.skipped),
    .enabled(if: variable("SALLYPORT_TEST_SERVE_USER") != nil, "not root"))
struct LocalAdministrationTests {
    private func admin(_ arguments: [String], as user: String? = nil) async throws -> ProgramResult {
        let stack = try Stack.required()
        let command =
            ["\(stack.state)/bin/sallyd", "admin"] + arguments + ["--socket", "\(stack.state)/run/serve/admin.sock"]
        let prefix = user.map { ["/usr/bin/setpriv", "--reuid=\($0)", "--regid=\($0)", "--clear-groups"] } ?? []
        let whole = prefix + command
        return try await runProgram(whole[0], Array(whole.dropFirst()), environment: ["PATH": "/usr/bin:/bin"])
    }

    @Test func rootGrantsAndWithdrawsAndItIsAudited() async throws {
        let stack = try Stack.required()
        #expect(try await admin(["grant", "carol"]).status == 0)
        #expect(try await stack.sally("carol", ["admin", "identities"]).status == 0)
        #expect(try await admin(["withdraw", "carol"]).status == 0)
        #expect(try await stack.sally("carol", ["admin", "identities"]).status == 2)
        let audit = try await admin(["audit", "--limit", "1000"])
        #expect(audit.output.contains("local:0") && audit.output.contains("admin.grant"), "\(audit)")
        #expect(try await admin(["audit", "verify"]).status == 0)
    }

    @Test func nobodyElseReachesTheSocket() async throws {
        let result = try await admin(["identities"], as: "65534")
        #expect(result.status == 69 || result.status == 2, "\(result)")
        #expect(!result.output.contains("alice"))
    }

    @Test func aKeeperDoesNotStartAsItsOwnPeer() async throws {
        let stack = try Stack.required()
        try await withScratchFolder { folder in
            let text = try await runProgram("/usr/bin/cat", ["\(stack.state)/etc/steward.yaml"]).output
                .replacing("peer: sally-serve", with: "peer: root").replacing(stack.state + "/run", with: folder)
                .replacing(stack.state + "/steward/state", with: folder + "/state")
            try writeFile("\(folder)/steward.yaml", text, mode: 0o644)
            let result = try await runProgram(
                "/usr/bin/timeout",
                ["20", "\(stack.state)/bin/sallyd", "steward", "--config", "\(folder)/steward.yaml"],
                environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
            #expect(result.status == 78, "\(result)")
            #expect(result.errors.contains("single_user"), "\(result)")
        }
    }
}
