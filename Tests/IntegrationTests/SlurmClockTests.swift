// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// The real slurmctld by a clock that is 90 seconds wrong: tokens are checked by that clock. It is the stack's, which other
/// tests need: this suite runs by itself.
@Suite(
    .enabled(if: Stack.current != nil, Stack.skipped),
    .enabled(if: OtherClock.isPossible, OtherClock.missing), .serialized)
struct SlurmClockTests {
    private struct Submission {
        let cluster: String
        let name: String
        let token: String

        /// Asks with its key, for the first time or again.
        func ask(_ replica: Replica) async throws -> Answer {
            try await replica.request(
                "POST", "/v1/clusters/\(cluster)/jobs", token: token,
                headers: ["Idempotency-Key: \(name)-0123456789"],
                body: ##"{"job_name":"\##(name)","script":"#!/bin/bash\ntrue\n","begin":"now+1hour"}"##)
        }
    }

    /// Every token is over when slurmctld looks at it: nothing is submitted, and people hear of it. The same key has its one
    /// job once the clock is right.
    @Test(arguments: Stack.clusters)
    func aClockThatIsAheadLosesNothing(_ cluster: String) async throws {
        let stack = try Stack.required()
        let name = "ahead-\(stack.port)-\(cluster)"
        let submission = Submission(cluster: cluster, name: name, token: try await stack.token("bob"))
        try await stack.withBrokenReplica(name, cluster) { _ in
        } body: { replica, _ in
            try await stack.withClock(90, cluster) {
                let answer = try await submission.ask(replica)
                #expect([202, 502, 503].contains(answer.status), "\(answer)")
                try await eventually("/readyz tells of \(cluster)") {
                    let ready = try await replica.request("GET", "/readyz")
                    return ready.status == 503 && ready.body.contains("\"name\":\"\(cluster)\",\"ready\":false")
                }
                #expect(try await stack.jobs(cluster, named: name) == [], "submitted with a token that was over")
            }
            var answer = Answer(status: 0, body: "")
            try await eventually("the job is submitted") {
                answer = try await submission.ask(replica)
                return ![202, 502, 503].contains(answer.status)
            }
            #expect(answer.status == 201, "\(answer)")
            try await stack.cancelOnly(cluster, named: name)
        }
    }

    /// A token lives 90 seconds longer than it says. A request that was held up on the way arrives long after its end by our
    /// own clock, and is let in: until that cannot be any more, nobody is told that there is no job.
    @Test(arguments: Stack.clusters)
    func aClockThatIsBehindMakesNoSecondJob(_ cluster: String) async throws {
        let stack = try Stack.required()
        let name = "behind-\(stack.port)-\(cluster)"
        let submission = Submission(cluster: cluster, name: name, token: try await stack.token("bob"))
        try await stack.withBrokenReplica(name, cluster) { _ in
        } body: { replica, proxy in
            try await stack.withClock(-90, cluster) {
                proxy.behave(.waiting, only: "POST")
                var answer = try await submission.ask(replica)
                try #require(answer.status == 202, "\(answer)")
                try await eventually("the request is held") { proxy.requestsHeld == 1 }
                proxy.behave(.through)
                // Its token has been over for half a minute, by our clock.
                try await eventually("less than 60 s are left") {
                    answer = try await submission.ask(replica)
                    guard answer.status == 202 else { throw Failure("decided too early: \(answer)") }
                    return SlurmClockTests.knownWithin(answer).map { $0 < 60 } ?? false
                }
                proxy.release()
                try await eventually("the job is found") {
                    answer = try await submission.ask(replica)
                    return answer.status != 202
                }
                let jobs = try await stack.jobs(cluster, named: name)
                #expect(jobs.count == 1, "\(jobs)")
                #expect(answer.status == 201 && answer.body.contains("\"job\":\(jobs.first ?? "none")"), "\(answer)")
            }
            try await stack.cancelOnly(cluster, named: name)
        }
    }

    /// `known_within` of a 202.
    private static func knownWithin(_ answer: Answer) -> Int? {
        guard let key = answer.body.firstRange(of: "\"known_within\":") else { return nil }
        return Int(answer.body[key.upperBound...].prefix { $0.isNumber })
    }
}

extension Stack {
    /// Runs slurmctld by a clock that is so many seconds ahead (behind where negative) for `body`.
    func withClock(_ seconds: Int, _ cluster: String, _ body: () async throws -> Void) async throws {
        let place = "/run/clock-\(port).so"
        let start = """
            LD_PRELOAD=\(place) setsid setpriv --reuid=slurm --regid=slurm --clear-groups slurmctld -D \
            >/dev/null 2>&1 </dev/null &
            """
        try await withScratchFolder { folder in
            let library = try await OtherClock.library(seconds, in: folder)
            let coded = try await runProgram("/usr/bin/base64", ["-w0", library])
            let put = try await onNode(
                cluster, "master", ["sh", "-c", "echo \(coded.output) | base64 -d > \(place) && chmod 644 \(place)"])
            guard coded.status == 0, put.status == 0 else { throw Failure("no library on \(cluster): \(put)") }
        }
        try await without("slurmctld", cluster) {
            func end() async throws {
                _ = try await onNode(cluster, "master", ["pkill", "-KILL", "-f", "^[^ ]*slurmctld "])
                _ = try await onNode(cluster, "master", ["rm", "-f", place])
            }
            do {
                let started = try await onNode(cluster, "master", ["sh", "-c", start])
                guard started.status == 0 else { throw Failure("no slurmctld by another clock: \(started)") }
                try await eventually("slurmctld answers") {
                    try await onNode(cluster, "master", ["scontrol", "ping"]).output.contains("UP")
                }
                try await body()
            } catch {
                try await end()
                throw error
            }
            try await end()
        }
        try await eventually("\(cluster) is ready") { try await request("GET", "/readyz").status == 200 }
    }
}
