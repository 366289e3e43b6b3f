// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import StrictJSON
import Testing

/// A limit of Slurm's own, set behind the gateway's back on the association of somebody who submits nothing elsewhere.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct AssociationLimitTests {
    private static let person = "dana"

    /// Slurm says 2050 and no more; the hint names the limit, at first and whenever the key comes back.
    @Test(arguments: Stack.clusters)
    func theLimitIsNamed(_ cluster: String) async throws {
        let stack = try Stack.required()
        let name = "limited-\(stack.port)"
        // The association exists from here on, and one job counts.
        _ = try await stack.submit(
            Self.person, cluster, ["--begin=now+1hour", "--time=1", "-J", name], script: "#!/bin/bash\ntrue\n")
        #expect(try await limit(cluster, stack).isEmpty)
        do {
            try await set("1", cluster, stack)
            try await hearsOfIt(cluster, name, stack)
        } catch {
            try await putBack(cluster, name, stack)
            throw error
        }
        try await putBack(cluster, name, stack)
        #expect(try await limit(cluster, stack).isEmpty)
    }

    private func hearsOfIt(_ cluster: String, _ name: String, _ stack: Stack) async throws {
        let token = try await stack.token(Self.person)
        let path = "/v1/clusters/\(cluster)/jobs"
        let body = ##"{"job_name":"\##(name)","script":"#!/bin/bash\ntrue\n","begin":"now+1hour","time":"1"}"##
        func submit(_ key: String) async throws -> Answer {
            try await stack.request("POST", path, token: token, headers: ["Idempotency-Key: \(key)"], body: body)
        }
        var key = ""
        var first = Answer(status: 0, body: "")
        var tries = 0
        // slurmctld may hear of it a moment later, and associations are read at most every 15 seconds.
        try await eventually("the limit is named") {
            tries += 1
            key = "\(name)-\(cluster)-0123456789-\(tries)"
            first = try await submit(key)
            return first.body.contains("MaxSubmitJobs")
        }
        let problem = try JSONValue(parsing: first.body)
        #expect(first.status == 422 && problem["slurm"]?["number"]?.integer() == 2050, "\(first)")
        #expect(
            problem["hint"]?.string?.hasPrefix(
                "one of these is reached: MaxSubmitJobs=1 of your association with account research") == true,
            "\(first)")
        var front = Answer(status: 0, body: "")
        // Limits that are not read within seconds are not named.
        try await eventually("the limit is named to a client of slurmrestd") {
            front = try await stack.request(
                "POST", "/clusters/\(cluster)/slurm/v0.0.42/job/submit", token: token,
                body: FrontText.submission("#!/bin/bash\ntrue\n", [("name", .string(name))]))
            return front.status != 422 || front.body.contains("MaxSubmitJobs")
        }
        #expect(front.status == 422 && front.body.contains("MaxSubmitJobs=1"), "\(front)")
        #expect(try JSONValue(parsing: front.body)["errors"]?.array?.first?["error_number"]?.integer() == 2050)
        // The answer to this key stays, also when the limit goes.
        try await set("-1", cluster, stack)
        let again = try await submit(key)
        let repeated = try JSONValue(parsing: again.body)
        #expect(again.status == first.status, "\(again)")
        for member in ["type", "code", "detail", "hint", "slurm"] { #expect(repeated[member] == problem[member]) }
        try await eventually("a job is taken again") {
            tries += 1
            return try await submit("\(name)-\(cluster)-0123456789-\(tries)").status == 201
        }
    }

    private func set(_ limit: String, _ cluster: String, _ stack: Stack) async throws {
        let result = try await stack.onNode(
            cluster, "master", ["sacctmgr", "-i", "modify", "user", Self.person, "set", "MaxSubmitJobs=\(limit)"])
        guard result.status == 0 else { throw Failure("MaxSubmitJobs is not set: \(result)") }
    }

    private func limit(_ cluster: String, _ stack: Stack) async throws -> String {
        let shown = try await stack.asked(
            cluster, ["sacctmgr", "-n", "-P", "show", "assoc", "user=\(Self.person)", "format=MaxSubmitJobs"])
        return shown.output.filter { !$0.isWhitespace }
    }

    private func putBack(_ cluster: String, _ name: String, _ stack: Stack) async throws {
        try await set("-1", cluster, stack)
        _ = try await stack.onNode(cluster, "master", ["scancel", "--user", Self.person, "--name", name])
    }
}
