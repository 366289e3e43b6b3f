// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// Two gateways on one database change one job of a real cluster.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped))
struct UpdateReplicaTests {
    /// Slurm has made the change and one gateway never hears of it: the other one waits for its turn, then it refuses changes
    /// until the token is dead by slurmctld's own clock, which is asked for; five minutes would be too long to wait for.
    @Test(arguments: Stack.clusters)
    func whatOneGatewayLostTheOtherKnows(_ cluster: String) async throws {
        let stack = try Stack.required()
        let job = try await stack.submit(
            "alice", cluster, ["--begin=now+1hour", "--time=7"], script: "#!/bin/sh\nhostname\n")
        let token = try await stack.token("alice")
        let path = "/clusters/\(cluster)/slurm/v0.0.42/job/\(job)"
        try await stack.withBrokenReplica("broken-update-\(cluster)", cluster) { _ in
        } body: { replica, proxy in
            proxy.behave(.held, only: "POST")
            let began = ContinuousClock.now
            try await withThrowingTaskGroup(of: Answer.self) { group in
                group.addTask { try await replica.request("POST", path, token: token, body: #"{"nice": 1}"#) }
                try await eventually("Slurm has answered") { proxy.answersHeld > 0 }
                var answer = Answer(status: 0, body: "")
                try await eventually("the other gateway changes the job") {
                    answer = try await stack.request("POST", path, token: token, body: #"{"nice": 2}"#)
                    return answer.status != 409
                }
                #expect(answer.status == 200, "\(answer)")
                // A token of 15 s, and 15 s for a request that was let in at the last moment.
                #expect(began.duration(to: .now) > .seconds(30), "changed while the first might still arrive")
                let first = try await group.next()
                #expect(first?.status == 504, "\(String(describing: first))")
            }
            proxy.behave(.through)
            proxy.release()
            let third = try await replica.request("POST", path, token: token, body: #"{"comment": "third"}"#)
            #expect(third.status == 200, "\(third)")
        }
        let shown = try await stack.asked(cluster, ["scontrol", "-o", "show", "job", job])
        #expect(shown.output.contains("Nice=2 ") && shown.output.contains("Comment=third sallyport:"), "\(shown)")
        let ended = try await stack.request(
            "DELETE", "/clusters/\(cluster)/slurm/v0.0.42/job/\(job)", token: token)
        #expect(ended.status == 200, "\(ended)")
    }
}
