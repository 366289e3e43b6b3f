// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import StrictJSON
import Testing

/// slurmrestd's paths in front of real clusters: clients of slurmrestd as they are published, and the examples of
/// docs/api.md.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct FrontOnSlurmTests {
    private static let versions = ["v0.0.40", "v0.0.41", "v0.0.42", "v0.0.43", "v0.0.44"]

    struct Run: Sendable, CustomTestStringConvertible {
        var client: String
        var version: String
        var cluster: String
        var testDescription: String { "\(client) \(version) on \(cluster)" }
    }

    private static let runs: [Run] = Stack.clusters.flatMap { cluster in
        [
            ("aind", ["v0.0.40", "v0.0.41"]), ("slurmrestapi", ["v0.0.41", "v0.0.42", "v0.0.43", "v0.0.44"]),
            ("slurm-requests", ["v0.0.42"]),
        ].flatMap { client, versions in
            versions.map { Run(client: client, version: $0, cluster: cluster) }
        }
    }

    /// Pings, submits, lists, gets and cancels a job; each answer goes through the client's own models.
    @Test(arguments: runs)
    func aPublishedClientWorksUnchanged(_ run: Run) async throws {
        let stack = try Stack.required()
        let result = try await stack.drive(
            [run.client, run.version, stack.gateway, "alice", run.cluster], input: try await stack.token("alice"))
        #expect(result.status == 0, "\(result)")
        let seen = try JSONValue(parsing: result.output)
        let job = try #require(seen["job"]?.integer())
        try await stack.waitForState(run.cluster, "\(job)", "CANCELLED")
        let owner = try await stack.onNode(
            run.cluster, "master", ["sacct", "-n", "-X", "-P", "-j", "\(job)", "-o", "User,Partition"])
        #expect(owner.output == "alice|debug\n", "\(owner)")
    }

    /// A client that reads its token anew before every request goes on when the first has expired.
    @Test func aClientOutlivesItsToken() async throws {
        let stack = try Stack.required()
        try await stack.withReplica(
            "front-expiry", url: "http://127.0.0.1:\(stack.port + 4)",
            change: { file, _ in
                file.set("sessions", "{life: 1m}")
                file.set("public_url", "http://127.0.0.1:\(stack.port + 4)")
            },
            { replica in
                let contexts = ["SALLY_CONFIG_DIR": "\(replica.folder)/own"]
                let signedIn = try await stack.signIn("alice", context: "alice", at: replica.url, with: contexts)
                #expect(signedIn.status == 0, "\(signedIn)")
                let result = try await stack.drive(
                    [
                        "expiry", "v0.0.43", replica.url, "alice", "it13", "\(stack.state)/bin/sally", "token",
                    ], with: contexts.merging(["SALLY_CONTEXT": "alice"]) { $1 })
                #expect(result.status == 0, "\(result)")
                let seen = try JSONValue(parsing: result.output)
                #expect((seen["tokens"]?.integer() ?? 0) > 1, "\(result)")
            })
    }

    /// Every version tells the same of one job, and somebody else is told nothing of it.
    @Test(arguments: Stack.clusters)
    func everyVersionTellsTheSame(_ cluster: String) async throws {
        let stack = try Stack.required()
        let job = try await stack.submit(
            "alice", cluster, ["--begin=now+1hour", "--time=7", "--comment=mine", "--job-name=same"],
            script: "#!/bin/sh\nhostname\n")
        let (alice, bob) = (try await stack.token("alice"), try await stack.token("bob"))
        for version in Self.versions {
            let path = "/clusters/\(cluster)/slurm/\(version)"
            var found: JSONValue?
            try await eventually("\(version) has the whole job") {
                let answer = try await stack.request("GET", "\(path)/job/\(job)/", token: alice)
                found = try JSONValue(parsing: answer.body)["jobs"]?.array?.first
                return found?["time_limit"]?["number"]?.integer() == 7
            }
            #expect(
                found?["name"]?.string == "same" && found?["comment"]?.string == "mine", "\(version): \(found ?? .null)"
            )
            #expect(found?["job_state"]?.array?.first?.string == "PENDING")
            #expect(found?["user_name"]?.string == "alice" && found?["partition"]?.string == "debug")
            let others = try await stack.request("GET", "\(path)/job/\(job)", token: bob)
            #expect(others.status == 404 && others.body.contains("2017"), "\(others)")
            let list = try await stack.request("GET", "\(path)/jobs", token: bob)
            #expect(list.status == 200 && !list.body.contains("\"job_id\":\(job),"), "\(list)")
            let cancel = try await stack.request("DELETE", "\(path)/job/\(job)", token: bob)
            #expect(cancel.status == 404, "\(cancel)")
        }
        let ended = try await stack.request(
            "DELETE", "/clusters/\(cluster)/slurm/v0.0.42/jobs/", token: alice,
            body: #"{"jobs": ["\#(job)", "4000000"]}"#)
        #expect(ended.status == 200 && ended.body.contains("\"code\":2017"), "\(ended)")
        try await stack.waitForState(cluster, job, "CANCELLED")
    }

    /// A change reaches Slurm as it was said and nothing else; what policy would not let the job become does not.
    @Test(arguments: Stack.clusters)
    func anUpdateIsJudgedAndReachesSlurm(_ cluster: String) async throws {
        let stack = try Stack.required()
        let job = try await stack.submit(
            "alice", cluster, ["--begin=now+1hour", "--time=7", "--comment=mine"], script: "#!/bin/sh\nhostname\n")
        let token = try await stack.token("alice")
        let path = "/clusters/\(cluster)/slurm/v0.0.42/job/\(job)"
        let changed = try await stack.request("POST", path, token: token, body: #"{"comment": "changed", "nice": 5}"#)
        #expect(changed.status == 200, "\(changed)")
        let refused = try await stack.request("POST", path, token: token, body: #"{"partition": "gpu"}"#)
        #expect(refused.status == 403, "\(refused)")
        let others = try await stack.request(
            "POST", path, token: try await stack.token("bob"), body: #"{"comment": "bob"}"#)
        #expect(others.status == 404, "\(others)")
        let shown = try await stack.onNode(cluster, "master", ["scontrol", "-o", "show", "job", job])
        #expect(shown.output.contains("Comment=changed sallyport:"), "\(shown)")
        #expect(shown.output.contains("Partition=debug ") && shown.output.contains("Nice=5 "), "\(shown)")
        let seen = try await stack.request("GET", path, token: token)
        #expect(seen.status == 200 && !seen.body.contains("sallyport:"), "\(seen)")
        let ended = try await stack.request("DELETE", path, token: token)
        #expect(ended.status == 200, "\(ended)")
    }

    /// Accounting shows everything to everybody; through the gateway it is one's own.
    @Test(arguments: Stack.clusters)
    func accountingIsCutToOnesOwn(_ cluster: String) async throws {
        let stack = try Stack.required()
        // Whoever never submitted has no account on the cluster yet.
        for user in ["alice", "bob"] {
            let job = try await stack.submit(user, cluster, ["--time=5"], script: "#!/bin/sh\ntrue\n")
            try await stack.waitForState(cluster, job, "COMPLETED")
        }
        let token = try await stack.token("alice")
        for version in Self.versions {
            let path = "/clusters/\(cluster)/slurmdb/\(version)"
            try await eventually("accounting has a job") {
                let jobs = try await stack.request("GET", "\(path)/jobs/?users=alice", token: token)
                return jobs.status == 200 && jobs.body.contains("\"user\":\"alice\"")
            }
            for noun in ["jobs", "users", "associations", "accounts", "qos", "user/alice"] {
                let answer = try await stack.request("GET", "\(path)/\(noun)", token: token)
                #expect(answer.status == 200, "\(version) \(noun): \(answer)")
                #expect(!answer.body.contains("\"bob\"") && !answer.body.contains("\"carol\""), "\(noun): \(answer)")
            }
            #expect(try await stack.request("GET", "\(path)/user/bob", token: token).status == 404)
            #expect(try await stack.request("GET", "\(path)/jobs?users=bob", token: token).status == 403)
        }
    }

    @Test(arguments: Stack.clusters)
    func theExamplesOfTheDocumentationWork(_ cluster: String) async throws {
        let stack = try Stack.required()
        let page = try await runProgram("/bin/cat", ["\(stack.root)/docs/api.md"]).output
        let examples = Self.examples(page)
        #expect(examples.count >= 10)
        try await withScratchFolder { folder in
            var script = "set -euo pipefail\ncd '\(folder)'\n"
            for (place, example) in examples.enumerated() {
                script += "{\n\(example.command)} > 'output-\(place)'\n"
            }
            try writeFile("\(folder)/examples", script)
            let result = try await stack.run(
                "/bin/bash", ["\(folder)/examples"],
                with: ["GATEWAY": stack.gateway, "CLUSTER": cluster, "SALLY_CONTEXT": "alice"])
            #expect(result.status == 0, "\(result)")
            for (place, example) in examples.enumerated() {
                let output = try await runProgram("/bin/cat", ["\(folder)/output-\(place)"]).output
                #expect(output == example.output, "\(example.command)")
            }
        }
    }

    private struct Example {
        var command: String
        var output: String
    }

    /// The `sh` blocks of a page and the `text` block after each.
    private static func examples(_ page: String) -> [Example] {
        var found: [Example] = []
        var kind: Substring?
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                kind = kind == nil ? line.dropFirst(3) : nil
                if kind == "sh" { found.append(Example(command: "", output: "")) }
            } else if kind == "sh" {
                found[found.count - 1].command += "\(line)\n"
            } else if kind == "text", !found.isEmpty {
                found[found.count - 1].output += "\(line)\n"
            }
        }
        return found
    }
}

extension Stack {
    /// Runs scripts/front.d/drive.py among the clients that scripts/test-integration installed.
    fileprivate func drive(
        _ arguments: [String], input: String = "", with extra: [String: String] = [:]
    ) async throws -> ProgramResult {
        guard let python = variable("SALLYPORT_FRONT_PYTHON") else { throw Failure("no SALLYPORT_FRONT_PYTHON") }
        return try await run(
            python, ["-I", "-B", "\(root)/scripts/front.d/drive.py"] + arguments, input: input, with: extra)
    }
}
