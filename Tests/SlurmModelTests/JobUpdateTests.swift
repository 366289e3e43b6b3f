// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON
import Testing

@testable import SlurmModel

/// Updates are read, judged on the job as it would be, and written anew.
@Suite struct JobUpdateTests {
    private let new = APIVersion(rawValue: 42)
    private let old = APIVersion(rawValue: 38)
    private let now = Timestamp(1_700_000_000)

    private func update(_ fields: [(String, JSONValue)], _ version: Int = 42) throws -> JobUpdate {
        try JobUpdate(from: .object(JSONObject(fields)), version: APIVersion(rawValue: version))
    }

    private static func defaults() -> ClusterDefaults {
        var debug = Partition(
            name: "debug", isDefault: true, totalNodes: 4, totalCPUs: 32, totalMemory: Memory(mebibytes: 32_000))
        debug.defaultTime = TimeLimit(minutes: 60)
        let gpu = Partition(
            name: "gpu", isDefault: false, totalNodes: 2, totalCPUs: 64, totalMemory: Memory(mebibytes: 100_000))
        return ClusterDefaults(partitions: [debug, gpu], account: nil, home: "/home/alice")
    }

    /// As slurmrestd reports a job that waits.
    private let pending: JSONValue = [
        "account": "lab", "partition": "debug", "qos": "normal", "flags": ["USING_DEFAULT_QOS"],
        "tasks": ["set": true, "number": 4],
        "cpus": ["set": true, "number": 8], "cpus_per_task": ["set": true, "number": 2],
        "node_count": ["set": true, "number": 1],
        "max_nodes": ["set": true, "number": 2], "memory_per_cpu": ["set": true, "number": 100],
        "memory_per_node": ["set": false, "number": 0], "time_limit": ["set": true, "number": 30], "tres_per_job": "",
        "tres_req_str": "cpu=8,mem=800M,node=1,billing=8", "tres_alloc_str": "", "shared": [],
        "comment": "mine sallyport:x",
        "array_task_string": "0-9%2", "requeue": true,
    ]

    private func merged(_ fields: [(String, JSONValue)], _ existing: JSONValue? = nil) throws -> JobUpdate.Merged {
        try update(fields).merged(with: existing ?? pending, defaults: Self.defaults(), user: UserName("alice"))
    }

    @Test func writesTheChangesAlone() throws {
        let changes = try update([
            ("time_limit", ["set": true, "number": 10]), ("partition", "gpu"), ("comment", "new"), ("hold", true),
            ("name", nil),
        ])
        #expect(
            try changes.json(version: new, now: now) == [
                "time_limit": ["set": true, "infinite": false, "number": 10], "partition": "gpu", "comment": "new",
                "hold": true,
            ])
        #expect(
            try changes.json(version: old, now: now) == [
                "time_limit": 10, "partition": "gpu", "comment": "new", "hold": true,
            ])
        #expect(changes.fields == [.time, .partition, .comment] && changes.hold == true)
    }

    @Test func oneEndOfTheNodesIsSentAlone() throws {
        let most = try update([("maximum_nodes", 3)])
        #expect(try most.json(version: new, now: now) == ["maximum_nodes": 3])
        #expect(try update([("minimum_nodes", 3)]).json(version: new, now: now) == ["minimum_nodes": 3])
        #expect(
            try update([("nodes", "2-3")]).json(version: new, now: now) == ["minimum_nodes": 2, "maximum_nodes": 3])
        #expect(try update([("nodes", "2-3")]).json(version: old, now: now) == ["nodes": "2-3"])
        #expect(throws: SallyError.self) { try most.json(version: old, now: now) }
    }

    /// 22.05.8 releases a job by it, too.
    @Test(arguments: [38, 40, 41, 42]) func releases(version: Int) throws {
        let release = try update([("hold", false)])
        #expect(release.hold == false)
        #expect(try release.json(version: APIVersion(rawValue: version), now: now) == ["hold": false])
    }

    /// What no cluster has is no less than it is, and nothing to die of.
    @Test(arguments: ["cpus", "tasks", "node_count", "max_nodes", "memory_per_node", "memory_per_cpu", "cpus_per_task"])
    func countsWithHugeNumbers(key: String) throws {
        var job = try #require(pending.object)
        let plain = try merged([("name", "x")], .object(job)).bounds
        for number in [Int.max, Int.min, -1] {
            job[key] = .integer(number)
            let bounds = try? merged([("name", "x")], .object(job)).bounds  // nil: refused
            #expect(bounds.map { $0.cpus ?? .max >= 8 && $0.memory ?? .max >= plain.memory ?? 0 } ?? true, "\(key)")
        }
        job["time_limit"] = -5
        #expect(try merged([("name", "x")], .object(job)).bounds.time == nil)
        job["tres_req_str"] =
            "cpu=9223372036854775807,mem=999999999T,gres/gpu=9223372036854775807,gres/gpu:a=9223372036854775807"
        _ = try merged([("comment", "x")], .object(job))
    }

    @Test func takesAwayWhatCanBeTakenAway() throws {
        let update = try update([("comment", ""), ("constraints", ""), ("dependency", ""), ("reservation", "")])
        #expect(update.cleared == [.comment, .constraint, .dependency, .reservation])
        #expect(
            try update.json(version: new, now: now) == [
                "comment": "", "constraints": "", "dependency": "", "reservation": "",
            ])
        #expect(throws: SallyError.self) { try self.update([("partition", "")]) }
    }

    @Test func changesTheThrottleOfAnArrayAlone() throws {
        #expect(try update([("array", "%3")]).json(version: new, now: now) == ["array": "%3"])
        #expect(try update([("array", "0-9%0")]).throttle == 0)
        for value in ["0-99", "%", "%x", 5, ["%3"]] as [JSONValue] {
            #expect(throws: SallyError.self) { try update([("array", value)]) }
        }
        // Its tasks stay what they are.
        #expect(try merged([("array", "%3")]).bounds.arrayTasks == 10)
    }

    @Test(arguments: [
        "standard_error", "script", "environment", "tasks_per_node", "cpus_per_task", "shared", "argv", "mail_type",
        "current_working_directory", "contiguous", "flags", "kill_warning_signal",
    ]) func refusesWhatCannotChange(name: String) {
        let error = #expect(throws: SallyError.self) { try update([(name, "x")]) }
        #expect(error?.message == "field \(name) cannot be changed" && error?.code == .unsupported)
    }

    @Test(
        arguments: [
            [:], ["name": nil], ["name": ""], [], "x", ["user_id": 0], ["nosuch": 1], ["admin_comment": "x"],
            ["priority": 5],
            ["nice": -1], ["deadline": 5], ["job_id": 7], ["site_factor": 1], ["reboot": true],
        ] as [JSONValue]) func refusesOtherBodies(body: JSONValue)
    {
        #expect(throws: SallyError.self) { try JobUpdate(from: body, version: new) }
    }

    /// What the gateway keeps at the end of the comment goes through every update of it.
    @Test func theCommentCanBeMapped() throws {
        var changes = try update([("comment", "new")])
        #expect(changes.changesComment)
        changes.mapComment { "\($0 ?? "") marker" }
        #expect(try changes.json(version: new, now: now) == ["comment": "new marker"])
        var clearing = try update([("comment", "")])
        clearing.mapComment { $0 ?? "marker" }
        #expect(try clearing.json(version: new, now: now) == ["comment": "marker"])
        var neither = try update([("name", "x")])
        neither.mapComment { _ in "marker" }
        #expect(try neither.json(version: new, now: now) == ["name": "x"])
    }

    @Test func judgesTheJobAsItWouldBe() throws {
        let moved = try merged([("partition", "gpu"), ("time_limit", 90)])
        #expect(moved.job.partitions.map(\.rawValue) == ["gpu"])
        #expect(moved.job.account.rawValue == "lab" && moved.job.qos.isEmpty)
        #expect(moved.bounds.description == "nodes=2 cpus=8 mem=800M time=1:30:00 tasks=10")
        #expect(try merged([("tasks", 16)]).bounds.cpus == 32)
        #expect(try merged([("memory_per_node", 1000)]).bounds.memory == 2000 << 20)
        // One end of the range leaves the other as it is.
        #expect(try merged([("maximum_nodes", 3)]).job.request.nodes == NodeCount(minimum: 1, maximum: 3))
        #expect(try merged([("minimum_nodes", 2)]).job.request.nodes == NodeCount(minimum: 2, maximum: 2))
        #expect(try merged([("minimum_nodes", 3)]).job.request.nodes == NodeCount(minimum: 3, maximum: 3))
        #expect(try merged([("nodes", "3")]).bounds.nodes == 3)
        #expect(try merged([("tres_per_job", "gres/gpu:a100:2")]).bounds.gpusByType == ["a100": 2])
        #expect(try merged([("qos", "high")]).job.qos.map(\.rawValue) == ["high"])
        #expect(try merged([("hold", true)]).job.request.hold)
        #expect(throws: SallyError.self) { try merged([("partition", "nosuch")]) }
        #expect(throws: SallyError.self) { try merged([("minimum_nodes", 9)]) }
    }

    /// Less than what Slurm reports is never judged.
    @Test func whatSlurmReportsIsTheLeast() throws {
        var running = try #require(pending.object)
        running["tres_alloc_str"] = "cpu=64,mem=1.5T,node=8,billing=64,gres/gpu=3,gres/gpu:a100=2"
        let bounds = try merged([("tasks", 4), ("name", "x")], .object(running)).bounds
        #expect(bounds.nodes == 8 && bounds.cpus == 64 && bounds.memory == 1_572_864 << 20)
        #expect(bounds.gpusByType == ["a100": 2] && bounds.untypedGPUs == 1)
        running["tres_req_str"] = "cpu=8,mem=lots,node=1"
        #expect(try merged([("name", "x")], .object(running)).bounds.memory == nil)
    }

    /// v0.0.38 does not say how many CPUs a task has.
    @Test func cpusOfATaskAreKnownFromTheJob() throws {
        let job: JSONValue = [
            "account": "lab", "partition": "debug", "tasks": 2, "cpus": 8, "node_count": 1, "max_nodes": 0,
            "cpus_per_task": nil,
            "tres_req_str": "cpu=8,mem=1G,node=1", "shared": nil, "memory_per_node": nil, "time_limit": nil,
        ]
        let bounds = try merged([("tasks", 4)], job).bounds
        #expect(bounds.cpus == 16 && bounds.time == nil)
    }

    @Test func refusesWhatNothingBounds() throws {
        for (key, value) in [
            ("tres_per_socket", "gres/gpu:1"), ("tres_per_node", "gres/fpga:1"), ("account", ""), ("het_job_id", "7"),
        ] {
            var job = try #require(pending.object)
            job[key] = .string(value)
            #expect(throws: SallyError.self) { try merged([("tasks", 2)], .object(job)) }
        }
        var job = try #require(pending.object)
        job["shared"] = ["mcs"]
        #expect(try merged([("name", "x")], .object(job)).bounds.cpus == 32)
        job["array_task_string"] = "0-9,11,..."
        #expect(try merged([("name", "x")], .object(job)).bounds.arrayTasks == 4_000_001)
    }

    /// The records of real daemons are read as what was asked for.
    @Test(arguments: Fixture.daemons) func readsRecordedJobs(daemon: Fixture.Daemon) throws {
        let jobs = try #require(try Fixture.json("jobs", daemon)["jobs"]?.array)
        var names: Set<String> = []
        for json in jobs where json["user_name"] == "recorder" {
            let job = try ExistingJob(json)
            names.insert(json["name"]?.string ?? "")
            #expect(job.request.account?.rawValue == "research")
            #expect(job.request.partitions.map(\.rawValue) == ["debug"])
            switch json["name"]?.string {
            case "done":
                #expect(job.request.tasks == 2 && job.request.memoryPerNode == Memory(mebibytes: 100))
                #expect(job.request.timeLimit?.minutes == 5 && job.request.comment == "a comment")
            case "array": #expect(job.arrayTasks == 10)
            default: break
            }
        }
        #expect(names.isSuperset(of: ["done", "array", "held"]))
    }
}
