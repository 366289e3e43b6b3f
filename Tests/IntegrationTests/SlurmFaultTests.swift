// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import StrictJSON
import Testing

/// Slurm's own daemons fail, one after the other, under a gateway that is in use. They are the stack's, which other tests
/// need: this suite runs by itself.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct SlurmFaultTests {
    private static func later(_ cluster: String, _ name: String) -> [String] {
        ["submit", "-M", cluster, "-J", name, "--begin=now+1hour", "--time=1", "--wrap", "true"]
    }

    /// slurmrestd is up and its slurmctld is not: nothing is submitted, the rest goes on, and all is well afterwards.
    @Test(arguments: Stack.clusters)
    func withoutSlurmctldNothingIsLost(_ cluster: String) async throws {
        let stack = try Stack.required()
        let name = "noctld-\(stack.port)-\(cluster)"
        let before = try await stack.submit(
            "bob", cluster, ["--begin=now+1hour", "-J", name + "-0"], script: Stack.script)
        let later = try await stack.submit(
            "bob", cluster, ["--begin=now+1hour", "-J", name + "-1"], script: Stack.script)
        let list = OutageList(cluster: cluster, names: [name + "-0", name + "-1"], token: try await stack.token("bob"))
        try await eventually("\(before) and \(later) were read from Slurm") {
            let answer = try await stack.get(list.path, token: list.token)
            return answer.headers["sallyport-stale"] == nil
                && [before, later].allSatisfy { answer.body.contains("\"job\":\($0)") }
        }
        // A slurmctld that is killed forgets what it has not written down yet.
        let saved = "grep -aq -- \(name)-1 $(scontrol show config | awk '/^StateSaveLocation/ { print $3 }')/job_state"
        try await eventually("\(later) is in slurmctld's state") {
            try await stack.onNode(cluster, "master", ["sh", "-c", saved]).status == 0
        }
        try await stack.watchingJobs("bob", ["-M", cluster, "--name", name + "-0"]) { watch in
            try await watch.shows(before, "  PENDING  ")
            try await stack.without("slurmctld", cluster) {
                let failed = try await stack.sally("bob", SlurmFaultTests.later(cluster, name))
                #expect(failed.status == 69, "\(failed)")
                #expect(failed.output.isEmpty, "\(failed)")
                #expect(failed.errors.contains(cluster), "\(failed)")
                try await eventually("/readyz tells of \(cluster)") {
                    let ready = try await stack.request("GET", "/readyz")
                    return ready.status == 503 && ready.body.contains("\"name\":\"\(cluster)\",\"ready\":false")
                }
                let jobs = try await stack.sally("bob", ["jobs", "-M", cluster])
                #expect(jobs.status == 0 && jobs.output.contains(before), "what was read stays: \(jobs)")
                #expect(jobs.errors.contains("Slurm does not answer"), "\(jobs)")
                for command in [["partitions"], ["nodes"], ["job", before]] {
                    let shown = try await stack.sally("bob", command + ["-M", cluster])
                    #expect(shown.status == 0 && shown.errors.contains("Slurm does not answer"), "\(shown)")
                }
                try await list.expectStale([before, later], stack)
                let front = try await stack.request(
                    "GET", "/clusters/\(cluster)/slurm/v0.0.42/job/\(before)", token: try await stack.token("bob"))
                #expect(
                    front.status == 200 && front.body.contains("this is what Slurm said"), "and says how old: \(front)")
                try await watch.says("Slurm does not answer; this is what it said")
                let other = Stack.clusters.first { $0 != cluster } ?? ""
                #expect(try await stack.sally("bob", ["partitions", "-M", other]).status == 0)
            }
            try await watch.says("the queue is followed again")
        }
        try await eventually("\(cluster) is ready") { try await stack.request("GET", "/readyz").status == 200 }
        #expect(try await stack.jobs(cluster, named: name) == [], "something was submitted")
        let works = try await stack.sally("bob", SlurmFaultTests.later(cluster, name))
        #expect(works.status == 0, "\(works)")
        try await eventually("the list is no longer marked") {
            try await stack.get(list.path, token: list.token).headers["sallyport-stale"] == nil
        }
        for name in [name, name + "-0", name + "-1"] { try await stack.cancelOnly(cluster, named: name) }
    }

    /// slurmctld takes jobs without its accounting: so does the gateway; what only accounting knows is said to be missing.
    @Test(arguments: [("slurmdbd", "it12"), ("slurmdbd", "it13"), ("mariadbd", "it12"), ("mariadbd", "it13")])
    func withoutAccountingJobsAreTaken(_ daemon: String, _ cluster: String) async throws {
        let stack = try Stack.required()
        let name = "no\(daemon)-\(stack.port)-\(cluster)"
        try await stack.without(daemon, cluster) {
            let taken = try await stack.sally("bob", SlurmFaultTests.later(cluster, name))
            #expect(taken.status == 0, "\(taken)")
            try await stack.cancelOnly(cluster, named: name)
            // What was read before is kept for some seconds. An empty past is no answer.
            try await eventually("the past is said to be missing") {
                let finished = try await stack.sally("bob", ["jobs", "-M", cluster, "--all"])
                return finished.status != 0 && !finished.errors.isEmpty
            }
            let queued = try await stack.sally("bob", ["jobs", "-M", cluster])
            #expect(queued.status == 0, "\(queued)")
        }
        try await eventually("accounting answers") {
            try await stack.sally("bob", ["jobs", "-M", cluster, "--all"]).status == 0
        }
    }

    /// The cluster's own one, started again by its keeper each time: people who submit meanwhile get one job each.
    @Test(arguments: Stack.clusters)
    func aKilledSlurmrestdCostsNoJob(_ cluster: String) async throws {
        let stack = try Stack.required()
        let name = "killed-\(stack.port)-\(cluster)"
        let names = (0..<12).map { "\(name)-\($0)" }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for start in 0..<3 {
                group.addTask {
                    for index in stride(from: start, to: names.count, by: 3) {
                        try await eventually("\(names[index]) is submitted") {
                            let result = try await stack.sally("bob", SlurmFaultTests.later(cluster, names[index]))
                            // 69: nothing was sent. All else has to be a job.
                            #expect([0, 69].contains(result.status), "\(result)")
                            return result.status == 0
                        }
                    }
                }
            }
            group.addTask {
                for _ in 0..<4 {
                    let killed = try await stack.onNode(
                        cluster, "master", ["pkill", "-KILL", "-f", "^[^ ]*slurmrestd "])
                    #expect(killed.status == 0, "\(killed)")
                    try await eventually("slurmrestd is back") {
                        try await stack.onNode(cluster, "master", ["pgrep", "-f", "^[^ ]*slurmrestd "]).status == 0
                    }
                }
            }
            try await group.waitForAll()
        }
        for name in names { try await stack.cancelOnly(cluster, named: name) }
        try await eventually("\(cluster) is ready") { try await stack.request("GET", "/readyz").status == 200 }
    }
}

/// A list of two jobs as it is served while Slurm is away.
private struct OutageList {
    let cluster: String
    let names: [String]
    let token: String

    var path: String { "/v1/clusters/\(cluster)/jobs?name=\(names.joined(separator: ","))&sort=job" }

    /// Marked with its age, page by page, and known again by its tag.
    func expectStale(_ jobs: [String], _ stack: Stack) async throws {
        let first = try await stack.get(path + "&limit=1&fields=job", token: token)
        let page = try JSONValue(parsing: first.body)
        let cursor = try #require(page["next"]?.string, "\(first)")
        let second = try await stack.get(path + "&limit=1&fields=job&cursor=\(cursor)", token: token)
        #expect(page["jobs"] == [["job": .number(jobs[0])]], "\(first)")
        #expect(try JSONValue(parsing: second.body) == ["jobs": [["job": .number(jobs[1])]]], "\(second)")
        let whole = try await stack.get(path, token: token)
        let tag = try #require(whole.headers["etag"], "\(whole)")
        let same = try await stack.get(path, token: token, headers: ["If-None-Match: \(tag)"])
        #expect(same.status == 304 && same.body.isEmpty && same.headers["etag"] == tag, "\(same)")
        let other = try await stack.get(path, token: token, headers: ["If-None-Match: \"another\""])
        #expect(other.status == 200 && other.body == whole.body, "\(other)")
        for answer in [first, second, whole, same, other] {
            #expect(answer.headers["sallyport-stale"] == "true", "\(answer)")
            #expect(answer.headers["age"].flatMap { Int($0) } ?? -1 >= 0, "\(answer)")
        }
        // Somebody else's list is as marked, and as empty as ever.
        let others = try await stack.get(path, token: try await stack.token("alice"))
        #expect(others.body == #"{"jobs":[]}"# && others.headers["sallyport-stale"] == "true", "\(others)")
    }
}

extension Stack {
    static let script = "#!/bin/sh\ntrue\n"

    /// Kills a daemon on the master, and keeps its keeper from starting it again until `body` has ended.
    func without(_ daemon: String, _ cluster: String, _ body: () async throws -> Void) async throws {
        let down = """
            child=$(pgrep -o -f '^[^ ]*\(daemon) ') && keeper=$(ps -o ppid= -p "$child" | tr -d ' ') \
            && kill -STOP "$keeper" && kill -KILL "$child" && echo "$keeper"
            """
        let killed = try await onNode(cluster, "master", ["sh", "-c", down])
        let keeper = killed.output.filter { !$0.isWhitespace }
        guard killed.status == 0, !keeper.isEmpty else {
            throw Failure("\(daemon) of \(cluster) cannot be ended: \(killed)")
        }
        func up() async throws {
            let result = try await onNode(cluster, "master", ["kill", "-CONT", keeper])
            guard result.status == 0 else { throw Failure("\(daemon) of \(cluster) stays down: \(result)") }
        }
        do {
            try await body()
        } catch {
            try await up()
            throw error
        }
        try await up()
        try await eventually("\(daemon) of \(cluster) is back") {
            try await onNode(cluster, "master", ["pgrep", "-f", "^[^ ]*\(daemon) "]).status == 0
        }
    }
}
