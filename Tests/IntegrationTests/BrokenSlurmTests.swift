// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// A slurmrestd that is down, slow, confused or cut off, in front of the real one: the gateway says which cluster it is,
/// the other cluster goes on, and one submission stays one job.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped))
struct BrokenSlurmTests {
    /// What can be wrong from the start, with a word of what people are told.
    enum Trouble: CaseIterable, Sendable {
        case stopped
        case text
        case slurmError
        case cut

        var word: String {
            switch self {
            case .stopped, .text, .cut: "does not answer"
            case .slurmError: "a word of Slurm (7000)"
            }
        }

        func apply(to proxy: SlurmProxy) async throws {
            switch self {
            case .stopped: try await proxy.stop()
            case .text: proxy.behave(.reply(200, type: "text/plain", "the daemon is having lunch\n"))
            case .slurmError: proxy.behave(.reply(500, type: "application/json", BrokenSlurmTests.error(7000)))
            case .cut: proxy.behave(.cut)
            }
        }
    }

    /// An error in both spellings: `error_number` since v0.0.39, `errno` before.
    fileprivate static func error(_ number: Int) -> String {
        #"{"meta":{},"errors":[{"error_number":\#(number),"errno":\#(number),"error":"a word of Slurm"}],"warnings":[]}"#
    }

    @Test(arguments: Trouble.allCases, Stack.clusters)
    func aGatewayStartsSaysWhichClusterIsMissingAndGoesOn(_ trouble: Trouble, _ cluster: String) async throws {
        let stack = try Stack.required()
        let other = Stack.other(than: cluster)
        let name = "start-\(stack.port)-\(trouble)-\(cluster)"
        try await stack.withBrokenReplica("broken-\(trouble)-\(cluster)", cluster, waitsForReady: false) { proxy in
            try await trouble.apply(to: proxy)
        } body: { replica, proxy in
            try await eventually("\(cluster) alone is missing") {
                let ready = try await replica.request("GET", "/readyz")
                return ready.status == 503 && ready.body.contains("\"name\":\"\(other)\",\"ready\":true")
                    && ready.body.contains("\"name\":\"\(cluster)\",\"ready\":false")
                    && ready.body.contains(trouble.word)
            }
            let failed = try await replica.sally(
                "bob", ["submit", "-M", cluster, "-J", name, "--begin=now+1hour", "--time=1", "--wrap", "true"])
            #expect(failed.status == 69, "\(failed)")
            #expect(failed.output.isEmpty, "\(failed)")
            #expect(failed.errors.split(separator: "\n").count { $0.hasPrefix("sally: ") } == 1, "\(failed)")
            #expect(failed.errors.contains("cluster \(cluster)") || failed.errors.contains("Slurm"), "\(failed)")
            let elsewhere = try await replica.sally("bob", ["partitions", "-M", other])
            #expect(elsewhere.status == 0, "\(elsewhere)")

            if trouble == .stopped { try await proxy.start() }
            proxy.behave(.through)
            try await replica.wait(untilReady: true)
            #expect(try await stack.jobs(cluster, named: name) == [], "something was submitted")
            let works = try await replica.sally(
                "bob", ["submit", "-M", cluster, "-J", name, "--begin=now+1hour", "--time=1", "--wrap", "true"])
            #expect(works.status == 0, "\(works)")
            try await stack.cancelOnly(cluster, named: name)
        }
    }

    /// Not the first read but the next one fails: what was read stays, and `/readyz` says so.
    @Test(arguments: Stack.clusters)
    func aDaemonThatStopsLaterIsNoticed(_ cluster: String) async throws {
        let stack = try Stack.required()
        try await stack.withBrokenReplica("broken-later-\(cluster)", cluster) { _ in
        } body: { replica, proxy in
            try await proxy.stop()
            try await replica.wait(untilNotReady: "cluster \(cluster) does not answer")
            #expect(try await replica.sally("bob", ["partitions", "-M", cluster]).status == 0)
            try await proxy.start()
            try await replica.wait(untilReady: true)
        }
    }

    /// Slower than any deadline, while the other cluster is used. What hangs is given up after minutes, which are waited for once;
    /// on the other cluster the daemon is started again.
    @Test(arguments: [("it12", true), ("it13", false)])
    func aSilentDaemonIsNoticed(_ cluster: String, hangsUp: Bool) async throws {
        let stack = try Stack.required()
        try await stack.withBrokenReplica("broken-silent-\(cluster)", cluster) { _ in
        } body: { replica, proxy in
            proxy.behave(.deaf)
            let other = try await replica.sally("bob", ["jobs", "-M", Stack.other(than: cluster)])
            #expect(other.status == 0, "\(other)")
            try await replica.wait(untilNotReady: "cluster \(cluster) did not answer in time")
            proxy.behave(.through)
            if hangsUp { proxy.hangUp() }
            try await replica.wait(untilReady: true)
        }
    }

    /// Slurm's own refusal comes with status 500: its number and text arrive, and nothing is tried again.
    @Test(arguments: Stack.clusters)
    func anErrorOfSlurmIsSaidWithItsNumber(_ cluster: String) async throws {
        let stack = try Stack.required()
        let name = "refused-\(stack.port)-\(cluster)"
        try await stack.withBrokenReplica("broken-500-\(cluster)", cluster) { _ in
        } body: { replica, proxy in
            proxy.behave(.reply(500, type: "application/json", BrokenSlurmTests.error(2051)), only: "POST")
            let refused = try await replica.sally(
                "bob", ["submit", "-M", cluster, "-J", name, "--begin=now+1hour", "--time=1", "--wrap", "true"])
            #expect(refused.status == 3, "\(refused)")
            #expect(refused.errors.contains("2051") && refused.errors.contains("a word of Slurm"), "\(refused)")
            #expect(!refused.errors.contains("trying again"), "\(refused)")
            #expect(try await stack.jobs(cluster, named: name) == [])
        }
    }

    /// The job is there and the answer is not: cut off in the middle, or later than the gateway waits.
    @Test(arguments: [("it12", false), ("it13", false), ("it12", true), ("it13", true)])
    func aLostAnswerIsOneJob(_ cluster: String, isLate: Bool) async throws {
        let stack = try Stack.required()
        let name = "lost-\(stack.port)-\(cluster)-\(isLate)"
        try await stack.withBrokenReplica("broken-\(isLate ? "late" : "lost")-\(cluster)", cluster) { _ in
        } body: { replica, proxy in
            proxy.behave(isLate ? .held : .cut, only: "POST")
            let result = try await replica.sally(
                "bob", ["submit", "-M", cluster, "-J", name, "--begin=now+1hour", "--time=1", "--wrap", "true"])
            #expect(result.status == 0, "\(result)")
            #expect(result.errors.contains("checking with Slurm"), "\(result)")
            proxy.behave(.through)
            proxy.release()
            let jobs = try await stack.jobs(cluster, named: name)
            #expect(
                jobs.count == 1 && result.output == "Submitted batch job \(jobs.first ?? "")\n", "\(result) \(jobs)")
            try await stack.cancelOnly(cluster, named: name)
        }
    }

    /// Half an answer and nothing more: it is given up, and the job is found.
    @Test(arguments: Stack.clusters)
    func anAnswerThatStopsInTheMiddleIsOneJob(_ cluster: String) async throws {
        let stack = try Stack.required()
        let name = "stalled-\(stack.port)-\(cluster)"
        try await stack.withBrokenReplica("broken-stalled-\(cluster)", cluster) { _ in
        } body: { replica, proxy in
            proxy.behave(.stalled, only: "POST")
            let result = try await replica.sally(
                "bob", ["submit", "-M", cluster, "-J", name, "--begin=now+1hour", "--time=1", "--wrap", "true"])
            #expect(result.status == 0 && result.errors.contains("checking with Slurm"), "\(result)")
            proxy.behave(.through)
            let jobs = try await stack.jobs(cluster, named: name)
            #expect(result.output == "Submitted batch job \(jobs.first ?? "")\n", "\(result) \(jobs)")
            try await stack.cancelOnly(cluster, named: name)
        }
    }

    /// It is cut off, and as nobody can know what it was an answer to, the outcome is looked for.
    @Test(arguments: Stack.clusters)
    func anAnswerWithoutEndIsCutOff(_ cluster: String) async throws {
        let stack = try Stack.required()
        let name = "endless-\(stack.port)-\(cluster)"
        try await stack.withBrokenReplica("broken-endless-\(cluster)", cluster) { _ in
        } body: { replica, proxy in
            proxy.behave(.endless, only: "POST")
            let token = try await stack.token("bob")
            let key = "Idempotency-Key: \(name)-0123456789"
            let body = ##"{"job_name":"\##(name)","script":"#!/bin/bash\ntrue\n","begin":"now+1hour"}"##
            let path = "/v1/clusters/\(cluster)/jobs"
            let answer = try await replica.request("POST", path, token: token, headers: [key], body: body)
            #expect(answer.status == 202, "\(answer)")
            proxy.behave(.through)
            var last = answer
            try await eventually("it is submitted after all") {
                last = try await replica.request("POST", path, token: token, headers: [key], body: body)
                return last.status != 202
            }
            #expect(last.status == 201, "\(last)")
            try await stack.cancelOnly(cluster, named: name)
        }
    }

    /// White space and nothing else where the queue belongs: it is cut off before it fills the memory, again and again, and what was
    /// read before stays.
    @Test(arguments: Stack.clusters)
    func aQueueWithoutEndIsCutOff(_ cluster: String) async throws {
        let stack = try Stack.required()
        try await stack.withBrokenReplica("broken-queue-\(cluster)", cluster) { _ in
        } body: { replica, proxy in
            proxy.behave(.endless, only: "GET /slurm/\(Stack.version(of: cluster))/jobs")
            try await replica.wait(untilNotReady: "cluster \(cluster) gave an answer that cannot be read")
            try await eventually("three were cut off") { proxy.endless.count > 3 }
            // Each but the last is over. What lies in sockets on the way is some hundred kilobytes.
            #expect(proxy.endless.dropLast().allSatisfy { $0 < 16 << 20 }, "\(proxy.endless)")
            let kept = try await replica.sally("bob", ["jobs", "-M", cluster])
            #expect(kept.status == 0 && kept.errors.contains("Slurm does not answer"), "\(kept)")
            proxy.behave(.through)
            try await replica.wait(untilReady: true)
        }
    }

    /// 1804, to everything: as slurmctld says it from 23.02 on where it is told to (SlurmLimitTests has the real one). Nothing was
    /// done; who comes back has one job.
    @Test(arguments: Stack.clusters)
    func whoIsToldToComeBackLaterHasOneJob(_ cluster: String) async throws {
        let stack = try Stack.required()
        let name = "later-\(stack.port)-\(cluster)"
        try await stack.withBrokenReplica("broken-1804-\(cluster)", cluster) { _ in
        } body: { replica, proxy in
            proxy.behave(.reply(500, type: "application/json", BrokenSlurmTests.error(1804)))
            let token = try await stack.token("bob")
            let key = "Idempotency-Key: \(name)-0123456789"
            let body = ##"{"job_name":"\##(name)","script":"#!/bin/bash\ntrue\n","begin":"now+1hour"}"##
            let path = "/v1/clusters/\(cluster)/jobs"
            for _ in 0..<3 {
                let busy = try await replica.request("POST", path, token: token, headers: [key], body: body)
                #expect(busy.status == 503, "\(busy)")
            }
            try await eventually("/readyz tells of \(cluster)") {
                let ready = try await replica.request("GET", "/readyz")
                return ready.status == 503 && ready.body.contains("1804")
            }
            let other = try await replica.sally("bob", ["partitions", "-M", Stack.other(than: cluster)])
            #expect(other.status == 0, "\(other)")
            proxy.behave(.through)
            let taken = try await replica.request("POST", path, token: token, headers: [key], body: body)
            #expect(taken.status == 201, "\(taken)")
            try await stack.cancelOnly(cluster, named: name)
            try await replica.wait(untilReady: true)
        }
    }

    /// The program itself, interrupted while the outcome is open: Slurm does not get the request before that.
    @Test(arguments: Stack.clusters)
    func whoInterruptsTheProgramIsToldHowToGoOn(_ cluster: String) async throws {
        let stack = try Stack.required()
        let name = "interrupted-\(stack.port)-\(cluster)-\(UInt32.random(in: 0...UInt32.max))"
        let key = "key-of-\(name)"
        let submission = [
            "submit", "-M", cluster, "--idempotency-key", key, "-J", name, "--begin=now+1hour", "--time=1", "--wrap",
            "true",
        ]
        try await stack.withBrokenReplica("interrupted-\(cluster)", cluster) { _ in
        } body: { replica, proxy in
            proxy.behave(.waiting, only: "POST")
            let run = try await runProgram(
                "/usr/bin/timeout",
                ["--preserve-status", "-s", "INT", "25", "\(stack.state)/bin/sally"] + submission,
                environment: [
                    "PATH": "/usr/bin:/bin", "SALLY_CONFIG_DIR": replica.contexts, "SALLY_CONTEXT": "bob",
                ])
            #expect(run.status == 130 && run.output == "", "\(run)")
            #expect(run.errors.contains("--idempotency-key \(key)"), "\(run)")
            proxy.behave(.through)
            proxy.release()
            let again = try await replica.sally("bob", submission)
            let jobs = try await stack.jobs(cluster, named: name)
            #expect(
                jobs.count == 1 && again.output == "Submitted batch job \(jobs.first ?? "")\n", "\(again) \(jobs)")
            try await stack.cancelOnly(cluster, named: name)
        }
    }

    /// The daemon is replaced by one that serves another version alone. Not even a submission notices.
    @Test func anUpgradeUnderUsIsNoticed() async throws {
        let stack = try Stack.required()
        let name = "upgrade-\(stack.port)"
        let socket = "other-\(stack.port)"
        let start = """
            SLURM_JWT=daemon setsid setpriv --reuid=slurmrestd --regid=slurmrestd --clear-groups \
            slurmrestd -a rest_auth/jwt -s slurmctld,slurmdbd -d v0.0.40 unix:/run/slurmrestd/\(socket) \
            >/dev/null 2>&1 </dev/null &
            """
        let started = try await stack.onNode("it13", "master", ["sh", "-c", "umask 0007; \(start)"])
        try #require(started.status == 0, "\(started)")
        let own = try await stack.socket("it13")
        let other =
            own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            + "/\(socket)"
        try await eventually("the other daemon listens") { accepts(other) }
        try await stack.withBrokenReplica("broken-upgrade", "it13") { _ in
        } body: { replica, proxy in
            for (round, upstream) in [other, own].enumerated() {
                proxy.replace(upstream: upstream)
                let result = try await replica.sally(
                    "bob",
                    [
                        "submit", "-M", "it13", "-J", "\(name)-\(round)", "--begin=now+1hour", "--time=1", "--wrap",
                        "true",
                    ])
                #expect(result.status == 0 && !result.errors.contains("checking with Slurm"), "\(result)")
                try await stack.cancelOnly("it13", named: "\(name)-\(round)")
            }
            let versions = try await replica.log().split(separator: "\n").filter { $0.contains("API version found") }
            #expect(versions.contains { $0.contains("v0.0.40") }, "\(versions)")
        }
        _ = try await stack.onNode("it13", "master", ["pkill", "-f", "unix:/run/slurmrestd/\(socket)"])
    }

    /// A cluster that swallows everything holds up nobody who works on another; and after some calls without an answer nothing goes
    /// to it any more but one ping at a time.
    @Test(arguments: Stack.clusters)
    func aDeadClusterCostsNobodyElseAnything(_ cluster: String) async throws {
        let stack = try Stack.required()
        let other = Stack.other(than: cluster)
        let name = "dead-\(stack.port)-\(cluster)"
        try await stack.withBrokenReplica("broken-dead-\(cluster)", cluster) { _ in
        } body: { replica, proxy in
            let token = try await stack.token("bob")
            @Sendable func statuses(_ count: Int, _ round: String) async throws -> [Int] {
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for index in 0..<count {
                        group.addTask {
                            try await replica.request(
                                "POST", "/v1/clusters/\(cluster)/jobs", token: token,
                                headers: ["Idempotency-Key: \(name)-0123456789-\(round)-\(index)"],
                                body: ##"{"job_name":"\##(name)","script":"#!/bin/bash\ntrue\n","begin":"now+1hour"}"##
                            ).status
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
            }
            proxy.behave(.deaf)
            var round = 0
            try await eventually("the gateway has seen that nobody answers") {
                round += 1
                let first = try await statuses(8, "first-\(round)")
                #expect(first.allSatisfy { [202, 503, 504].contains($0) }, "\(first)")
                return try await replica.log().contains("slurmrestd does not answer and is asked seldom")
            }
            let sent = proxy.lines.count
            async let second = statuses(40, "second")
            // Meanwhile the other one is used, and what happens there is seen.
            let submitted = try await replica.sally(
                "bob", ["submit", "-M", other, "-J", name, "--begin=now+1hour", "--time=1", "--wrap", "true"])
            #expect(submitted.status == 0, "\(submitted)")
            let id = try #require(try await stack.jobs(other, named: name).first)
            try await stack.cancelOnly(other, named: name)
            try await eventually("\(other) is read as before") {
                let shown = try await replica.request("GET", "/v1/clusters/\(other)/jobs/\(id)", token: token)
                return shown.body.contains("CANCELLED")
            }
            let answers = try await second
            // Not 202: of what was never sent nothing is open.
            #expect(answers.allSatisfy { [503, 504].contains($0) }, "\(answers)")
            let asked = proxy.lines.dropFirst(sent)
            #expect(asked.allSatisfy { $0.hasPrefix("GET") && $0.contains("/ping ") }, "\(asked)")
            // Each ping takes its whole deadline, and the next one comes later: everybody's own would be forty.
            #expect(asked.count <= 10, "\(asked)")
            #expect(try await stack.jobs(cluster, named: name) == [], "a deaf daemon got something")
            proxy.behave(.through)
            try await eventually("it is found again") { try await statuses(1, "third") == [201] }
            #expect(try await replica.log().contains("slurmrestd answers again"))
            try await stack.cancelOnly(cluster, named: name)
        }
    }

    /// A client that hangs up between submit and answer, and asks again with its key.
    @Test(arguments: Stack.clusters)
    func whoHangsUpFindsTheJobByItsKey(_ cluster: String) async throws {
        let stack = try Stack.required()
        let name = "hangup-\(stack.port)-\(cluster)"
        let token = try await stack.token("bob")
        let key = "Idempotency-Key: \(name)-0123456789"
        let body = ##"{"job_name":"\##(name)","script":"#!/bin/bash\ntrue\n","begin":"now+1hour"}"##
        let path = "/v1/clusters/\(cluster)/jobs"
        try await stack.withBrokenReplica("hangup-\(cluster)", cluster) { _ in
        } body: { replica, proxy in
            proxy.behave(.held, only: "POST")
            let connection = try await RawConnection(to: replica.url)
            try await connection.send(
                "POST \(path) HTTP/1.1\r\nHost: \(replica.url.dropFirst("http://".count))\r\n"
                    + "Authorization: Bearer \(token)\r\n\(key)\r\nContent-Type: application/json\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            try await eventually("Slurm has answered") { proxy.answersHeld == 1 }
            try await connection.close()
            proxy.behave(.through)
            proxy.release()
            var answer = Answer(status: 0, body: "")
            try await eventually("the job's id is known") {
                answer = try await replica.request("POST", path, token: token, headers: [key], body: body)
                return answer.status != 202
            }
            let jobs = try await stack.jobs(cluster, named: name)
            #expect(jobs.count == 1, "\(jobs)")
            #expect(answer.status == 201 && answer.body.contains("\"job\":\(jobs.first ?? "none")"), "\(answer)")
            try await stack.cancelOnly(cluster, named: name)
        }
    }
}
