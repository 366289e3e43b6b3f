// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import StrictJSON
import Testing

/// slurmrestd's paths in front of real clusters, by hand: what every version says, and what nobody may.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct FrontOnSlurmTests {
    static let versions = ["v0.0.40", "v0.0.41", "v0.0.42", "v0.0.43", "v0.0.44"]

    /// Every version tells the same of one job, and somebody else is told nothing of it.
    @Test(arguments: Stack.clusters)
    func everyVersionTellsTheSame(_ cluster: String) async throws {
        let stack = try Stack.required()
        let job = try await stack.submit(
            "alice", cluster, ["--begin=now+1hour", "--time=7", "--comment=mine", "--job-name=same"],
            script: "#!/bin/sh\nhostname\n")
        let (alice, bob) = (try await stack.token("alice"), try await stack.token("bob"))
        for version in Self.versions {
            let path = "/clusters/\(cluster)/slurm/\(version)"
            var found: JSONValue?
            try await eventually("\(version) has the whole job") {
                let answer = try await stack.request("GET", "\(path)/job/\(job)/", token: alice)
                found = try JSONValue(parsing: answer.body)["jobs"]?.array?.first
                return found?["time_limit"]?["number"]?.integer() == 7
            }
            #expect(
                found?["name"]?.string == "same" && found?["comment"]?.string == "mine", "\(version): \(found ?? .null)"
            )
            #expect(found?["job_state"]?.array?.first?.string == "PENDING")
            #expect(found?["user_name"]?.string == "alice" && found?["partition"]?.string == "debug")
            let others = try await stack.request("GET", "\(path)/job/\(job)", token: bob)
            #expect(others.status == 404 && others.body.contains("2017"), "\(others)")
            let list = try await stack.request("GET", "\(path)/jobs", token: bob)
            #expect(list.status == 200 && !list.body.contains("\"job_id\":\(job),"), "\(list)")
            let states = try await stack.request("GET", "\(path)/jobs/state?job_id=\(job)", token: bob)
            #expect(states.status == 200 && states.body.contains("\"jobs\":[]"), "\(states)")
            let cancel = try await stack.request("DELETE", "\(path)/job/\(job)", token: bob)
            #expect(cancel.status == 404, "\(cancel)")
            let several = try await stack.request("DELETE", "\(path)/jobs", token: bob, body: #"{"jobs": ["\#(job)"]}"#)
            #expect(several.status == 200 && several.body.contains("\"code\":2017"), "\(several)")
        }
        let ended = try await stack.request(
            "DELETE", "/clusters/\(cluster)/slurm/v0.0.42/jobs/", token: alice,
            body: #"{"jobs": ["\#(job)", "4000000"]}"#)
        #expect(ended.status == 200 && ended.body.contains("\"code\":2017"), "\(ended)")
        try await stack.waitForState(cluster, job, "CANCELLED")
    }

    /// A change reaches Slurm as it was said and nothing else; what policy would not let the job become does not.
    @Test(arguments: Stack.clusters)
    func anUpdateIsJudgedAndReachesSlurm(_ cluster: String) async throws {
        let stack = try Stack.required()
        let job = try await stack.submit(
            "alice", cluster, ["--begin=now+1hour", "--time=7", "--comment=mine"], script: "#!/bin/sh\nhostname\n")
        let token = try await stack.token("alice")
        let path = "/clusters/\(cluster)/slurm/v0.0.42/job/\(job)"
        let changed = try await stack.request("POST", path, token: token, body: #"{"comment": "changed", "nice": 5}"#)
        #expect(changed.status == 200, "\(changed)")
        for (body, number) in [
            (#"{"partition": "gpu"}"#, 2002), (#"{"time_limit": {"set": true, "number": 120}}"#, 2050),
            (#"{"tasks": 3, "minimum_nodes": 3, "maximum_nodes": 3}"#, 2050),
        ] {
            let refused = try await stack.request("POST", path, token: token, body: body)
            #expect(
                refused.status == 403 && refused.body.contains("\"error_number\":\(number)"), "\(body): \(refused)")
        }
        for body in [#"{"admin_comment": "x"}"#, #"{"user_id": "5002"}"#, #"{"priority": {"set": true, "number": 9}}"#]
        {
            let refused = try await stack.request("POST", path, token: token, body: body)
            #expect([400, 501].contains(refused.status), "\(body): \(refused)")
        }
        let others = try await stack.request(
            "POST", path, token: try await stack.token("bob"), body: #"{"comment": "bob"}"#)
        #expect(others.status == 404, "\(others)")
        let shown = try await stack.asked(cluster, ["scontrol", "-o", "show", "job", job])
        #expect(shown.output.contains("Comment=changed sallyport:"), "\(shown)")
        #expect(shown.output.contains("Partition=debug ") && shown.output.contains("Nice=5 "), "\(shown)")
        #expect(shown.output.contains("TimeLimit=00:07:00 "), "\(shown)")
        let seen = try await stack.request("GET", path, token: token)
        #expect(seen.status == 200 && !seen.body.contains("sallyport:"), "\(seen)")
        let ended = try await stack.request("DELETE", path, token: token)
        #expect(ended.status == 200, "\(ended)")
        try await stack.waitForState(cluster, job, "CANCELLED")
        let late = try await stack.request("POST", path, token: token, body: #"{"comment": "late"}"#)
        #expect(late.status == 409 && late.body.contains("\"error_number\":2021"), "\(late)")
    }

    /// A task is ended by itself, whether it runs or waits; an array is changed as a whole.
    @Test(arguments: Stack.clusters)
    func tasksOfAnArray(_ cluster: String) async throws {
        let stack = try Stack.required()
        let token = try await stack.token("alice")
        let path = "/clusters/\(cluster)/slurm/v0.0.42"
        let submitted = try await stack.request(
            "POST", "\(path)/job/submit", token: token,
            body: FrontText.submission("#!/bin/sh\nsleep 600\n", [("name", "array"), ("array", "0-3%2")]))
        let job = try #require(try JSONValue(parsing: submitted.body)["job_id"]?.integer(), "\(submitted)")
        for task in [0, 1] { try await stack.waitForState(cluster, "\(job)_\(task)", "RUNNING") }
        for task in [0, 1] {
            try await eventually("task \(task) is shown by itself") {
                let shown = try await stack.request("GET", "\(path)/job/\(job)_\(task)", token: token)
                let jobs = try JSONValue(parsing: shown.body)["jobs"]?.array ?? []
                return jobs.count == 1 && jobs[0]["array_task_id"]?["number"]?.integer() == task
                    && jobs[0]["array_job_id"]?["number"]?.integer() == job
                    && jobs[0]["job_state"]?.array?.first?.string == "RUNNING"
            }
        }
        let changed = try await stack.request(
            "POST", "\(path)/job/\(job)", token: token, body: #"{"comment": "all of them"}"#)
        #expect(changed.status == 200, "\(changed)")
        // 24.11.5 changes what waits of the array and leaves its running tasks alone; 22.05.8 changes both.
        let shown = try await stack.asked(cluster, ["scontrol", "-o", "show", "job", "\(job)"])
        let waits = shown.output.split(separator: "\n").filter { $0.contains("JobState=PENDING") }
        #expect(!waits.isEmpty && waits.allSatisfy { $0.contains("Comment=all of them sallyport:") }, "\(shown)")
        let one = try await stack.request(
            "POST", "\(path)/job/\(job)_3", token: token, body: #"{"comment": "only this"}"#)
        #expect(one.status == 501 && one.body.contains("\"error_number\":2036"), "\(one)")
        let first = try await stack.request("DELETE", "\(path)/job/\(job)_0", token: token)
        #expect(first.status == 200, "\(first)")
        // At once, not when the queue is read next.
        let after = try await Self.state(of: "\(job)_0", path, stack, token)
        #expect(after != nil && after != "RUNNING", "\(after ?? "")")
        try await stack.waitForState(cluster, "\(job)_0", "CANCELLED")
        let waiting = try await stack.request("DELETE", "\(path)/job/\(job)_3", token: token)
        // Slurm before 23.11 has no name for it.
        #expect(waiting.status == (cluster == "it12" ? 501 : 200), "\(waiting)")
        if waiting.status == 200 {
            #expect(try await Self.state(of: "\(job)_3", path, stack, token) == "CANCELLED")
            try await stack.waitForState(cluster, "\(job)_3", "CANCELLED")
        }
        #expect(try await stack.jobState(cluster, "\(job)_1") == "RUNNING")
        let none = try await stack.request("DELETE", "\(path)/job/\(job)_9", token: token)
        #expect(none.status == 404 && none.body.contains("\"error_number\":2017"), "\(none)")
        let whole = try await stack.request("DELETE", "\(path)/job/\(job)", token: token)
        #expect(whole.status == 200, "\(whole)")
        try await eventually("all tasks have ended") {
            let states = try await stack.asked(cluster, ["sacct", "-n", "-X", "-P", "-j", "\(job)", "-o", "State"])
            return states.output.split(separator: "\n").allSatisfy { $0.hasPrefix("CANCELLED") }
        }
    }

    private static func state(of job: String, _ path: String, _ stack: Stack, _ token: String) async throws -> String? {
        let shown = try await stack.request("GET", "\(path)/job/\(job)", token: token)
        return try JSONValue(parsing: shown.body)["jobs"]?.array?.first?["job_state"]?.array?.first?.string
    }

    /// Quotes, signs of every script, and what looks like a pattern: Slurm gets the bytes that were sent, and gives them back.
    @Test(arguments: ["v0.0.40", "v0.0.44"], Stack.clusters)
    func textsArriveAsTheyWereSent(_ version: String, _ cluster: String) async throws {
        let stack = try Stack.required()
        let token = try await stack.token("alice")
        let file = "/home/alice/front-\(version)-text"
        let script = "#!/bin/sh\ncat > '\(file)' <<'END'\n\(FrontText.awkward)\nEND\n"
        let submitted = try await stack.request(
            "POST", "/clusters/\(cluster)/slurm/\(version)/job/submit", token: token,
            body: FrontText.submission(
                script, [("name", .string(FrontText.name)), ("comment", .string(FrontText.awkward))]))
        let job = try #require(try JSONValue(parsing: submitted.body)["job_id"]?.integer(), "\(submitted)")
        try await stack.waitForState(cluster, "\(job)", "COMPLETED")
        let written = try await stack.onNode(cluster, "master", ["cat", file])
        #expect(Array(written.output.utf8) == Array("\(FrontText.awkward)\n".utf8), "\(written)")
        func isSame(_ value: JSONValue?, _ text: String) -> Bool {
            value?.string.map { Array($0.utf8) == Array(text.utf8) } ?? false
        }
        let queued = try await stack.request("GET", "/clusters/\(cluster)/slurm/\(version)/job/\(job)", token: token)
        let shown = try JSONValue(parsing: queued.body)["jobs"]?.array?.first
        #expect(isSame(shown?["name"], FrontText.name) && isSame(shown?["comment"], FrontText.awkward), "\(queued)")
        try await eventually("accounting has it") {
            let answer = try await stack.request(
                "GET", "/clusters/\(cluster)/slurmdb/\(version)/job/\(job)", token: token)
            let finished = try JSONValue(parsing: answer.body)["jobs"]?.array?.first
            return isSame(finished?["name"], FrontText.name)
                && isSame(finished?["comment"]?["job"], FrontText.awkward)
        }
    }

    /// Accounting shows everything to everybody; through the gateway it is one's own.
    @Test(arguments: Stack.clusters)
    func accountingIsCutToOnesOwn(_ cluster: String) async throws {
        let stack = try Stack.required()
        // Whoever never submitted has no account on the cluster yet.
        for user in ["alice", "bob"] {
            let job = try await stack.submit(user, cluster, ["--time=5"], script: "#!/bin/sh\ntrue\n")
            try await stack.waitForState(cluster, job, "COMPLETED")
        }
        let token = try await stack.token("alice")
        for version in Self.versions {
            let path = "/clusters/\(cluster)/slurmdb/\(version)"
            try await eventually("accounting has a job") {
                let jobs = try await stack.request("GET", "\(path)/jobs/?users=alice", token: token)
                return jobs.status == 200 && jobs.body.contains("\"user\":\"alice\"")
            }
            for noun in ["jobs", "users", "associations", "accounts", "qos", "user/alice"] {
                let answer = try await stack.request("GET", "\(path)/\(noun)", token: token)
                #expect(answer.status == 200, "\(version) \(noun): \(answer)")
                #expect(!answer.body.contains("\"bob\"") && !answer.body.contains("\"carol\""), "\(noun): \(answer)")
            }
            // 24.11 says so to those alone who ask for associations.
            let alice = try await stack.request("GET", "\(path)/user/alice", token: token)
            let user = try JSONValue(parsing: Array(alice.body.utf8))["users"]?.array?.first
            #expect(user?["default"]?["account"] == "research", "\(version): \(alice)")
            #expect(user?["associations"]?.array?.first?["cluster"] == .string(cluster), "\(version): \(alice)")
            #expect(try await stack.request("GET", "\(path)/user/bob", token: token).status == 404)
            #expect(try await stack.request("GET", "\(path)/jobs?users=bob", token: token).status == 403)
        }
    }
}

/// Texts of jobs that are submitted by hand.
enum FrontText {
    /// Whatever a shell, JSON, SQL or Slurm's file names could stumble over, in one line.
    static let awkward = #"double " single ' back \ slash \n $HOME `id` %j %% <&;|> ; -- Grüße 日本語 e\#u{301} 🐟"#
    /// Accounting keeps names with ` for ".
    static let name = #"it's 'ü' \ $x 日本語 🐟"#

    /// A job in slurmrestd's words, with further fields.
    static func submission(_ script: String, _ fields: [(String, JSONValue)]) -> String {
        let usual: [(String, JSONValue)] = [
            ("partition", "debug"), ("current_working_directory", "/tmp"), ("environment", ["PATH=/bin:/usr/bin"]),
            ("time_limit", ["set": true, "infinite": false, "number": 5]), ("tasks", 1),
        ]
        let body: JSONValue = ["script": .string(script), "job": .object(JSONObject(usual + fields))]
        return String(decoding: body.bytes(), as: UTF8.self)
    }
}
