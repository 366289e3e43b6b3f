// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// `sallyd serve` goes away and comes back; one submission stays one job.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct RecoveryTests {
    @Test(arguments: Stack.clusters)
    func aKilledGatewayLosesAndDoublesNothing(_ cluster: String) async throws {
        let stack = try Stack.required()
        var jobs: [String] = []
        for _ in 1...3 {
            jobs.append(
                try await stack.submit(
                    "bob", cluster, ["--begin=now+1hour", "--time=1", "-J", "survivor"], script: "#!/bin/bash\ntrue\n"))
        }
        // Accounting, which is counted by, hears of a job later than its owner.
        for job in jobs { try await stack.waitForState(cluster, job, "PENDING") }
        let before = try await stack.jobCount(cluster, user: "bob")
        #expect(try await stack.script("stack", ["kill-serve", stack.state]).status == 0)
        #expect(try await stack.sally("bob", ["jobs", "-M", cluster]).status == 69)
        #expect(try await stack.script("stack", ["start-serve", stack.state]).status == 0)
        #expect(try await stack.jobCount(cluster, user: "bob") == before)
        let list = try await stack.sally("bob", ["jobs", "-M", cluster, "--json"])
        for job in jobs { #expect(list.output.contains("\"job\":\(job)"), "job \(job) is lost: \(list)") }
        let cancelled = try await stack.sally("bob", ["cancel", "-M", cluster] + jobs)
        #expect(cancelled.status == 0, "\(cancelled)")
    }

    @Test(arguments: Stack.clusters)
    func theSameKeyIsTheSameJob(_ cluster: String) async throws {
        let stack = try Stack.required()
        let token = try await stack.token("bob")
        let body = ##"{"job_name":"once","script":"#!/bin/bash\ntrue\n","begin":"now+1hour"}"##
        let key = "Idempotency-Key: \(cluster)-\(stack.port)-the-same-key-0001"
        let path = "/v1/clusters/\(cluster)/jobs"
        let first = try await stack.request("POST", path, token: token, headers: [key], body: body)
        let second = try await stack.request("POST", path, token: token, headers: [key], body: body)
        #expect(first.status == 201, "\(first)")
        #expect(second.body.contains("\"job\":\(job(in: first))"), "\(first) \(second)")
        let other = try await stack.request(
            "POST", path, token: token, headers: [key], body: body.replacing("once", with: "twice"))
        #expect(other.status == 422, "\(other)")
        _ = try await stack.sally("bob", ["cancel", "-M", cluster, job(in: first)])
    }

    private func job(in answer: Answer) -> String {
        guard let range = answer.body.firstRange(of: "\"job\":") else { return "none" }
        return String(answer.body[range.upperBound...].prefix(while: \.isNumber))
    }
}
