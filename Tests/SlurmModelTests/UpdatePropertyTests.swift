// SPDX-License-Identifier: Apache-2.0

import SallyFuzz
import SallyModel
import SlurmTestSupport
import StrictJSON
import Testing

@testable import SlurmModel

/// Whatever Slurm makes of a job by what is sent, whole or in part, one of the outcomes that policy has to allow is at least
/// as large. Slurm is made up here by its own rules (src/slurmctld/job_mgr.c and src/interfaces/gres.c of 22.05 to 24.05): it
/// reads the body that is sent, and the outcomes are not asked how.
@Suite struct UpdatePropertyTests {
    private struct Slurm: Equatable {
        /// By the field that says them, and by type; the empty type is none.
        typealias Devices = [String: [String: Int]]

        var replacesGPUs = true
        /// sbatch(1) --ntasks-per-gpu, which the oldest does not report; 0 where none was said.
        var tasksPerGPU = 0
        /// Whether CPUs and memory were asked for; where they were not, the partition gives some for each GPU.
        var asksCPUs = true
        var asksMemory = true
        var partition = "debug"
        var tasks = 1
        var least = 1
        /// 0 where none was said.
        var most = 0
        var cpusPerTask = 1
        var cpusPerNode = 1
        var cpus = 1
        var memoryPerNode: Int? = 0
        var memoryPerCPU: Int?
        var memoryPerGPU: Int?
        var cpusPerGPU: Int?
        var devices: Devices = [:]
        var minutes = 30
        var named: [String] = []

        func gpus(nodes: Int) -> [String: Int] {
            var all: [String: Int] = [:]
            for (field, counts) in devices {
                let times = field == "tres_per_job" ? 1 : field == "tres_per_node" ? nodes : max(tasks, nodes)
                for (type, count) in counts { all[type, default: 0] += count * times }
            }
            return all
        }

        /// As many as are counted for --ntasks-per-gpu: those of the job, else of each node, of the type that has the most.
        func tasksOfGPUs(nodes: Int) -> Int {
            let types = Set(devices.values.flatMap(\.keys))
            let counts = types.map { type in
                let ofJob = devices["tres_per_job"]?[type] ?? 0
                return ofJob > 0 ? ofJob : (devices["tres_per_node"]?[type] ?? 0) * nodes
            }
            return tasksPerGPU * (counts.max() ?? 0)
        }

        /// Without --nodes a node for each task, GPU of the job, and named node.
        var mostNodes: Int {
            let gpus = devices["tres_per_job"]?.values.reduce(0, +) ?? 0
            return max(least, most > 0 ? most : max(tasks, gpus, named.count))
        }
    }

    private static let kinds = ["gres/gpu:1", "gres/gpu:a100:2", "gres/gpu:v100:1,gres/gpu:a100:1", "gres/gpu:v100:3"]
    private static let fields = ["tres_per_job", "tres_per_node", "tres_per_task"]

    private static func counts(_ text: String) -> [String: Int] {
        var counts: [String: Int] = [:]
        for part in text.split(separator: ",") {
            let pieces = part.split(separator: ":")
            counts[pieces.count == 3 ? String(pieces[1]) : "", default: 0] += Int(pieces[pieces.count - 1]) ?? 0
        }
        return counts
    }

    private static func made(_ random: inout SeededGenerator) -> Slurm {
        var job = Slurm()
        job.replacesGPUs = random.chance(60)
        job.partition = random.one(of: ["debug", "gpu"])
        job.tasks = 1 + random.below(6)
        job.least = min(job.tasks, 1 + random.below(3))
        if random.chance(60) { job.most = job.least + random.below(4) }
        job.cpusPerTask = 1 + random.below(3)
        if random.chance(30) { job.cpusPerNode = 1 + random.below(6) }
        for field in fields where random.chance(30) { job.devices[field] = counts(random.one(of: kinds)) }
        if random.chance(30) { job.named = (0..<1 + random.below(4)).map { "n\($0)" } }
        job.least = max(job.least, job.named.count)
        if job.most > 0 { job.most = max(job.most, job.least) }
        job.tasks = max(job.tasks, job.least)
        job.cpus = max(job.tasks * job.cpusPerTask, job.cpusPerNode * job.least)
        switch random.below(3) {
        case 0: job.memoryPerNode = 100 * (1 + random.below(5))
        case 1: (job.memoryPerNode, job.memoryPerCPU) = (nil, 50 * (1 + random.below(5)))
        default: break
        }
        if !job.devices.isEmpty, random.chance(30) { job.memoryPerGPU = 300 * (1 + random.below(3)) }
        if !job.devices.isEmpty, random.chance(30) { job.cpusPerGPU = 1 + random.below(4) }
        job.asksMemory = random.chance(60)
        job.asksCPUs = random.chance(60)
        if !job.replacesGPUs, random.chance(40) { putTasksPerGPU(onto: &job, &random) }
        return job
    }

    /// Slurm makes the tasks out of it and of all GPUs, and takes none for each task beside it.
    private static func putTasksPerGPU(onto job: inout Slurm, _ random: inout SeededGenerator) {
        job.devices["tres_per_task"] = nil
        let types = Set(job.devices.values.flatMap(\.keys))
        let counts = types.map { type in
            max(job.devices["tres_per_job"]?[type] ?? 0, (job.devices["tres_per_node"]?[type] ?? 0) * job.least)
        }
        let gpus = counts.reduce(0, +)
        guard gpus > 0 else { return }
        job.tasksPerGPU = 1 + random.below(3)
        job.tasks = max(job.tasksPerGPU * gpus, job.least)
        job.cpus = max(job.tasks * job.cpusPerTask, job.cpusPerNode * job.least)
    }

    /// As slurmrestd writes it. GPUs are counted only where the site tracks them.
    private static func record(_ job: Slurm, _ random: inout SeededGenerator) -> JSONValue {
        func number(_ value: Int?) -> JSONValue { ["set": .bool(value != nil), "number": .integer(value ?? 0)] }
        var required = "cpu=\(job.cpus),node=\(job.least)"
        if random.chance(50) {
            let gpus = job.gpus(nodes: job.least)
            required += ",gres/gpu=\(gpus.values.reduce(0, +))"
            for (type, count) in gpus.sorted(by: { $0.key < $1.key }) where !type.isEmpty {
                required += ",gres/gpu:\(type)=\(count)"
            }
        }
        let values: [(String, JSONValue)] = [
            ("account", "lab"), ("partition", .string(job.partition)), ("tasks", number(job.tasks)),
            ("cpus", number(job.cpus)), ("cpus_per_task", number(job.cpusPerTask)), ("node_count", number(job.least)),
            ("max_nodes", number(job.most)), ("minimum_cpus_per_node", number(job.cpusPerNode)),
            ("memory_per_node", number(job.memoryPerNode)), ("memory_per_cpu", number(job.memoryPerCPU)),
            ("time_limit", number(job.minutes)), ("tres_req_str", .string(required)),
            ("required_nodes", .string(job.named.joined(separator: ","))), ("job_state", ["PENDING"]),
            ("flags", job.asksMemory ? ["EXACT_MEMORY_REQUESTED"] : []),
        ]
        var record = JSONObject(values)
        for (field, counts) in job.devices {
            let parts = counts.sorted { $0.key < $1.key }.map { type, count in
                type.isEmpty ? "gres/gpu:\(count)" : "gres/gpu:\(type):\(count)"
            }
            record[field] = .string(parts.joined(separator: ","))
        }
        if let each = job.memoryPerGPU { record["memory_per_tres"] = .string("gres/gpu:\(each)") }
        if let each = job.cpusPerGPU { record["cpus_per_tres"] = .string("gres/gpu:\(each)") }
        return .object(record)
    }

    private static func update(_ random: inout SeededGenerator) -> JSONValue {
        var body = JSONObject([("name", "x")])
        func perhaps(_ key: String, _ percent: Int, _ value: (inout SeededGenerator) -> JSONValue) {
            if random.chance(percent) { body[key] = value(&random) }
        }
        perhaps("partition", 15) { .string($0.one(of: ["debug", "gpu"])) }
        perhaps("tasks", 20) { .integer(1 + $0.below(9)) }
        switch random.below(5) {
        case 0: body["minimum_nodes"] = .integer(1 + random.below(6))
        case 1: body["maximum_nodes"] = .integer(1 + random.below(6))
        case 2: body["nodes"] = .string("\(1 + random.below(3))-\(3 + random.below(4))")
        default: break
        }
        perhaps("minimum_cpus_per_node", 15) { .integer(1 + $0.below(9)) }
        switch random.below(5) {
        case 0: body["memory_per_node"] = .integer(100 * random.below(8))
        case 1: body["memory_per_cpu"] = .integer(50 + 50 * random.below(8))
        case 2: body["memory_per_tres"] = .string("gres/gpu:\(200 * (1 + random.below(5)))")
        default: break
        }
        perhaps("cpus_per_tres", 10) { .string("gres/gpu:\(1 + $0.below(6))") }
        for field in fields { perhaps(field, 20) { .string($0.one(of: kinds)) } }
        perhaps("time_limit", 20) { .integer(10 + 10 * $0.below(6)) }
        perhaps("required_nodes", 15) { .array((0..<1 + $0.below(4)).map { .string("n\($0)") }) }
        perhaps("hold", 10) { .bool($0.chance(50)) }
        return .object(body)
    }

    /// What slurmctld does with a body, step by step; it may stop after any.
    private static func steps(_ body: JSONValue) -> [@Sendable (inout Slurm) -> Void] {
        func number(_ key: String) -> Int? {
            guard let value = body[key] else { return nil }
            return value["number"]?.integer() ?? value.integer()
        }
        let (least, most, tasks) = (number("minimum_nodes"), number("maximum_nodes"), number("tasks"))
        let (perNode, perCPU, time) = (number("memory_per_node"), number("memory_per_cpu"), number("time_limit"))
        let cpusPerNode = number("minimum_cpus_per_node")
        func each(_ key: String) -> Int? { body[key]?.string.flatMap { Int($0.split(separator: ":").last ?? "") } }
        let (perGPU, cpusPerGPU) = (each("memory_per_tres"), each("cpus_per_tres"))
        let devices = Dictionary(
            uniqueKeysWithValues: fields.compactMap { field in body[field]?.string.map { (field, counts($0)) } })
        let partition = body["partition"]?.string
        let named = body["required_nodes"]?.array?.compactMap(\.string)
        return [
            { job in if let partition { job.partition = partition } },
            { job in if let named { job.named = named } },
            { job in
                for (field, counts) in devices {
                    job.devices[field] =
                        job.replacesGPUs ? counts : job.devices[field, default: [:]].merging(counts) { $1 }
                }
                if let perGPU { job.memoryPerGPU = perGPU }
                if let cpusPerGPU { job.cpusPerGPU = cpusPerGPU }
            },
            { job in
                if let least { job.least = least }
                if let most { job.most = most }
                job.tasks = max(job.tasks, least ?? 1)
                job.cpus = max(job.cpus, job.tasks * job.cpusPerTask)
            },
            { job in
                guard let cpusPerNode else { return }
                job.cpusPerNode = cpusPerNode
                job.cpus = max(job.cpus, cpusPerNode * job.least)
            },
            { job in
                guard let tasks else { return }
                job.tasks = max(tasks, job.least)
                job.cpus = max(job.cpus, job.tasks * job.cpusPerTask)
            },
            { job in if let time { job.minutes = time } },
            { job in
                if let perNode { (job.memoryPerNode, job.memoryPerCPU) = (perNode, nil) }
                if let perCPU { (job.memoryPerNode, job.memoryPerCPU) = (nil, perCPU) }
                if perNode != nil || perCPU != nil { job.asksMemory = true }
            },
        ]
    }

    private static let nodeMemory = 64_000
    private static let nodeCount = 12
    /// The cluster's, which `debug` has, and those of `gpu`.
    private static let usual = JobDefaults(cpusPerGPU: 2, memoryPerGPU: Memory(mebibytes: 350))
    private static let usualOfGPU = JobDefaults(cpusPerGPU: 5, memoryPerGPU: nil)

    private static let defaults: ClusterDefaults = {
        let partitions = ["debug", "gpu"].map {
            var partition = Partition(
                name: $0, isDefault: $0 == "debug", totalNodes: UpdatePropertyTests.nodeCount,
                totalCPUs: 64 * UpdatePropertyTests.nodeCount,
                totalMemory: Memory(mebibytes: Int64(UpdatePropertyTests.nodeCount * UpdatePropertyTests.nodeMemory)))
            if $0 == "gpu" { partition.jobDefaults = UpdatePropertyTests.usualOfGPU }
            return partition
        }
        var defaults = ClusterDefaults(partitions: partitions, nodes: Node.samples(of: partitions), account: nil)
        defaults.jobDefaults = UpdatePropertyTests.usual
        defaults.memoryLimits = MemoryLimits.nothing
        return defaults
    }()

    /// What a job can use on so many nodes.
    private static func use(_ job: Slurm, nodes: Int) -> (cpus: Int, memory: Int, gpus: [String: Int]) {
        let gpus = job.gpus(nodes: nodes)
        let all = gpus.values.reduce(0, +)
        let tasks = max(job.tasks, nodes, job.tasksOfGPUs(nodes: nodes))
        let ofGPU = (job.partition == "gpu" ? usualOfGPU.cpusPerGPU : usual.cpusPerGPU) ?? 0
        let each = job.cpusPerGPU ?? (job.asksCPUs ? 0 : ofGPU)
        var cpus = max(job.cpus, tasks * job.cpusPerTask, nodes * job.cpusPerNode, each * all)
        // On one node the GPUs bring more than its tasks need, on another the other way round.
        if nodes > 1, each > 0 { cpus = max(cpus, each * all + (tasks - 1) * job.cpusPerTask) }
        let usualMemory = job.asksMemory || job.memoryPerGPU != nil ? 0 : Int(usual.memoryPerGPU?.mebibytes ?? 0)
        var memory = [max(job.memoryPerGPU ?? 0, usualMemory) * all, (job.memoryPerCPU ?? 0) * cpus]
        if let each = job.memoryPerNode, each > 0 || job.memoryPerGPU == nil {
            memory.append((each > 0 ? each : nodeMemory) * nodes)
        }
        return (cpus, memory.max() ?? 0, gpus)
    }

    private static func holds(_ outcome: JobUpdate.Outcome, _ job: Slurm) -> Bool {
        let bounds = outcome.bounds
        guard outcome.job.partitions.map(\.rawValue) == [job.partition], job.mostNodes <= bounds.nodes,
            bounds.time.map({ Duration.seconds(job.minutes * 60) <= $0 }) ?? true
        else { return false }
        // No more than the partition has.
        return (job.least...max(job.least, min(job.mostNodes, nodeCount))).allSatisfy { nodes in
            let used = use(job, nodes: nodes)
            let typed = used.gpus.allSatisfy { type, count in
                type.isEmpty || count <= bounds.gpusByType[type, default: 0].saturatingAdd(bounds.untypedGPUs)
            }
            let all = bounds.gpusByType.values.reduce(bounds.untypedGPUs) { $0.saturatingAdd($1) }
            return typed && used.gpus.values.reduce(0, +) <= all && used.cpus <= bounds.cpus ?? .max
                && Int64(used.memory) << 20 <= bounds.memory ?? .max
        }
    }

    private static let parts = 4

    @Test(arguments: 0..<parts) func noJobThatSlurmMakesIsMore(part: Int) throws {
        let user = try UserName("alice")
        let client = APIVersion(rawValue: 42)
        try Fuzz("updates of jobs", part: part, of: Self.parts).run(accepting: 100) { random in
            var job = Self.made(&random)
            // The oldest is the one that keeps the tasks of each GPU to itself.
            let daemon = APIVersion(
                rawValue: job.replacesGPUs ? 42 : job.tasksPerGPU > 0 ? 38 : random.one(of: [38, 40]))
            var verdict = Fuzz.Verdict.refused
            // The second is judged by what the first has left.
            for _ in 0..<2 {
                let record = Self.record(job, &random)
                let body = Self.update(&random)
                guard let update = try? JobUpdate(from: body, version: client),  // contradicts itself
                    let outcomes = try? update.outcomes(of: record, from: daemon, defaults: Self.defaults, user: user),
                    // The fields of v0.0.40 are those of `steps`.
                    let sent = try? update.json(version: max(daemon, APIVersion(rawValue: 40)), now: Timestamp(0))
                else { continue }
                let steps = Self.steps(sent)
                let last = random.below(steps.count)
                var (made, left) = (job, job)
                for (count, step) in steps.enumerated() {
                    let before = made
                    step(&made)
                    if count <= last { left = made }
                    // As it was, it was allowed when it came; and what a step leaves as it was is known.
                    guard made != job, made != before else { continue }
                    verdict = .accepted
                    try Fuzz.check(
                        outcomes.contains { Self.holds($0, made) },
                        "\(record.text()) + \(sent.text()) after step \(count): \(made), judged \(outcomes.map(\.bounds))"
                    )
                }
                job = left
            }
            return verdict
        }
    }
}
