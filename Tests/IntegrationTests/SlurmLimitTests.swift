// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// slurmctld that lets each user ask once a second (slurm.conf(5): SlurmctldParameters, rl_enable, since 23.02), and answers
/// 1804 to the rest. It is the stack's, which other tests need: this suite runs by itself.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct SlurmLimitTests {
    private static let cluster = "it13"
    private static let log = "/var/log/slurm/limit.log"

    /// Eight submissions of one person at once, and the gateway's own reads: all slower, none lost, none twice, and the
    /// other cluster is as fast as before.
    @Test func aLimitOfSlurmsCostsTimeAndNoJob() async throws {
        let stack = try Stack.required()
        let cluster = SlurmLimitTests.cluster
        let name = "limit-\(stack.port)"
        let token = try await stack.token("bob")
        try await stack.withSlurmConf(
            [
                "SlurmctldParameters=rl_enable,rl_bucket_size=2,rl_refill_rate=1,rl_refill_period=1,rl_log_freq=0",
                "SlurmctldLogFile=\(SlurmLimitTests.log)",
            ], cluster
        ) {
            let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                for index in 0..<8 {
                    group.addTask {
                        var answer = Answer(status: 0, body: "")
                        try await eventually("\(name)-\(index) is submitted") {
                            answer = try await stack.request(
                                "POST", "/v1/clusters/\(cluster)/jobs", token: token,
                                headers: ["Idempotency-Key: \(name)-0123456789-\(index)"],
                                body: ##"{"job_name":"\##(name)","script":"#!/bin/bash\ntrue\n","begin":"now+1hour"}"##)
                            return ![202, 429, 502, 503, 504].contains(answer.status)
                        }
                        return answer
                    }
                }
                let other = try await stack.sally("bob", ["partitions", "-M", "it12"])
                #expect(other.status == 0, "\(other)")
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.allSatisfy { $0.status == 201 }, "\(answers)")
            #expect(Set(answers.map(\.body)).count == 8, "\(answers)")
            #expect(try await stack.jobs(cluster, named: name).count == 8)
            try await eventually("all are shown") {
                let shown = try await stack.sally("bob", ["jobs", "-M", cluster, "--json"])
                return shown.output.split(separator: "\"\(name)\"", omittingEmptySubsequences: false).count == 9
            }
            // Without that line the limit was never reached, and the test has tried nothing.
            let said = try await stack.onNode(cluster, "master", ["grep", "-c", "RPC rate limit", SlurmLimitTests.log])
            #expect(said.status == 0, "\(said)")
        }
        _ = try await stack.onNode(cluster, "master", ["scancel", "--name", name])
    }
}

extension Stack {
    /// Restarts slurmctld with these lines in its slurm.conf for `body`.
    func withSlurmConf(_ lines: [String], _ cluster: String, _ body: () async throws -> Void) async throws {
        let file = "/etc/slurm/slurm.conf"
        func restart(_ change: String) async throws {
            let restart = """
                \(change) && old=$(pgrep -o -f '^[^ ]*slurmctld ') && kill -TERM "$old" \
                && while kill -0 "$old" 2>/dev/null; do sleep 0.1; done
                """
            let result = try await onNode(cluster, "master", ["sh", "-c", restart])
            guard result.status == 0 else { throw Failure("slurmctld of \(cluster) is not restarted: \(result)") }
            try await eventually("slurmctld of \(cluster) answers") {
                try await onNode(cluster, "master", ["scontrol", "ping"]).output.contains("UP")
            }
        }
        let added = lines.map { "'\($0)'" }.joined(separator: " ")
        do {
            try await restart("cp -p \(file) \(file).before && printf '%s\\n' \(added) >> \(file)")
            try await body()
        } catch {
            try await restart("mv \(file).before \(file)")
            throw error
        }
        try await restart("mv \(file).before \(file)")
        try await eventually("\(cluster) is ready") { try await request("GET", "/readyz").status == 200 }
    }
}
