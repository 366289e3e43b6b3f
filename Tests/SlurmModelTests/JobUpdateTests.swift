// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmTestSupport
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

    /// `lab` takes the QOS normal where none is named, `other` another one.
    private static func defaults() -> ClusterDefaults {
        var debug = Partition(
            name: "debug", isDefault: true, totalNodes: 4, totalCPUs: 32, totalMemory: Memory(mebibytes: 32_000))
        debug.defaultTime = TimeLimit(minutes: 60)
        let gpu = Partition(
            name: "gpu", isDefault: false, totalNodes: 2, totalCPUs: 64, totalMemory: Memory(mebibytes: 100_000))
        var defaults = ClusterDefaults(
            partitions: [debug, gpu], nodes: Node.samples(of: [debug, gpu]), account: nil, home: "/home/alice")
        defaults.jobDefaults = JobDefaults.nothing
        defaults.memoryLimits = MemoryLimits.nothing
        defaults.usualQOS = [
            AccountName(unchecked: "lab"): QOSName(unchecked: "normal"),
            AccountName(unchecked: "other"): QOSName(unchecked: "quick"),
        ]
        return defaults
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

    private func outcomes(
        _ fields: [(String, JSONValue)], _ existing: JSONValue? = nil, from daemon: Int = 42,
        defaults: ClusterDefaults = JobUpdateTests.defaults()
    ) throws -> [JobUpdate.Outcome] {
        try update(fields).outcomes(
            of: existing ?? pending, from: APIVersion(rawValue: daemon), defaults: defaults, user: UserName("alice"))
    }

    /// The job with the whole update.
    private func merged(_ fields: [(String, JSONValue)], _ existing: JSONValue? = nil) throws -> JobUpdate.Outcome {
        try #require(try outcomes(fields, existing).first)
    }

    /// The waiting job, otherwise.
    private func job(_ fields: [(String, JSONValue)]) throws -> JSONValue {
        var job = try #require(pending.object)
        for (key, value) in fields { job[key] = value }
        return .object(job)
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
        // slurmctld reads the digits at the beginning: %3 would be no limit at all.
        for value in ["3", "%3", 3, "0-9%3"] as [JSONValue] {
            for version in [new, old] {
                #expect(try update([("array", value)]).json(version: version, now: now) == ["array": "3"])
            }
        }
        #expect(try update([("array", "0-9%0")]).throttle == 0)
        for value in ["0-99", "%", "%x", -1, "3,5", ["%3"]] as [JSONValue] {
            #expect(throws: SallyError.self) { try update([("array", value)]) }
        }
        #expect(throws: SallyError.self) { try update([("array", "")]) }
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
            ["priority": 5], ["priority": 1], ["priority": ["set": true, "infinite": true]],
            ["memory_per_node": 5, "memory_per_cpu": 5], ["memory_per_node": 5, "memory_per_tres": "gres/gpu:5"],
            ["tres_per_socket": "gres/gpu:1"], ["ntasks_per_tres": 2], ["cpus_per_tres": "gres/fpga:1"],
            ["tres_per_task": "cpu:4"], ["memory_per_tres": "gres/gpu:a100:5"], ["sockets_per_node": 2],
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
        var long = try update([("comment", .string(String(repeating: "x", count: JobRequest.longestComment)))])
        long.mapComment { "\($0 ?? "") marker" }
        let made = try long.outcomes(of: pending, from: new, defaults: Self.defaults(), user: UserName("alice"))
        #expect(made.first?.job.request.comment?.hasSuffix("x marker") == true)
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
        // Slurm raises the tasks to the nodes.
        #expect(
            try merged([("minimum_nodes", 9)]).bounds.description == "nodes=9 cpus=18 mem=1800M time=30:00 tasks=10")
    }

    /// slurmctld leaves USING_DEFAULT_QOS where it is when an update names a QOS.
    @Test func theQOSThatTheJobHasIsJudged() throws {
        let long = try job([("qos", "long")])
        #expect(try merged([("name", "x")], long).job.qos.map(\.rawValue) == ["long"])
        for flags in [["USING_DEFAULT_QOS"], []] as [JSONValue] {
            let usual = try merged([("name", "x")], try job([("flags", flags)])).job
            #expect(usual.qos.isEmpty && usual.usualQOS?.rawValue == "normal")
        }
        // Where the default is not known, nothing is one.
        let there = try job([("account", "third")])
        let unknown = try merged([("name", "x")], there).job
        #expect(unknown.qos.map(\.rawValue) == ["normal"] && unknown.usualQOS == nil)
        // Named by the update it is named, whatever is the default.
        #expect(try merged([("qos", "normal")]).job.qos.map(\.rawValue) == ["normal"])
    }

    /// Slurm may keep it, or take the default of the other association.
    @Test func inAnotherAccountAQOSIsJudgedBothWays() throws {
        let moved = try outcomes([("account", "other")])
        #expect(moved.map { $0.job.qos.map(\.rawValue) } == [["normal"], []])
        #expect(moved.allSatisfy { $0.job.account.rawValue == "other" && $0.job.usualQOS?.rawValue == "quick" })
        #expect(try outcomes([("account", "other"), ("qos", "long")]).allSatisfy { $0.job.qos.count == 1 })
        #expect(try outcomes([("account", "lab")]).map(\.job.qos) == [[]])
        #expect(try outcomes([("partition", "gpu")], try job([("qos", "long")])).map(\.job.qos.count) == [1, 0])
    }

    /// An update of one leaves the others: the largest is what Slurm may give.
    @Test(
        arguments: [
            (["memory_per_node": 3000, "memory_per_cpu": nil], 6000),
            (["memory_per_node": 10, "memory_per_cpu": nil], 2000),
            (["memory_per_cpu": 5000, "memory_per_node": nil], 40_000),
            (["memory_per_node": nil, "memory_per_cpu": nil], 2000),
            // What Slurm writes where nothing was said.
            (["memory_per_node": 0, "memory_per_cpu": nil], 2000),
        ] as [([String: JSONValue], Int64)]) func noAmountOfMemoryHidesAnother(fields: [String: JSONValue], most: Int64)
        throws
    {
        let said = fields.map { ($0.key, $0.value) }
        let gpus: [(String, JSONValue)] = [("tres_per_job", "gres/gpu:2"), ("tres_req_str", "")]
        let each: [(String, JSONValue)] = [("memory_per_tres", "gres/gpu:1000")]
        let existing = try job(said + gpus + each)
        #expect(try merged([("name", "x")], existing).bounds.memory == most << 20)
        let least = try merged(each, try job(said + gpus)).bounds.memory
        #expect(least.map { $0 >= most << 20 } == true)
        #expect(try merged([("memory_per_node", 0)], existing).bounds.memory == 32_000 << 20)
    }

    /// An amount for each of something is one for each that the job has already.
    @Test func whatSlurmReportsIsMultiplied() throws {
        let wide = try job([("tres_req_str", "cpu=64,mem=64M,node=8,gres/gpu=4"), ("max_nodes", 0), ("node_count", 1)])
        #expect(try merged([("memory_per_cpu", 100), ("name", "x")], wide).bounds.memory == 6400 << 20)
        #expect(try merged([("memory_per_node", 100)], wide).bounds.memory == 800 << 20)
        #expect(try merged([("memory_per_tres", "gres/gpu:3000")], wide).bounds.memory == 12_000 << 20)
        #expect(try merged([("cpus_per_tres", "gres/gpu:30")], wide).bounds.cpus ?? 0 >= 120)
        #expect(try merged([("tasks", 1)], wide).bounds.nodes == 8)
    }

    /// One end of the range leaves the other, said or not.
    @Test func aMinimumAloneLowersNoMaximum() throws {
        let open: [(String, JSONValue)] = [("max_nodes", 0), ("tasks", 1), ("cpus", 1), ("cpus_per_task", 1)]
        let gpus = try job(open + [("tres_per_job", "gres/gpu:a100:6")])
        #expect(try merged([("minimum_nodes", 2)], gpus).bounds.nodes == 6)
        #expect(try merged([("minimum_nodes", 1)], gpus).bounds.nodes == 6)
        let named = try job(open + [("required_nodes", "n[1-5]")])
        #expect(try merged([("minimum_nodes", 2)], named).bounds.nodes == 5)
        // Tasks that come with the same update count, in whatever order they are put on.
        #expect(try merged([("minimum_nodes", 2), ("tasks", 7)], try job(open)).bounds.nodes == 7)
        let wide = try job([("max_nodes", 12)])
        #expect(try merged([("minimum_nodes", 2)], wide).bounds.nodes == 12)
        #expect(try merged([("maximum_nodes", 3)], wide).bounds.nodes == 3)
        #expect(try merged([("nodes", "2")], wide).bounds.nodes == 2)
        #expect(try merged([("nodes", "2")], wide).job.request.tasks == 4)
        #expect(try merged([("nodes", "6")], wide).job.request.tasks == 6)
    }

    /// 24.05 and later put the new GPUs in the place of the old; older ones add a type that is new, and report it alone.
    @Test func anotherTypeOfGPUsTakesThePlaceOfTheOld() throws {
        let old = try job([
            ("tres_per_job", "gres/gpu:a100:2"), ("tres_req_str", "cpu=8,mem=1G,node=1,gres/gpu=2,gres/gpu:a100=2"),
        ])
        let other = [("tres_per_job", "gres/gpu:v100:1")] as [(String, JSONValue)]
        let replaced = try outcomes(other, old)
        #expect(replaced.map(\.bounds.gpusByType) == [["v100": 1]] && replaced[0].bounds.untypedGPUs == 0)
        for daemon in [38, 40] {
            let error = #expect(throws: SallyError.self) { try outcomes(other, old, from: daemon) }
            #expect(error?.code == .unsupported && error?.message.contains("a100:2") == true)
            #expect(throws: SallyError.self) { try outcomes([("tres_per_job", "gres/gpu:1")], old, from: daemon) }
            // No more than before: the test of hidden tasks is another one.
            let both = try outcomes([("tres_per_job", "gres/gpu:v100:1,gres/gpu:A100:1")], old, from: daemon)
            #expect(both[0].bounds.gpusByType == ["a100": 1, "v100": 1])
        }
        // Another field keeps what it says, and what runs is not taken away.
        #expect(try merged([("tres_per_node", "gres/gpu:v100:1")], old).bounds.gpusByType == ["a100": 2, "v100": 2])
        let running = try job([
            ("tres_per_job", "gres/gpu:a100:2"), ("tres_alloc_str", "cpu=8,gres/gpu=2,gres/gpu:a100=2"),
        ])
        #expect(try merged(other, running).bounds.gpusByType == ["a100": 2, "v100": 1])
        // Nothing is replaced by an update of something else.
        #expect(try merged([("tasks", 2)], old).bounds.gpusByType == ["a100": 2])
    }

    /// sbatch(1) --ntasks-per-gpu, which v0.0.38 does not report: so many tasks as the job has for each GPU may come with each.
    @Test func tasksThatNobodyReportsAreBoundByThoseThatTheJobHas() throws {
        let one: [(String, JSONValue)] = [
            ("job_state", "PENDING"), ("tasks", 4), ("cpus", 8), ("max_nodes", 1), ("tres_req_str", "cpu=8,node=1"),
            ("tres_per_node", "gres:gpu:a100:2"),
        ]
        let job = try job(one)
        #expect(try outcomes([("name", "x")], job, from: 38).map(\.bounds.cpus) == [8])
        // On more nodes there are more GPUs: two tasks for each.
        let wide = try self.job(one + [("max_nodes", 3)])
        let most = try outcomes([("name", "x")], wide, from: 38)
        #expect(most.map(\.bounds.cpus) == [24] && most.map(\.bounds.nodes) == [3])
        #expect(most.map(\.bounds.gpusByType) == [["a100": 6]])
        #expect(try outcomes([("name", "x")], wide, from: 40).map(\.bounds.cpus) == [8])
        // Two nodes were asked for, and have four GPUs: one task for each.
        let two = try self.job(one + [("max_nodes", 3), ("tres_req_str", "cpu=8,node=2"), ("node_count", 2)])
        #expect(try outcomes([("name", "x")], two, from: 38).map(\.bounds.cpus) == [12])
        // Of a job that has run, so many may be what it got and not what it asked for.
        for (key, value) in [("job_state", "RUNNING"), ("restart_cnt", 1)] as [(String, JSONValue)] {
            let ran = try self.job(one + [("max_nodes", 3), ("tres_req_str", "cpu=8,node=2"), (key, value)])
            #expect(try outcomes([("name", "x")], ran, from: 38).map(\.bounds.cpus) == [24], "\(key)")
        }
        // Without a maximum they bring CPUs, and no nodes of their own.
        let open = try self.job(one + [("max_nodes", 0), ("tasks", 2), ("cpus", 2)])
        #expect(try outcomes([("name", "x")], open, from: 38).map(\.bounds.nodes) == [2])
    }

    /// Else the next update would be judged by fewer tasks for each GPU than there are.
    @Test(
        arguments: [
            (["tres_per_job": "gres/gpu:a100:3"], true), (["tres_per_job": "gres/gpu:a100:2"], false),
            (["tres_per_job": "gres/gpu:a100:1"], false), (["tres_per_node": "gres/gpu:a100:3"], true),
            (["tasks": 3], true),
            (["tasks": 9], false), (["tres_per_job": "gres/gpu:a100:3", "tasks": 6], true),
            (["minimum_nodes": 2], false),
            (["tres_per_node": "gres/gpu:a100:1", "minimum_nodes": 3], true), (["name": "x"], false),
        ] as [([String: JSONValue], Bool)])
    func tasksThatNobodyReportsAreNotForgotten(changes: [String: JSONValue], isRefused: Bool) throws {
        let job = try job([
            ("job_state", "PENDING"), ("tres_per_job", "gres:gpu:a100:2"), ("tres_req_str", "cpu=8,node=1"),
        ])
        let changes = changes.map { ($0.key, $0.value) }
        if isRefused {
            let error = #expect(throws: SallyError.self) { try outcomes(changes, job, from: 38) }
            #expect(error?.code == .unsupported && error?.message.contains("tasks each GPU") == true)
        } else {
            _ = try outcomes(changes, job, from: 38)
        }
        // Later versions report them.
        _ = try outcomes(changes, job, from: 40)
    }

    /// Slurm gives nodes first and tasks after them. Where it stops between the two, a job has half the tasks for each GPU, and the
    /// next update would be judged by these.
    @Test func moreTasksWithMoreNodesAreNoWayRound() throws {
        let job = try job([
            ("job_state", "PENDING"), ("tres_per_node", "gres:gpu:a100:2"), ("tres_req_str", "cpu=8,node=1"),
        ])
        _ = try outcomes([("tasks", 8)], job, from: 38)
        for changes in [[("minimum_nodes", 2)], [("minimum_nodes", 2), ("tasks", 8)]] as [[(String, JSONValue)]] {
            let error = #expect(throws: SallyError.self) { try outcomes(changes, job, from: 38) }
            #expect(error?.code == .unsupported)
            _ = try outcomes(changes, job, from: 40)
        }
    }

    @Test func ofAJobWithoutGPUsNobodyKnowsHowManyTasksTheyBring() throws {
        #expect(throws: SallyError.self) { try outcomes([("tres_per_job", "gres/gpu:1")], from: 38) }
        #expect(throws: SallyError.self) { try outcomes([("tres_per_node", "gres/gpu:1")], from: 38) }
        // Those of a task are none that others come with.
        _ = try outcomes([("tres_per_task", "gres/gpu:1")], from: 38)
        _ = try outcomes([("tasks", 1)], from: 38)
        _ = try outcomes([("tres_per_job", "gres/gpu:1")], from: 40)
    }

    /// Slurm's own for each GPU may be what is reported, and may become more in another partition.
    @Test func whatGPUsBringByDefaultIsJudgedOfAJobThatIsThere() throws {
        var defaults = Self.defaults()
        defaults.jobDefaults = try JobDefaults("DefCpuPerGPU=6,DefMemPerGPU=5000")
        let gpus: [(String, JSONValue)] = [("tres_per_job", "gres:gpu:2"), ("max_nodes", 1)]
        func bounds(_ changes: [(String, JSONValue)], _ more: [(String, JSONValue)] = []) throws -> [ResourceBounds] {
            try outcomes(changes, try job(gpus + more), defaults: defaults).map(\.bounds)
        }
        #expect(try bounds([("name", "x")]).map(\.cpus) == [12])
        #expect(try bounds([("name", "x")]).map(\.memory) == [10_000 << 20])
        #expect(try bounds([("name", "x")], [("cpus_per_tres", "gres:gpu:9")]).map(\.cpus) == [18])
        #expect(try bounds([("cpus_per_tres", "gres/gpu:1")]).map(\.cpus) == [8])
        // JOB_MEM_SET: it asked for memory itself.
        let asked: [(String, JSONValue)] = [("flags", ["EXACT_MEMORY_REQUESTED"])]
        #expect(try bounds([("name", "x")], asked).map(\.memory) == [1200 << 20])
        #expect(try bounds([("memory_per_node", 700)]).map(\.memory) == [800 << 20])
        #expect(try bounds([("memory_per_tres", "gres/gpu:900")]).map(\.memory) == [1800 << 20])
        // Of more than one thing Slurm may do the other alone.
        #expect(try bounds([("cpus_per_tres", "gres/gpu:1"), ("time_limit", 1)]).compactMap(\.cpus).max() == 12)
        #expect(try bounds([("memory_per_node", 700), ("time_limit", 1)]).compactMap(\.memory).max() == 10_000 << 20)
        // GPUs that an update brings, another partition, and nothing without GPUs.
        let brought = [("tres_per_job", "gres/gpu:3")] as [(String, JSONValue)]
        #expect(try outcomes(brought, try job([("max_nodes", 1)]), defaults: defaults).map(\.bounds.cpus) == [18])
        defaults.partitions[1].jobDefaults = try JobDefaults("DefCpuPerGPU=30")
        let moved = try outcomes([("partition", "gpu")], try job(gpus), defaults: defaults)
        #expect(moved.compactMap(\.bounds.cpus).max() == 60)
        #expect(try outcomes([("name", "x")], defaults: defaults).map(\.bounds.cpus) == [8])
    }

    @Test func defaultsThatNobodyKnowsAreWholeNodesOfAJobThatIsThereToo() throws {
        var defaults = Self.defaults()
        defaults.jobDefaults = nil
        let job = try job([("tres_per_job", "gres:gpu:2"), ("max_nodes", 1)])
        let bounds = try outcomes([("name", "x")], job, defaults: defaults).map(\.bounds)
        #expect(bounds.map(\.cpus) == [32] && bounds.map(\.memory) == [32_000 << 20])
        #expect(try outcomes([("cpus_per_tres", "gres/gpu:1")], job, defaults: defaults).map(\.bounds.cpus) == [8])
        #expect(try outcomes([("name", "x")], defaults: defaults).map(\.bounds.cpus) == [8])
    }

    /// Slurm does one after the other, and what it did stays when it refuses the next.
    @Test func ofSeveralChangesThatAreJudgedTheLargerCounts() throws {
        let old = try job([("max_nodes", 6), ("tres_per_job", "gres/gpu:a100:2")])
        #expect(try outcomes([("time_limit", 10)], old).map { $0.bounds.time?.components.seconds } == [600])
        let two = try outcomes([("time_limit", 10), ("partition", "gpu")], old)
        #expect(two.map { $0.bounds.time?.components.seconds } == [600, 1800])
        #expect(two.allSatisfy { $0.job.partitions.map(\.rawValue) == ["gpu"] })
        let nodes = try outcomes([("maximum_nodes", 1), ("memory_per_node", 5000)], old)
        #expect(nodes.map(\.bounds.nodes).max() == 6 && nodes.compactMap(\.bounds.memory).max() == 30_000 << 20)
        let released = try outcomes([("hold", false), ("maximum_nodes", 1)], old)
        #expect(released.map(\.bounds.nodes) == [1, 6])
        // The old GPUs or the new, never both.
        let moved = try outcomes([("tres_per_job", "gres/gpu:v100:1"), ("time_limit", 60)], old)
        #expect(moved.map(\.bounds.gpusByType) == [["v100": 1], ["a100": 2]])
        // What nobody judges adds nothing.
        #expect(try outcomes([("time_limit", 10), ("name", "x"), ("comment", "y"), ("nice", 3)], old).count == 1)
    }

    /// What comes with a job from elsewhere is judged or refused, never left out.
    @Test func amountsForEachResourceAreJudgedOrRefused() throws {
        #expect(
            try merged(
                [("name", "x")],
                try job([("cpus_per_tres", "gres:gpu:5"), ("tres_per_job", "gres:gpu:4"), ("max_nodes", 1)])
            )
            .bounds.cpus == 20)
        // 24.11 says --cpus-per-task twice.
        let twice = try job([("tres_per_task", "cpu=3,gres/gpu:a100:1"), ("max_nodes", 1)])
        #expect(try merged([("name", "x")], twice).bounds.description.contains("cpus=12 mem=1200M gpu:a100=4"))
        #expect(try merged([("name", "x")], try job([("tres_per_task", "cpu:3")])).bounds.cpus == 12)
        for fields in [
            [("tasks_per_tres", ["set": true, "number": 2])], [("tres_per_task", "license/x:1")],
            [("tres_per_task", "cpu:x")],
            [("cpus_per_tres", "gres:fpga:2")], [("memory_per_tres", "gres:gpu:a100:7")],
        ] as [[(String, JSONValue)]] {
            #expect(throws: SallyError.self) { try merged([("name", "x")], try job(fields)) }
        }
        _ = try merged([("name", "x")], try job([("tasks_per_tres", ["set": true, "number": 0])]))
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
