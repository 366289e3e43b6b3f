// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// A slurmrestd that leaks, and one of another version: daemons of their own, which no other test uses.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped))
struct OtherSlurmrestdTests {
    /// It grows with what it is asked, and is killed at a limit of memory, six times: people who submit meanwhile get one job each.
    @Test(arguments: Stack.clusters)
    func oneThatGrowsUntilItIsKilledCostsNoJob(_ cluster: String) async throws {
        let stack = try Stack.required()
        let name = "growing-\(stack.port)-\(cluster)"
        let names = (0..<6).map { "\(name)-\($0)" }
        try await stack.withGrowingSlurmrestd(cluster) { socket, limited in
            try await stack.withBrokenReplica(name, cluster) { proxy in
                proxy.replace(upstream: socket)
            } body: { replica, _ in
                _ = try await limited()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for start in 0..<2 {
                        group.addTask {
                            for index in stride(from: start, to: names.count, by: 2) {
                                try await eventually("\(names[index]) is submitted") {
                                    let result = try await replica.sally(
                                        "bob",
                                        [
                                            "submit", "-M", cluster, "-J", names[index], "--begin=now+1hour",
                                            "--time=1", "--wrap", "true",
                                        ])
                                    // 69: nothing was sent. All else has to be a job.
                                    #expect([0, 69].contains(result.status), "\(result)")
                                    return result.status == 0
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let token = try await stack.token("bob")
                try await eventually("it has reached its limit six times") {
                    // Accounting is read for it, however seldom the queue is.
                    _ = try? await replica.request(  // what it is told, and when, does not matter
                        "GET", "/v1/clusters/\(cluster)/jobs/4000000", token: token)
                    return try await limited() == 6
                }
                try await replica.wait(untilReady: true)
            }
        }
        for name in names { try await stack.cancelOnly(cluster, named: name) }
    }

    /// Of Slurm 22.05 only the newest version is spoken. A daemon with an older one alone gets nothing; when it serves the newer
    /// one, it is found.
    @Test func aVersionThatIsNotSpokenGetsNothing() async throws {
        let stack = try Stack.required()
        let (cluster, name) = ("it12", "unspoken-\(stack.port)")
        let own = try await stack.socket(cluster)
        let old = try await stack.socketFolder(cluster) + "/\(name)"
        try await stack.withSlurmrestd(
            cluster, at: "unix:/run/slurmrestd/\(name)", plugins: "-s v0.0.37,dbv0.0.37"
        ) {
            try await eventually("it listens at \(old)") { accepts(old) }
            try await stack.withBrokenReplica(name, cluster, waitsForReady: false) { proxy in
                proxy.replace(upstream: old)
            } body: { replica, proxy in
                let submission = [
                    "submit", "-M", cluster, "-J", name, "--begin=now+1hour", "--time=1", "--wrap", "true",
                ]
                try await eventually("\(cluster) is missing") {
                    let ready = try await replica.request("GET", "/readyz")
                    return ready.status == 503 && ready.body.contains("\"name\":\"\(cluster)\",\"ready\":false")
                }
                let failed = try await replica.sally("bob", submission)
                #expect(failed.status != 0 && failed.output.isEmpty, "\(failed)")
                #expect(!proxy.lines.contains { $0.hasPrefix("POST") }, "\(proxy.lines)")
                proxy.replace(upstream: own)
                try await replica.wait(untilReady: true)
                let works = try await replica.sally("bob", submission)
                #expect(works.status == 0, "\(works)")
                try await stack.cancelOnly(cluster, named: name)
            }
        }
    }
}
