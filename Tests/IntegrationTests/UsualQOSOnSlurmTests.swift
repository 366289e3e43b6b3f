// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// The QOS of a job that names none, on real Slurm, and that the gateway knows which it is. The account is the one of every
/// other test: this suite runs by itself.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct UsualQOSOnSlurmTests {
    private static let qos = "it-usual"
    private static let account = ["modify", "account", "research", "set"]

    /// First `normal`, where nobody set anything; then the default of the account. No rule permits a QOS by name, so that a job
    /// by another one is not changed.
    @Test(arguments: Stack.clusters) func whatAJobTakesIsKnown(_ cluster: String) async throws {
        let stack = try Stack.required()
        let options = ["--begin=now+1hour", "--time=5"]
        let first = try await stack.submit("alice", cluster, options, script: "#!/bin/sh\ntrue\n")
        #expect(try await qos(of: first, cluster, stack) == "normal")
        // Lists of accounting are kept for some seconds.
        try await eventually("the default of \(cluster) is known") { try await changes(first, cluster, stack) == 200 }
        var jobs = [first]
        do {
            try await sacctmgr(["add", "qos", Self.qos], cluster, stack)
            try await sacctmgr(Self.account + ["qos+=\(Self.qos)"], cluster, stack)
            try await sacctmgr(Self.account + ["defaultqos=\(Self.qos)"], cluster, stack)
            let second = try await stack.submit("alice", cluster, options, script: "#!/bin/sh\ntrue\n")
            jobs.append(second)
            #expect(try await qos(of: second, cluster, stack) == Self.qos)
            try await eventually("the new default of \(cluster) is known") {
                try await changes(second, cluster, stack) == 200
            }
            #expect(try await changes(first, cluster, stack) == 403)
        } catch {
            try await restore(jobs, cluster, stack)
            throw error
        }
        try await restore(jobs, cluster, stack)
    }

    private func changes(_ job: String, _ cluster: String, _ stack: Stack) async throws -> Int {
        try await stack.request(
            "POST", "/clusters/\(cluster)/slurm/v0.0.42/job/\(job)", token: try await stack.token("alice"),
            body: #"{"comment": "changed"}"#
        ).status
    }

    private func qos(of job: String, _ cluster: String, _ stack: Stack) async throws -> String? {
        let shown = try await stack.asked(cluster, ["scontrol", "-o", "show", "job", job])
        return shown.output.split(separator: " ").first { $0.hasPrefix("QOS=") }.map { String($0.dropFirst(4)) }
    }

    private func sacctmgr(_ arguments: [String], _ cluster: String, _ stack: Stack) async throws {
        let result = try await stack.onNode(cluster, "master", ["sacctmgr", "--immediate"] + arguments)
        guard result.status == 0 else { throw Failure("sacctmgr \(arguments) on \(cluster): \(result)") }
    }

    private func restore(_ jobs: [String], _ cluster: String, _ stack: Stack) async throws {
        _ = try await stack.onNode(cluster, "master", ["scancel"] + jobs)
        try await sacctmgr(Self.account + ["defaultqos=-1"], cluster, stack)
        try await sacctmgr(Self.account + ["qos-=\(Self.qos)"], cluster, stack)
        try await sacctmgr(["delete", "qos", Self.qos], cluster, stack)
    }
}
