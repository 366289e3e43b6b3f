// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyTestSupport
import Testing

/// `serve` behind a certificate that is made here and replaced while it runs.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct TLSTests {
    @Test func aPersonSignsInAndWorksAndTheCertificateIsReplacedMeanwhile() async throws {
        let stack = try Stack.required()
        try await withTLS("tls") { replica in
            let files = replica.folder
            // A person with a site's own CA.
            let untrusted = try await replica.sally("alice", ["whoami"])
            #expect(untrusted.status == 69 && untrusted.errors.contains("--ca-file"), "\(untrusted)")
            let own = ["SALLY_CONFIG_DIR": "\(files)/own", "SALLY_CA": "\(files)/first-ca.pem"]
            let signedIn = try await stack.signIn(
                "alice", context: "tls", at: replica.url, ["--ca-file", "\(files)/first-ca.pem"], with: own)
            #expect(signedIn.status == 0, "\(signedIn)")
            let job = try await stack.sally(
                "tls", ["submit", "-M", "it12", "--follow", "--time=1"], input: "#!/bin/bash\nid -un\n",
                with: own)
            #expect(job.status == 0 && job.output.contains("alice"), "\(job)")

            // Trusts the first CA alone: once the second certificate is served, only its old connection can still work.
            let old = try AsyncHTTPExchange(
                gateway: GatewayAddress(replica.url), caFile: "\(files)/first-ca.pem")
            func works() async throws -> Bool { try await old.perform(WireRequest(.get, "/healthz")).status == 200 }
            #expect(try await works())

            for broken in Broken.allCases {
                try await broken.place(files, stack)
                try await replica.reload()
                try await eventually("the log tells of \(broken)") {
                    try await replica.log().contains(broken.word)
                }
                #expect(try await reaches(replica, "first-ca.pem"), "the old certificate is gone after \(broken)")
                // The program gives up a connection that it has not used for a minute.
                #expect(try await works(), "a connection was dropped after \(broken)")
            }

            try await install("second", files, stack)
            #expect(try await works())
            try await replica.reload()
            try await eventually("the new certificate is served") {
                _ = try await works()
                return try await reaches(replica, "second-ca.pem")
            }
            #expect(try await !reaches(replica, "first-ca.pem"), "new connections get the old certificate")
            #expect(try await works(), "a connection was dropped")
            await old.close()
            #expect(try await replica.log().contains("certificate reloaded"))
        }
    }

    @Test func aKeyThatOthersCanReadIsRefused() async throws {
        let stack = try Stack.required()
        try await withScratchFolder { folder in
            try await TestAuthority.make("first", in: folder)
            var file = GatewayText(try await runProgram("/bin/cat", ["\(stack.state)/etc/gateway.yaml"]).output)
            file.set("tls", "{certificate: \(folder)/first.pem, key: \(folder)/first.key}")
            try writeFile("\(folder)/gateway.yaml", file.text, mode: 0o644)
            let chmod = try await runProgram("/bin/chmod", ["644", "\(folder)/first.key"])
            #expect(chmod.status == 0)
            let result = try await runProgram(
                "\(stack.state)/bin/sallyd", ["serve", "--config", "\(folder)/gateway.yaml"],
                environment: ["PATH": "/usr/bin:/bin"])
            #expect(result.status == 78, "\(result)")
            #expect(result.errors.contains("first.key") && result.errors.contains("chmod 600"), "\(result)")
        }
    }

    @Test func plainHTTPGetsNoAnswer() async throws {
        try await withTLS("tls-plain") { replica in
            let plain = try await runProgram(
                "/usr/bin/curl",
                ["-sS", "-m", "20", "http://\(replica.url.dropFirst("https://".count))/healthz"])
            #expect(plain.status != 0 && !plain.output.contains("ok"), "\(plain)")
            let ancient = try await runProgram(
                "/usr/bin/curl",
                [
                    "-sS", "-m", "20", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0", "--cacert",
                    "\(replica.folder)/first-ca.pem", "\(replica.url)/healthz",
                ])
            #expect(ancient.status != 0 && !ancient.output.contains("ok"), "TLS 1.1 is taken: \(ancient)")
        }
    }

    /// What may lie where a certificate belongs, and what the log says of it.
    private enum Broken: CaseIterable {
        case junk
        case otherKey
        case openKey

        var word: String {
            switch self {
            case .junk: "certificate not reloaded, the old one stays"
            case .otherKey: "does not match the public key"
            case .openKey: "can be read by others"
            }
        }

        func place(_ folder: String, _ stack: Stack) async throws {
            switch self {
            case .junk: try writeFile("\(folder)/served.pem", "no certificate\n", mode: 0o644)
            case .otherKey:
                let copied = try await runProgram("/bin/cp", ["\(folder)/second.pem", "\(folder)/served.pem"])
                #expect(copied.status == 0)
            case .openKey:
                let opened = try await runProgram("/bin/chmod", ["644", "\(folder)/served.key"])
                #expect(opened.status == 0)
            }
        }
    }

    private func reaches(_ replica: Replica, _ authority: String) async throws -> Bool {
        try await runProgram(
            "/usr/bin/curl",
            ["-sS", "-m", "20", "--cacert", "\(replica.folder)/\(authority)", "\(replica.url)/healthz"]
        ).output == "ok\n"
    }

    /// Two authorities with a certificate each; the first one is served.
    private func withTLS(_ name: String, _ body: (Replica) async throws -> Void) async throws {
        let stack = try Stack.required()
        // The one address that the provider sends browsers back to over TLS.
        try await stack.withReplica(
            name, url: "https://127.0.0.1:\(stack.port + 2)",
            change: { file, folder in
                for name in ["first", "second"] { try await TestAuthority.make(name, in: folder) }
                try await install("first", folder, stack)
                file.set("tls", "{certificate: \(folder)/served.pem, key: \(folder)/served.key}")
                file.set("public_url", "https://127.0.0.1:\(stack.port + 2)")
            }, body)
    }

    private func install(_ name: String, _ folder: String, _ stack: Stack) async throws {
        let key = try await runProgram("/bin/cat", ["\(folder)/\(name).key"]).output
        try await stack.writePrivate("\(folder)/served.key", key)
        let copied = try await runProgram(
            "/usr/bin/install", ["-m", "644", "\(folder)/\(name).pem", "\(folder)/served.pem"])
        guard copied.status == 0 else { throw Failure("\(copied)") }
    }
}
