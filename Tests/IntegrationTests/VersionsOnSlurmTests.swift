// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import StrictJSON
import Testing

/// The API versions that both Slurms serve and the gateway speaks, on the real daemons: which one is taken, and a job's whole
/// way in each.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped))
struct VersionsOnSlurmTests {
    struct Spoken: Sendable, CustomTestStringConvertible {
        var cluster: String
        var version: String
        var testDescription: String { "\(cluster) \(version)" }
    }

    static let spoken =
        [Spoken(cluster: "it12", version: "v0.0.38")]
        + [40, 41, 42].map { Spoken(cluster: "it13", version: "v0.0.\($0)") }

    /// Of several that are served it is the newest, and those that are not are asked for first.
    @Test(arguments: [("it12", "v0.0.38"), ("it13", "v0.0.42")])
    func theNewestThatIsServedIsTaken(_ cluster: String, _ version: String) async throws {
        let stack = try Stack.required()
        try await stack.withBrokenReplica("newest-\(cluster)", cluster) { _ in
        } body: { _, proxy in
            let lines = proxy.lines
            #expect(lines.contains("GET /slurm/v0.0.45/ping HTTP/1.1"), "\(lines)")
            #expect(lines.contains("GET /slurm/\(version)/ping HTTP/1.1"), "\(lines)")
            #expect(lines.contains { $0.hasPrefix("GET /slurm/\(version)/jobs") }, "\(lines)")
            for spoken in Self.spoken where spoken.cluster == cluster && spoken.version != version {
                #expect(!lines.contains { $0.contains("/\(spoken.version)/") }, "\(lines)")
            }
        }
    }

    /// Submitted, listed, shown, changed, refused, ended and found in accounting, with every request in the version that the
    /// gateway's file says.
    @Test(arguments: spoken)
    func aJobsWholeWay(_ spoken: Spoken) async throws {
        let stack = try Stack.required()
        let (cluster, version) = (spoken.cluster, spoken.version)
        let name = "tour-\(stack.port)-\(version)"
        try await stack.withBrokenReplica("tour-\(cluster)-\(version)", cluster, version: version) { _ in
        } body: { replica, proxy in
            let token = try await stack.token("alice")
            let job = try await replica.submit(
                "alice", cluster, ["--begin=now+1hour", "--time=7", "--comment=mine", "-J", name])
            let listed = try await replica.request("GET", "/v1/clusters/\(cluster)/jobs?name=\(name)", token: token)
            #expect(
                try JSONValue(parsing: listed.body)["jobs"]?.array?.map { $0["job"]?.integer() } == [Int(job)],
                "\(listed)")
            let path = "/clusters/\(cluster)/slurm/v0.0.42/job/\(job)"
            try await eventually("the whole job is shown") {
                let shown = try await replica.request("GET", path, token: token)
                let found = try JSONValue(parsing: shown.body)["jobs"]?.array?.first
                return found?["time_limit"]?["number"]?.integer() == 7 && found?["comment"]?.string == "mine"
                    && found?["user_name"]?.string == "alice" && found?["job_state"]?.array?.first?.string == "PENDING"
            }
            let changed = try await replica.request(
                "POST", path, token: token,
                body: #"{"comment": "changed", "nice": 5, "time_limit": {"set": true, "number": 6}}"#)
            #expect(changed.status == 200, "\(changed)")
            let by = try await stack.asked(cluster, ["scontrol", "-o", "show", "job", job])
            for field in ["Comment=changed sallyport:", "Nice=5 ", "TimeLimit=00:06:00 "] {
                #expect(by.output.contains(field), "\(by)")
            }
            let refused = try await replica.sally(
                "alice", ["submit", "-M", cluster, "-J", "\(name)-refused", "--constraint=nosuch", "--wrap", "true"])
            #expect(refused.status == 3, "\(refused)")
            #expect(try await stack.jobs(cluster, named: "\(name)-refused") == [])
            let ended = try await replica.sally("alice", ["cancel", "-M", cluster, job])
            #expect(ended.status == 0, "\(ended)")
            try await stack.waitForState(cluster, job, "CANCELLED")
            try await Self.account(for: "\(name)-failed", replica, spoken, token)

            let lines = proxy.lines
            #expect(
                lines.allSatisfy { $0.contains(" /slurm/\(version)/") || $0.contains(" /slurmdb/\(version)/") },
                "\(Set(lines))")
            for line in [
                "POST /slurm/\(version)/job/submit", "GET /slurm/\(version)/jobs", "GET /slurm/\(version)/job/\(job)",
                "POST /slurm/\(version)/job/\(job)", "DELETE /slurm/\(version)/job", "GET /slurmdb/\(version)/jobs",
            ] {
                #expect(lines.contains { $0.hasPrefix(line) }, "\(line)")
            }
        }
    }

    /// A job that fails, as accounting tells of it.
    private static func account(
        for name: String, _ replica: Replica, _ spoken: Spoken, _ token: String
    ) async throws {
        let cluster = spoken.cluster
        let job = try await replica.submit(
            "alice", cluster, ["--time=1", "--output=/dev/null", "-J", name], script: "#!/bin/sh\nexit 3\n")
        try await replica.stack.waitForState(cluster, job, "FAILED")
        try await eventually("accounting tells of it") {
            let all = try await replica.request(
                "GET", "/v1/clusters/\(cluster)/jobs?all=true&name=\(name)", token: token)
            let found = try JSONValue(parsing: all.body)["jobs"]?.array?.first
            return found?["job"]?.integer() == Int(job) && found?["states"]?.array?.first?.string == "FAILED"
                && found?["exit_status"]?.integer() == 3
        }
        try await eventually("accounting has it") {
            let one = try await replica.request(
                "GET", "/clusters/\(cluster)/slurmdb/v0.0.42/job/\(job)", token: token)
            let found = try JSONValue(parsing: one.body)["jobs"]?.array?.first
            return found?["state"]?["current"]?.array?.first?.string == "FAILED" && found?["name"]?.string == name
        }
    }

    /// A task that waits is ended by itself, in every version that has a name for it.
    @Test(arguments: spoken.filter { $0.cluster == "it13" })
    func aTaskThatWaitsIsEndedByItself(_ spoken: Spoken) async throws {
        let stack = try Stack.required()
        let cluster = spoken.cluster
        let name = "task-\(stack.port)-\(spoken.version)"
        try await stack.withBrokenReplica("task-\(cluster)-\(spoken.version)", cluster, version: spoken.version) { _ in
        } body: { replica, _ in
            let job = try await replica.submit(
                "alice", cluster, ["--begin=now+1hour", "--time=1", "--array=0-2", "-J", name])
            let ended = try await replica.request(
                "DELETE", "/clusters/\(cluster)/slurm/v0.0.42/job/\(job)_1", token: try await stack.token("alice"))
            #expect(ended.status == 200, "\(ended)")
            let left = try await stack.asked(cluster, ["squeue", "-h", "-r", "-j", job, "-o", "%K"])
            #expect(left.output.split(separator: "\n").sorted() == ["0", "2"], "\(left)")
            #expect(try await replica.sally("alice", ["cancel", "-M", cluster, job]).status == 0)
        }
    }

    /// slurmrestd is started anew and serves a newer version, and the old one too: no request fails of it, and the newer one is
    /// spoken soon.
    @Test func anUpgradeThatServesTheOldVersionIsTakenUp() async throws {
        let stack = try Stack.required()
        let name = "upgraded-\(stack.port)"
        try await stack.withDaemon("it13", "versions-\(stack.port)", serving: "v0.0.40") { old in
            try await stack.withBrokenReplica("versions-upgrade", "it13", upstream: old) { _ in
            } body: { replica, proxy in
                #expect(proxy.lines.contains { $0.hasPrefix("GET /slurm/v0.0.40/jobs") })
                try await proxy.stop()
                try await replica.wait(untilNotReady: "cluster it13 does not answer")
                proxy.replace(upstream: try await stack.socket("it13"))
                try await proxy.start()
                try await replica.wait(untilReady: true)
                // A ping that fails puts the next look off by five minutes (VersionWatch).
                try await eventually("the newest version is spoken", within: .seconds(400)) {
                    proxy.lines.contains { $0.hasPrefix("GET /slurm/v0.0.42/jobs") }
                }
                let log = try await replica.log()
                #expect(log.contains("newer API version taken up"), "\(log)")
                _ = try await replica.submit("bob", "it13", ["--begin=now+1hour", "--time=1", "-J", name])
                #expect(proxy.lines.contains { $0.hasPrefix("POST /slurm/v0.0.42/job/submit") })
                #expect(!proxy.lines.contains { $0.hasPrefix("POST /slurm/v0.0.40/") })
                try await stack.cancelOnly("it13", named: name)
            }
        }
    }
}

extension Replica {
    /// Submits, and returns the job's id.
    fileprivate func submit(
        _ user: String, _ cluster: String, _ arguments: [String], script: String = "#!/bin/sh\ntrue\n"
    ) async throws -> String {
        let result = try await sally(user, ["submit", "-M", cluster] + arguments, input: script)
        guard result.status == 0, let id = result.output.split(whereSeparator: \.isWhitespace).last else {
            throw Failure("no job: \(result)")
        }
        return String(id)
    }
}

extension Stack {
    /// Runs one more slurmrestd beside a cluster's own, as its user, and ends it after `body`, which gets its socket.
    ///
    /// - Parameter versions: a list with commas, as for slurmrestd's `-d`.
    fileprivate func withDaemon(
        _ cluster: String, _ name: String, serving versions: String, _ body: (String) async throws -> Void
    ) async throws {
        let start = """
            umask 0007
            SLURM_JWT=daemon setpriv --reuid=slurmrestd --regid=slurmrestd --clear-groups \
            slurmrestd -a rest_auth/jwt -s slurmctld,slurmdbd -d \(versions) unix:/run/slurmrestd/\(name) \
            >/dev/null 2>&1 </dev/null &
            echo $!
            """
        let started = try await onNode(cluster, "master", ["sh", "-c", start])
        let process = started.output.filter(\.isNumber)
        guard started.status == 0, !process.isEmpty else { throw Failure("no daemon: \(started)") }
        func end() async throws {
            _ = try await onNode(
                cluster, "master", ["sh", "-c", "kill \(process); rm -f /run/slurmrestd/\(name)"])
        }
        do {
            let own = try await socket(cluster).split(separator: "/", omittingEmptySubsequences: false)
            let socket = (own.dropLast() + [Substring(name)]).joined(separator: "/")
            try await eventually("the other daemon listens") { accepts(socket) }
            try await body(socket)
        } catch {
            try await end()
            throw error
        }
        try await end()
    }
}
