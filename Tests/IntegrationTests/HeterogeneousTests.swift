// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import StrictJSON
import Testing

/// Heterogeneous jobs, which the gateway takes from nobody and which are in the queue all the same.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct HeterogeneousTests {
    /// Its components are told by their own numbers: one such job does not make the gateway read everybody's each time.
    @Test func aHeterogeneousJobIsReadByItsStates() async throws {
        let stack = try Stack.required()
        let cluster = "it13"
        let name = "het-\(stack.port)"
        // Whoever never submitted has no account on the cluster yet.
        let other = try await stack.submit(
            "alice", cluster, ["--begin=now+1hour", "--time=1", "-J", name], script: Stack.script)
        try await stack.withBrokenReplica("het", cluster) { _ in
        } body: { replica, proxy in
            let submitted = try await stack.onNode(
                cluster, "master",
                [
                    "sh", "-c",
                    """
                    printf '#!/bin/sh\\ntrue\\n' >/tmp/\(name) && chmod 755 /tmp/\(name) && cd /tmp && runuser -u alice -- \
                    sbatch --parsable --begin=now+1hour --time=1 -n1 -J \(name) : --begin=now+1hour -n1 -J \(name) /tmp/\(name)
                    """,
                ])
            let id = submitted.output.prefix { $0.isNumber }
            let job = try #require(Int(id), "\(submitted)")
            let token = try await stack.token("alice")
            func state(_ component: Int) async throws -> String? {
                let shown = try await replica.request(
                    "GET", "/clusters/\(cluster)/slurm/v0.0.42/job/\(job)+\(component)", token: token)
                let found = try JSONValue(parsing: shown.body)["jobs"]?.array?.first
                return found?["job_id"]?.integer() == job + component
                    ? found?["job_state"]?.array?.first?.string : nil
            }
            for component in [0, 1] {
                try await eventually("component \(component) is shown") { try await state(component) == "PENDING" }
            }
            func states() -> Int { proxy.count { $0.contains("/jobs/state") } }
            func lists() -> Int {
                proxy.count { $0.hasPrefix("GET") && ($0.contains("/jobs ") || $0.contains("/jobs?")) }
            }
            let (statesBefore, listsBefore) = (states(), lists())
            try await eventually("states are read again and again") { states() >= statesBefore + 20 }
            #expect((lists() - listsBefore) * 2 <= 20, "\(lists() - listsBefore) lists")
            _ = try await stack.onNode(cluster, "master", ["scancel", "\(job)"])
            for component in [0, 1] {
                try await eventually("the end of component \(component) is shown") {
                    try await state(component) == "CANCELLED"
                }
            }
            _ = try await stack.onNode(cluster, "master", ["rm", "/tmp/\(name)"])
        }
        _ = try await stack.onNode(cluster, "master", ["scancel", other])
    }
}
