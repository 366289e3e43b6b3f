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

    @Test(arguments: [(Trouble.stopped, "it12"), (.text, "it13"), (.slurmError, "it12"), (.cut, "it13")])
    func aGatewayStartsSaysWhichClusterIsMissingAndGoesOn(_ trouble: Trouble, _ cluster: String) async throws {
        let stack = try Stack.required()
        let other = cluster == "it12" ? "it13" : "it12"
        let name = "start-\(stack.port)-\(trouble)"
        try await stack.withBrokenReplica("broken-\(trouble)", cluster, waitsForReady: false) { proxy in
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
    @Test func aDaemonThatStopsLaterIsNoticed() async throws {
        let stack = try Stack.required()
        try await stack.withBrokenReplica("broken-later", "it12") { _ in
        } body: { replica, proxy in
            try await proxy.stop()
            try await replica.wait(untilReady: false)
            let ready = try await replica.request("GET", "/readyz")
            #expect(ready.body.contains("cluster it12 does not answer"), "\(ready)")
            #expect(try await replica.sally("bob", ["partitions", "-M", "it12"]).status == 0)
            try await proxy.start()
            try await replica.wait(untilReady: true)
        }
    }

    /// Slower than any deadline, while the other cluster is used.
    @Test func aSilentDaemonIsNoticed() async throws {
        let stack = try Stack.required()
        try await stack.withBrokenReplica("broken-silent", "it13") { _ in
        } body: { replica, proxy in
            proxy.behave(.deaf)
            let other = try await replica.sally("bob", ["jobs", "-M", "it12"])
            #expect(other.status == 0, "\(other)")
            try await replica.wait(untilReady: false)
            let ready = try await replica.request("GET", "/readyz")
            #expect(ready.body.contains("cluster it13 did not answer in time"), "\(ready)")
            proxy.behave(.through)
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
    @Test func anAnswerThatStopsInTheMiddleIsOneJob() async throws {
        let stack = try Stack.required()
        let name = "stalled-\(stack.port)"
        try await stack.withBrokenReplica("broken-stalled", "it13") { _ in
        } body: { replica, proxy in
            proxy.behave(.stalled, only: "POST")
            let result = try await replica.sally(
                "bob", ["submit", "-M", "it13", "-J", name, "--begin=now+1hour", "--time=1", "--wrap", "true"])
            #expect(result.status == 0 && result.errors.contains("checking with Slurm"), "\(result)")
            proxy.behave(.through)
            let jobs = try await stack.jobs("it13", named: name)
            #expect(result.output == "Submitted batch job \(jobs.first ?? "")\n", "\(result) \(jobs)")
            try await stack.cancelOnly("it13", named: name)
        }
    }

    /// It is cut off, and as nobody can know what it was an answer to, the outcome is looked for.
    @Test func anAnswerWithoutEndIsCutOff() async throws {
        let stack = try Stack.required()
        let name = "endless-\(stack.port)"
        try await stack.withBrokenReplica("broken-endless", "it12") { _ in
        } body: { replica, proxy in
            proxy.behave(.endless, only: "POST")
            let token = try await stack.token("bob")
            let key = "Idempotency-Key: \(name)-0123456789"
            let body = ##"{"job_name":"\##(name)","script":"#!/bin/bash\ntrue\n","begin":"now+1hour"}"##
            let path = "/v1/clusters/it12/jobs"
            let answer = try await replica.request("POST", path, token: token, headers: [key], body: body)
            #expect(answer.status == 202, "\(answer)")
            proxy.behave(.through)
            var last = answer
            try await eventually("it is submitted after all") {
                last = try await replica.request("POST", path, token: token, headers: [key], body: body)
                return last.status != 202
            }
            #expect(last.status == 201, "\(last)")
            try await stack.cancelOnly("it12", named: name)
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
        try await eventually("the other daemon listens") { exists(other) }
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

    /// A cluster that swallows everything holds up nobody who works on another.
    @Test func aDeadClusterCostsNobodyElseAnything() async throws {
        let stack = try Stack.required()
        let name = "dead-\(stack.port)"
        try await stack.withBrokenReplica("broken-dead", "it13") { _ in
        } body: { replica, proxy in
            proxy.behave(.deaf)
            let token = try await stack.token("bob")
            try await withThrowingTaskGroup(of: Answer?.self) { group in
                for index in 0..<40 {
                    group.addTask {
                        try await replica.request(
                            "POST", "/v1/clusters/it13/jobs", token: token,
                            headers: ["Idempotency-Key: \(name)-0123456789-\(index)"],
                            body: ##"{"job_name":"\##(name)","script":"#!/bin/bash\ntrue\n","begin":"now+1hour"}"##)
                    }
                }
                let other = try await replica.sally(
                    "bob", ["submit", "-M", "it12", "-J", name, "--begin=now+1hour", "--time=1", "--wrap", "true"])
                #expect(other.status == 0, "\(other)")
                for try await answer in group {
                    #expect([202, 503, 504].contains(answer?.status), "\(String(describing: answer))")
                }
            }
            try await stack.cancelOnly("it12", named: name)
            #expect(try await stack.jobs("it13", named: name) == [], "a deaf daemon got something")
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
