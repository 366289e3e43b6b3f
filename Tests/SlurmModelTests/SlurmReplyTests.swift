// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel
import StrictJSON
import Testing

@Suite struct SlurmReplyTests {
    private func job(_ name: String, _ daemon: Fixture.Daemon) throws -> Job {
        try #require(try Fixture.reply("jobs", daemon).jobs().first { $0.name == name })
    }

    @Test(arguments: Fixture.daemons) func readsTheQueue(daemon: Fixture.Daemon) throws {
        let done = try job("done", daemon)
        #expect(done.states == [.completed])
        #expect(done.user == "recorder")
        #expect(done.uid == 20900)
        #expect(done.account == "research")
        #expect(done.partition == "debug")
        #expect(done.comment == "a comment")
        #expect(done.timeLimit?.minutes == 5)
        #expect(done.exitStatus == 0)
        #expect(done.signal == nil)
        #expect(done.tasks == 2)
        #expect(done.memoryPerNode == Memory(mebibytes: 100))
        #expect(done.workingDirectory == "/home/recorder")
        #expect(done.started != nil && done.ended != nil && done.submitted != nil)
        #expect(TRES(done.requestedTRES ?? "").cpus == 2)
        #expect(done.arrayID == nil)
        #expect(done.displayID == "\(done.id)")

        let failed = try job("failed", daemon)
        #expect(failed.states == [.failed])
        #expect(failed.exitStatus == 3)
        #expect(failed.reason == "NonZeroExitCode")

        let killed = try job("killed", daemon)
        #expect(killed.signal == 9)
        #expect(killed.states.isFinished)

        let running = try job("running", daemon)
        #expect(running.states.isRunning && !running.states.isFinished)
        #expect(running.ended == nil)
        #expect(running.nodeList?.hasPrefix("node00") == true)
        #expect(running.exitStatus == nil)

        let held = try job("held", daemon)
        #expect(held.states.isPending)
        #expect(held.isHeld == true)
        #expect(held.started == nil)
        #expect(held.reason == "JobHeldUser")
        #expect(held.standardOutput?.hasPrefix("/home/recorder/out-") == true)

        let cancelled = try job("cancelled", daemon)
        #expect(cancelled.states == [.cancelled])
    }

    @Test(arguments: Fixture.daemons) func readsTheStatistics(daemon: Fixture.Daemon) throws {
        let said = try Fixture.reply("diag", daemon).diagnosis()
        #expect(said.time > Timestamp(1_700_000_000) && said.accountingBacklog == 0)
        // Each was recorded on a cluster of its own; 22.05 says it of jobs alone.
        let names = [40: "nounsc", 41: "nounsb", 42: "nounsa"]
        #expect(said.clusterName == names[daemon.version.rawValue])
    }

    @Test(arguments: Fixture.daemons) func readsArrays(daemon: Fixture.Daemon) throws {
        let array = try job("array", daemon)
        #expect(array.arrayID == array.id)
        #expect(array.arrayTasks == "0-9%2")
        #expect(array.displayID == "\(array.id)_[0-9%2]")
        #expect(array.isHeld == false)
    }

    @Test(arguments: Fixture.daemons) func readsOneJob(daemon: Fixture.Daemon) throws {
        #expect(try Fixture.reply("job", daemon).jobs().map(\.name) == ["running"])
        #expect(try Fixture.reply("jobs-none", daemon).jobs().isEmpty)
        #expect(try Fixture.reply("job-missing", daemon).refusal?.number == 2017)
    }

    @Test(arguments: Fixture.daemons) func readsAccounting(daemon: Fixture.Daemon) throws {
        let jobs = try Fixture.reply("accounting-jobs", daemon).records(.accountingJob).compactMap { Job($0) }
        let failed = try #require(jobs.first { $0.name == "failed" })
        #expect(failed.states == [.failed])
        // What v0.0.38 says of it, 0, is not so.
        #expect(failed.exitStatus == (daemon.version.takesOptions ? nil : 3))
        #expect(failed.user == "recorder")
        #expect(failed.ended != nil)
        let killed = try #require(jobs.first { $0.name == "killed" })
        #expect(killed.signal == 9)
        let done = try #require(jobs.first { $0.name == "done" })
        #expect(done.timeLimit?.minutes == 5)
        #expect(done.workingDirectory == "/home/recorder")
        #expect(
            try Fixture.reply("accounting-job", daemon).records(.accountingJob).map { $0.text("name") } == ["failed"])
    }

    @Test(arguments: Fixture.daemons) func readsPartitions(daemon: Fixture.Daemon) throws {
        let partitions = try Fixture.reply("partitions", daemon).partitions()
        #expect(partitions.map(\.name) == ["debug", "gpu"])
        // v0.0.42 does not say which partition is the default.
        #expect(partitions.map(\.isDefault) == [daemon.version.takesOptions, false])
        let gpu = partitions[1]
        #expect(gpu.states == ["UP"])
        #expect(gpu.totalNodes == 1)
        #expect(gpu.totalCPUs == 4)
        #expect(gpu.totalMemory == Memory(mebibytes: 4000))
        #expect(gpu.nodeList == "node002")
        #expect(gpu.maximumTime.minutes == 1440)
        #expect(gpu.defaultTime?.minutes == 10)
        #expect(gpu.maximumNodes == nil)
        #expect(gpu.allowedAccounts == ["gpu"])
        #expect(gpu.defaultMemoryPerNode == nil && gpu.defaultMemoryPerCPU == nil && gpu.maximumMemoryPerNode == nil)
        #expect(gpu.tres.gpus == GPUCounts(byType: ["a100": 2, "v100": 2], untyped: 0))
        #expect(partitions.allSatisfy { !$0.isExclusive })
        #expect(partitions[0].qos == "sally-debug")
    }

    @Test(arguments: Fixture.daemons) func readsNodes(daemon: Fixture.Daemon) throws {
        let nodes = try Fixture.reply("nodes", daemon).nodes()
        let node = try #require(nodes.first { $0.name == "node002" })
        #expect(node.states.first == "IDLE")
        #expect(node.cpus == 4)
        #expect(node.memory == Memory(mebibytes: 4000))
        #expect(node.gres == "gpu:a100:2,gpu:v100:2")
        #expect(node.partitions == ["debug", "gpu"])
        #expect(node.reason == nil)
    }

    @Test(arguments: Fixture.daemons) func aJobIDMeansAccepted(daemon: Fixture.Daemon) throws {
        for name in ["submit-done", "submit-failed", "submit-array", "submit-running"] {
            guard case .accepted(_, let messages) = try Fixture.reply(name, daemon).submission() else {
                Issue.record("\(name) was not accepted")
                continue
            }
            #expect(messages == [])
        }
        guard case .accepted(_, let messages) = try Fixture.reply("submit-held", daemon).submission() else {
            Issue.record("a held job was not accepted")
            return
        }
        #expect(messages.plugin.isEmpty && messages.all == messages.others && messages.all.count == 1)
        #expect(messages.all.first?.hasSuffix("Job is in held state, pending scheduler release") == true)
    }

    @Test func aPluginsMessageStandsApart() throws {
        let text = #"{"job_id": 7, "job_submit_user_msg": "use less", "warnings": [{"description": "it waits"}]}"#
        let reply = SlurmReply(try JSONValue(parsing: text), version: APIVersion(rawValue: 42))
        let messages = SubmissionMessages(plugin: "use less", others: ["it waits"])
        #expect(try reply.submission() == .accepted(try JobID("7"), messages: messages))
        #expect(messages.all == ["use less", "it waits"])
    }

    @Test(arguments: Fixture.daemons) func refusalsKeepSlurmsNumberAndText(daemon: Fixture.Daemon) throws {
        let account = SlurmRefusal(number: 2045, text: "Invalid account or account/partition combination specified")
        #expect(try Fixture.reply("submit-unknown-account", daemon).submission() == .refused(account))
        let partition = SlurmRefusal(number: 2000, text: "Invalid partition name specified")
        #expect(try Fixture.reply("submit-unknown-partition", daemon).submission() == .refused(partition))
        guard case .refused(let empty) = try Fixture.reply("submit-empty", daemon).submission() else {
            Issue.record("an empty submission was accepted")
            return
        }
        #expect(empty.number == (daemon.version.takesOptions ? 2009 : 9000))
    }

    @Test func tellsWhatTheParserDisliked() throws {
        let refusal = try #require(try Fixture.reply("submit-unknown-key", Fixture.old).refusal)
        #expect(refusal.number == 9001)
        #expect(refusal.text == "Failure during parsing: Unknown key \"nosuch\"")
    }

    @Test func readsCancellations() throws {
        #expect(try Fixture.reply("cancel", Fixture.new).cancellations().isEmpty)
        let missing = try Fixture.reply("cancel-missing", Fixture.new).cancellations()
        #expect(missing.first?.refusal == SlurmRefusal(number: 2017, text: "Invalid job id specified"))
        #expect(try Fixture.reply("cancel", Fixture.old).refusal == nil)
        #expect(try Fixture.reply("cancel-others", Fixture.old).refusal?.number == 2002)
        #expect(try Fixture.reply("cancel-missing", Fixture.old).refusal?.number == 2017)
        #expect(throws: SlurmReply.Malformed.self) { try SlurmReply([:], version: Fixture.new.version).cancellations() }
    }

    @Test(arguments: [
        ("{\"shares\": 0}", true), ("{\"oversubscribe\": {\"jobs\": 0, \"flags\": []}}", true),
        ("{\"shares\": 1, \"oversubscribe\": {\"jobs\": 1, \"flags\": []}}", false),
        ("{\"shares\": 32772, \"oversubscribe\": {\"jobs\": 4, \"flags\": [\"force\"]}}", false), ("{}", false),
    ])
    func readsWhichPartitionsGiveWholeNodes(maximums: String, isExclusive: Bool) throws {
        let json = try JSONValue(parsing: "{\"partitions\": [{\"name\": \"p\", \"maximums\": \(maximums)}]}")
        let reply = SlurmReply(json, version: Fixture.new.version)
        #expect(try reply.partitions().map(\.isExclusive) == [isExclusive])
    }

    @Test func halfAQueueIsNone() {
        func reply(_ json: JSONValue) -> SlurmReply { SlurmReply(json, version: Fixture.new.version) }
        #expect(throws: SlurmReply.Malformed.self) { try reply([:]).jobs() }
        #expect(throws: SlurmReply.Malformed.self) { try reply(["jobs": nil]).jobs() }
        #expect(throws: SlurmReply.Malformed.self) { try reply(["jobs": [["name": "x"]]]).jobs() }
        #expect(throws: SlurmReply.Malformed.self) { try reply(["partitions": [[:]]]).partitions() }
        #expect(throws: SlurmReply.Malformed.self) { try reply(["errors": []]).submission() }
    }

    @Test func keepsUnknownStates() throws {
        let json: JSONValue = ["jobs": [["job_id": 1, "job_state": ["NEWFANGLED", "COMPLETING"], "sparkles": [1]]]]
        let job = try #require(try SlurmReply(json, version: Fixture.new.version).jobs().first)
        #expect(job.states == [.other("NEWFANGLED"), .completing])
        #expect(!job.states.isFinished && !job.states.isPending)
    }

    @Test(
        arguments: [
            (["set": true, "infinite": false, "number": 5] as JSONValue, 5 as Int?),
            (["set": false, "infinite": true, "number": 0], nil),
            (["number": 5], nil), (5, 5), (nil, nil), ("5", nil),
        ] as [(JSONValue, Int?)]) func readsNumbersInEveryForm(json: JSONValue, nodes: Int?) throws
    {
        let reply: JSONValue = ["jobs": [["job_id": 1, "job_state": "RUNNING", "node_count": json]]]
        #expect(try SlurmReply(reply, version: Fixture.new.version).jobs().first?.nodes == nodes)
    }
}
