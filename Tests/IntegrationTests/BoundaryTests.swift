// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// What the OS user of `serve` can reach, tried as that user.
@Suite(
    .enabled(if: Stack.current != nil, Stack.skipped),
    .enabled(if: variable("SALLYPORT_TEST_SERVE_USER") != nil, "not root: all daemons run as one user"), .serialized)
struct BoundaryTests {
    private func asServe(_ command: String) async throws -> ProgramResult {
        let user = try #require(variable("SALLYPORT_TEST_SERVE_USER"))
        return try await runProgram(
            "/usr/bin/setpriv",
            ["--reuid=\(user)", "--regid=\(user)", "--clear-groups", "--no-new-privs", "/bin/sh", "-c", command],
            environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
    }

    @Test func serveReadsNoKey() async throws {
        let stack = try Stack.required()
        let keys = try await runProgram(
            "/usr/bin/find", ["\(stack.state)/clusters", "\(stack.state)/signer", "-type", "f", "-name", "*.*"])
        let secrets = keys.output.split(separator: "\n").filter { $0.contains("key") || $0.contains(".pem") }
        #expect(secrets.count >= 2, "\(keys)")
        for path in secrets {
            let result = try await asServe("cat '\(path)' >/dev/null")
            #expect(result.status != 0, "serve reads \(path)")
        }
        for folder in ["signer", "steward", "log"] {
            #expect(try await asServe("ls '\(stack.state)/\(folder)'").status != 0, "serve lists \(folder)")
        }
    }

    @Test func serveReachesNeitherPodmanNorRoot() async throws {
        #expect(try await asServe("cat /run/podman/podman.sock; exec 3<>/run/podman/podman.sock").status != 0)
        #expect(try await asServe("sudo -n true").status != 0)
        #expect(
            try await asServe("cat /root/.ssh/id_ed25519 /root/.ssh/id_rsa /etc/ssh/ssh_host_ed25519_key").status != 0)
        #expect(try await asServe("cat /etc/shadow").status != 0)
        let containers = try await asServe("podman ps -q --filter label=sallyport 2>/dev/null")
        #expect(containers.output.isEmpty, "\(containers)")
    }

    @Test func administrationSocketsAreClosedToServe() async throws {
        let stack = try Stack.required()
        for socket in ["signer/admin.sock", "signer/steward.sock", "steward/admin.sock"] {
            let result = try await asServe("curl -sS -m 5 --unix-socket '\(stack.state)/run/\(socket)' http://x/")
            #expect(result.status != 0, "\(socket): \(result)")
        }
    }

    @Test func noSecretIsInAProcessListLogOrEnvironment() async throws {
        let stack = try Stack.required()
        let token = try await stack.token("alice")
        let signature = String(token.split(separator: ".").last ?? "")
        #expect(signature.count > 40)
        // The first part of a token, with its point: numbers of requests may begin so too.
        let patterns = ["\(signature)\n", "eyJ[A-Za-z0-9_-]{12,}\\.\n"]
        for (pattern, what) in zip(patterns, ["the signature of a session", "a JWT"]) {
            // Logs may be larger than what is taken from a program; grep says 1 where there is nothing.
            let found = try await runProgram(
                "/bin/sh", ["-c", "exec grep -ahE -m 5 -f - '\(stack.state)'/log/*.log"], input: pattern)
            #expect(found.status == 1 && found.output.isEmpty, "\(what) in a log: \(found)")
        }
        let job = try await stack.sally(
            "alice", ["submit", "-M", "it12", "--follow", "--time=1"], input: "#!/bin/bash\nenv\n")
        #expect(job.status == 0)
        #expect(!job.output.contains("eyJ"))
        #expect(!job.output.contains("SLURM_JWT"))
    }
}
