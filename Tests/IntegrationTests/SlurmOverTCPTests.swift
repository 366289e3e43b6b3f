// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Real slurmrestd daemons that listen on TCP in their cluster's network, plain and behind a TLS proxy with a certificate of a site's
/// own authority; and a pinned version of the API.
@Suite(
    .enabled(if: Stack.current != nil, Stack.skipped),
    .enabled(if: variable("SALLYPORT_TEST_SERVE_USER") != nil, "not root: containers have no address to reach"))
struct SlurmOverTCPTests {
    @Test(arguments: Stack.clusters)
    func plainAndPinned(_ cluster: String) async throws {
        let stack = try Stack.required()
        try await stack.withSlurmrestd(cluster, onPort: 6820) { address in
            try await stack.withReplica(
                "tcp-\(cluster)",
                change: { file, _ in
                    file.set("slurmrestd", "http://\(address)", cluster: cluster)
                    file.set("api_version", Stack.version(of: cluster), cluster: cluster)
                },
                { replica in
                    try await work(replica, cluster, "tcp")
                    let found = try await versionsFound(replica)
                    #expect(
                        !found.isEmpty && !found.contains { $0.contains(cluster) },
                        "a pinned version was looked for: \(found)")
                })
        }
    }

    @Test(arguments: Stack.clusters)
    func behindTLS(_ cluster: String) async throws {
        let stack = try Stack.required()
        try await stack.withSlurmrestd(cluster, onPort: 6821) { address in
            try await stack.withTLS(before: address) { front, folder in
                try await stack.withReplica(
                    "tls-slurm-\(cluster)",
                    change: { file, _ in
                        file.set("slurmrestd", front, cluster: cluster)
                        file.set("slurmrestd_ca_file", "\(folder)/site-ca.pem", cluster: cluster)
                    },
                    { replica in
                        try await work(replica, cluster, "tls")
                        let found = try await versionsFound(replica)
                        #expect(found.contains { $0.contains(Stack.version(of: cluster)) }, "\(found)")
                    })
                let passed = try await runProgram("/bin/cat", ["\(folder)/access.log"]).output
                #expect(passed.contains("POST /slurm/\(Stack.version(of: cluster))/job/submit"), "\(passed)")
            }
        }
    }

    /// Neither the system's authorities nor another one know the certificate: no request gets through, and so no token.
    @Test(arguments: [nil, "other-ca.pem"])
    func whoseCertificateIsNotTrustedGetsNothing(_ authority: String?) async throws {
        let stack = try Stack.required()
        let cluster = "it13"
        let name = "untrusted-\(stack.port)-\(authority ?? "system")"
        try await stack.withSlurmrestd(cluster, onPort: authority == nil ? 6822 : 6823) { address in
            try await stack.withTLS(before: address) { front, folder in
                try await TestAuthority.make("other", in: folder)
                try await stack.withReplica(
                    name, waitsForReady: false,
                    change: { file, _ in
                        file.set("slurmrestd", front, cluster: cluster)
                        if let authority {
                            file.set("slurmrestd_ca_file", "\(folder)/\(authority)", cluster: cluster)
                        }
                    },
                    { replica in
                        try await eventually("\(cluster) is missing") {
                            let ready = try await replica.request("GET", "/readyz")
                            return ready.status == 503 && ready.body.contains("cluster \(cluster) does not answer")
                        }
                        let failed = try await replica.sally("bob", submission(cluster, name))
                        #expect(failed.status == 69 && failed.output.isEmpty, "\(failed)")
                        #expect(try await replica.log().contains("no secure connection"))
                    })
                let passed = try await runProgram("/bin/cat", ["\(folder)/access.log"])
                #expect(passed.status == 0 && passed.output.isEmpty, "\(passed)")
                #expect(try await stack.jobs(cluster, named: name) == [])
            }
        }
    }

    /// A version that is pinned and not served is said to be missing; no other one is taken for it.
    @Test(arguments: Stack.clusters)
    func aPinnedVersionThatIsNotServedIsNotReplaced(_ cluster: String) async throws {
        let stack = try Stack.required()
        let name = "pinned-\(stack.port)-\(cluster)"
        try await stack.withReplica(
            name, waitsForReady: false,
            change: { file, _ in file.set("api_version", "v0.0.45", cluster: cluster) },
            { replica in
                try await eventually("\(cluster) alone is missing") {
                    let ready = try await replica.request("GET", "/readyz")
                    return ready.status == 503 && ready.body.contains("\"name\":\"\(cluster)\",\"ready\":false")
                        && ready.body.contains("\"name\":\"\(Stack.other(than: cluster))\",\"ready\":true")
                }
                let failed = try await replica.sally("bob", submission(cluster, name))
                #expect(failed.status != 0 && failed.output.isEmpty, "\(failed)")
                #expect(try await stack.jobs(cluster, named: name) == [])
                let found = try await versionsFound(replica)
                #expect(!found.contains { $0.contains(cluster) }, "\(found)")
            })
    }

    private func versionsFound(_ replica: Replica) async throws -> [Substring] {
        try await replica.log().split(separator: "\n").filter { $0.contains("API version found") }
    }

    private func submission(_ cluster: String, _ name: String) -> [String] {
        ["submit", "-M", cluster, "-J", name, "--begin=now+1hour", "--time=7", "--wrap", "true"]
    }

    /// Every kind of request: reads, a submission, a change, a cancel, accounting.
    private func work(_ replica: Replica, _ cluster: String, _ word: String) async throws {
        let stack = replica.stack
        let name = "\(word)-\(stack.port)-\(cluster)"
        let nodes = try await replica.sally("bob", ["nodes", "-M", cluster])
        #expect(nodes.status == 0 && nodes.output.contains("node001"), "\(nodes)")
        let submitted = try await replica.sally("bob", submission(cluster, name))
        #expect(submitted.status == 0, "\(submitted)")
        let job = try #require(try await stack.jobs(cluster, named: name).first)
        try await eventually("job \(job) is listed") {
            try await replica.sally("bob", ["jobs", "-M", cluster]).output.contains(job)
        }
        let changed = try await replica.request(
            "POST", "/clusters/\(cluster)/slurm/v0.0.42/job/\(job)", token: try await stack.token("bob"),
            body: #"{"comment": "over TCP"}"#)
        #expect(changed.status == 200, "\(changed)")
        let shown = try await stack.asked(cluster, ["scontrol", "-o", "show", "job", job])
        #expect(shown.output.contains("Comment=over TCP"), "\(shown)")
        let cancelled = try await replica.sally("bob", ["cancel", "-M", cluster, job])
        #expect(cancelled.status == 0, "\(cancelled)")
        try await stack.waitForState(cluster, job, "CANCELLED")
        try await eventually("accounting tells of job \(job)") {
            let all = try await replica.sally("bob", ["jobs", "-M", cluster, "--all"])
            return all.status == 0 && all.output.contains(job)
        }
    }
}

extension Stack {
    /// Runs one more slurmrestd that listens on a port of its container; `body` gets `HOST:PORT` once somebody answers there.
    fileprivate func withSlurmrestd(
        _ cluster: String, onPort port: Int, _ body: (_ address: String) async throws -> Void
    ) async throws {
        let known = try await script("stack", ["address", state, cluster, "master"])
        let host = known.output.filter { !$0.isWhitespace }
        guard known.status == 0, !host.isEmpty else { throw Failure("no address of \(cluster): \(known)") }
        let address = "\(host):\(port)"
        try await withSlurmrestd(cluster, at: address) {
            try await eventually("slurmrestd answers at \(address)") {
                try await runProgram("/usr/bin/curl", ["-sS", "-m", "5", "-o", "/dev/null", "http://\(address)/"])
                    .status == 0
            }
            try await body(address)
        }
    }

    /// Runs nginx with a certificate for 127.0.0.1 before a server; `body` gets its address and its folder, where the authority's
    /// certificate is site-ca.pem and access.log tells of every request that got through.
    fileprivate func withTLS(
        before address: String, _ body: (_ front: String, _ folder: String) async throws -> Void
    ) async throws {
        guard let program = variable("SALLYPORT_TEST_NGINX") else { throw Failure("no nginx: SALLYPORT_TEST_NGINX") }
        try await withScratchFolder { folder in
            try await open(folder)
            try await TestAuthority.make("site", in: folder)
            let port = try await freePort()
            try writeFile("\(folder)/nginx.conf", Stack.tlsProxy(port, before: address, folder), mode: 0o644)
            let started = try await runProgram(
                program, ["-e", "\(folder)/error.log", "-p", folder, "-c", "\(folder)/nginx.conf"],
                environment: ["PATH": "/usr/bin:/bin"])
            guard started.status == 0 else { throw Failure("nginx does not start: \(started)") }
            var found: Int32?
            try await eventually("nginx runs") {
                found = Int32(try await runProgram("/bin/cat", ["\(folder)/nginx.pid"]).output.filter(\.isNumber))
                return found != nil
            }
            let process = try #require(found)
            func end() async throws {
                kill(process, SIGTERM)
                try await eventually("nginx has ended") { kill(process, 0) != 0 }
            }
            do {
                try await body("https://127.0.0.1:\(port)", folder)
            } catch {
                try await end()
                throw error
            }
            try await end()
        }
    }

    private static func tlsProxy(_ port: Int, before address: String, _ folder: String) -> String {
        """
        pid \(folder)/nginx.pid;
        worker_processes 1;
        \(getuid() == 0 ? "user root;" : "")
        events { worker_connections 256; }
        http {
            access_log \(folder)/access.log;
            client_max_body_size 64m;
            client_body_temp_path \(folder)/body; proxy_temp_path \(folder)/proxy; fastcgi_temp_path \(folder)/fastcgi;
            uwsgi_temp_path \(folder)/uwsgi; scgi_temp_path \(folder)/scgi;
            server {
                listen 127.0.0.1:\(port) ssl;
                ssl_certificate \(folder)/site.pem;
                ssl_certificate_key \(folder)/site.key;
                ssl_protocols TLSv1.2 TLSv1.3;
                location / {
                    proxy_pass http://\(address);
                    proxy_http_version 1.1;
                    proxy_set_header Connection "";
                }
            }
        }

        """
    }
}
