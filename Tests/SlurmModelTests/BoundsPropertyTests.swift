// SPDX-License-Identifier: Apache-2.0

import SallyFuzz
import SallyModel
import StrictJSON
import Testing

@testable import SlurmModel

/// Whatever Slurm gives a job that it may give it is within the bounds. An allocation is made up here by Slurm's rules alone
/// (sbatch(1)), node by node, and the bounds are not asked how.
@Suite struct BoundsPropertyTests {
    private struct Given {
        var cpus = 0
        var memory = 0
        var gpus = 0
    }

    private static let nodes: [Node] = (0..<12).map { number in
        var node = Node(
            name: "n\(number)", states: ["IDLE"], cpus: [4, 8, 64][number % 3],
            memory: Memory(mebibytes: Int64([4000, 16_000][number % 2])),
            partitions: number < 8 ? ["debug"] : ["debug", "gpu"])
        node.cpusPerCore = [1, 2, 2, 4][number % 4]
        node.cpusPerSocket = node.cpus / [1, 2][number % 2]
        node.gres = number < 8 ? "" : ["gpu:a100:4", "gpu:v100:2(S:0)"][number % 2]
        return node
    }

    private static func defaults(_ random: inout SeededGenerator) throws -> ClusterDefaults {
        let partitions = ["debug", "gpu"].map { name in
            let own = nodes.filter { $0.partitions.contains(name) }
            var partition = Partition(
                name: name, isDefault: name == "debug", totalNodes: own.count, totalCPUs: own.map(\.cpus).reduce(0, +),
                totalMemory: Memory(mebibytes: own.map(\.memory.mebibytes).reduce(0, +)))
            partition.isExclusive = random.chance(15)
            if random.chance(50) { partition.defaultMemoryPerCPU = Memory(mebibytes: 300) }
            if random.chance(30) { partition.defaultMemoryPerNode = Memory(mebibytes: 900) }
            if random.chance(30) { partition.jobDefaults = JobDefaults(cpusPerGPU: random.below(9), memoryPerGPU: nil) }
            if random.chance(20) { partition.maximumMemoryPerCPU = share(&random) }
            if random.chance(20) { partition.maximumMemoryPerNode = Memory(mebibytes: 8000) }
            partition.givesSockets = random.chance(10)
            if random.chance(20) { partition.minimumNodes = 1 + random.below(4) }
            return partition
        }
        var defaults = ClusterDefaults(partitions: partitions, nodes: nodes, account: try AccountName("lab"))
        if random.chance(70) { defaults.jobDefaults = usual(&random) }
        if random.chance(70) {
            defaults.memoryLimits = MemoryLimits(
                maximum: random.chance(60) ? .perCPU(share(&random)) : nil,
                usual: random.chance(60) ? .perCPU(share(&random)) : nil)
        }
        defaults.wholeSockets = random.chance(20)
        defaults.wholeNodes = random.chance(10)
        return defaults
    }

    private static func share(_ random: inout SeededGenerator) -> Memory {
        Memory(mebibytes: Int64(random.one(of: [150, 333, 1000, 4000])))
    }

    /// JobDefaults of slurm.conf, which the gateway may know or not.
    private static func usual(_ random: inout SeededGenerator) -> JobDefaults {
        JobDefaults(cpusPerGPU: random.below(9), memoryPerGPU: Memory(mebibytes: Int64(random.below(5) * 500)))
    }

    private static func request(_ random: inout SeededGenerator) -> JSONValue {
        var job = JSONObject([("script", "#!/bin/sh\n")])
        func perhaps(_ key: String, _ percent: Int, _ value: (inout SeededGenerator) -> JSONValue) {
            if random.chance(percent) { job[key] = value(&random) }
        }
        perhaps("nodes", 50) { random in
            let least = 1 + random.below(4)
            return .string(random.chance(50) ? "\(least)" : "\(least)-\(least + random.below(4))")
        }
        perhaps("ntasks", 50) { .integer(1 + $0.below(12)) }
        perhaps("ntasks_per_node", 40) { .integer(1 + $0.below(4)) }
        perhaps("cpus_per_task", 40) { .integer(1 + $0.below(6)) }
        perhaps("mincpus", 30) { .integer(1 + $0.below(8)) }
        perhaps("mem", 30) { .string($0.one(of: ["100M", "1G", "0"])) }
        perhaps("mem_per_cpu", 30) { .string($0.one(of: ["100M", "1G"])) }
        perhaps("mem_per_gpu", 30) { .string($0.one(of: ["100M", "2G"])) }
        for key in ["gpus", "gpus_per_node", "gpus_per_task"] {
            perhaps(key, 25) { .string($0.one(of: ["1", "3", "a100:2", "v100:1,a100:1"])) }
        }
        perhaps("cpus_per_gpu", 30) { .integer(1 + $0.below(4)) }
        perhaps("exclusive", 20) { .string($0.one(of: ["node", "user"])) }
        perhaps("partition", 50) { .string($0.one(of: ["debug", "gpu", "debug,gpu"])) }
        perhaps("nodelist", 15) { .string($0.one(of: ["n1", "n[1-3]", "n[8-9]"])) }
        perhaps("exclude", 15) { .string($0.one(of: ["n11", "n[4-6]"])) }
        return .object(job)
    }

    /// What Slurm may give, of the nodes that a partition has; nil where it could not run there.
    private func allocation(_ job: ResolvedJob, _ defaults: ClusterDefaults, _ random: inout SeededGenerator) -> (
        nodes: Int, given: Given
    )? {
        let request = job.request
        let place = random.one(of: Array(job.partitions.indices))
        let partition = defaults.partitions.first { $0.name == job.partitions[place].rawValue }
        guard let partition else { return nil }
        let usable = defaults.nodes.filter {
            $0.partitions.contains(partition.name) && request.excludedNodes?.names.contains($0.name) != true
        }
        // Slurm may choose any number of nodes up to one for each task, or for each GPU of the job.
        var most =
            request.nodes?.maximum
            ?? max(request.tasks ?? 1, request.gpus?.total ?? 1, request.requiredNodes?.names.count ?? 1)
        var least = max(request.nodes?.minimum ?? 1, request.requiredNodes?.names.count ?? 1)
        // MinNodes, of partitions of which some may take no jobs.
        let deciding = random.one(of: job.partitions).rawValue
        let wanted = defaults.partitions.first { $0.name == deciding }?.minimumNodes ?? 1
        if request.nodes?.maximum ?? .max >= wanted { least = max(least, wanted) }
        if request.nodes == nil { most = max(most, least) }
        guard least <= min(most, usable.count) else { return nil }
        let count = least + random.below(min(most, usable.count) - least + 1)
        var chosen = usable.filter { request.requiredNodes?.names.contains($0.name) == true }
        guard chosen.count == request.requiredNodes?.names.count ?? 0 else { return nil }
        for node in usable.shuffled(using: &random) where chosen.count < count && !chosen.contains(node) {
            chosen.append(node)
        }
        let each = request.tasksPerNode ?? 1
        let tasks =
            request.tasks.map { spread(max($0, least), over: count, &random) } ?? Array(repeating: each, count: count)
        guard request.tasksPerNode == nil || tasks.allSatisfy({ $0 <= each }) else { return nil }
        let gpus = spread(request.gpus?.total ?? 0, over: count, &random)
        var usual = defaults.jobDefaults ?? Self.usual(&random)
        usual.cpusPerGPU = partition.jobDefaults?.cpusPerGPU ?? usual.cpusPerGPU
        let slurm = AddedCPUs(defaults, partition, request, nodes: least, &random)
        let isWhole = request.exclusive != nil || partition.isExclusive || defaults.wholeNodes
        var total = Given()
        for (index, node) in chosen.enumerated() {
            let mine = onNode(
                request, partition, isWhole: isWhole, usual, node, tasks: tasks[index], gpus: gpus[index], slurm,
                &random)
            // Slurm gives no node more than it has.
            guard mine.cpus <= node.cpus, mine.memory <= node.memory.mebibytes, mine.gpus <= node.gpus?.total ?? 0
            else {
                return nil
            }
            total.cpus += mine.cpus
            total.memory += mine.memory
            total.gpus += mine.gpus
        }
        return (count, total)
    }

    private func onNode(
        _ request: JobRequest, _ partition: Partition, isWhole: Bool, _ usual: JobDefaults, _ node: Node, tasks: Int,
        gpus: Int,
        _ slurm: AddedCPUs, _ random: inout SeededGenerator
    ) -> Given {
        var given = Given()
        given.gpus = gpus + (request.gpusPerNode?.total ?? 0) + (request.gpusPerTask?.total ?? 0) * tasks
        let usualCPUs = request.cpusPerTask == nil ? usual.cpusPerGPU ?? 0 : 0
        given.cpus = max(
            1, tasks * slurm.cpusPerTask, slurm.cpusPerNode, (request.cpusPerGPU ?? usualCPUs) * given.gpus)
        // Tasks may share a core or socket, or each has its own; what was filled up so is not filled up again.
        given.cpus = slurm.whole(given.cpus, on: node, &random)
        if random.chance(30) { given.cpus = max(given.cpus, tasks * slurm.whole(slurm.cpusPerTask, on: node, &random)) }
        if isWhole { given.cpus = max(given.cpus, node.cpus) }
        // Slurm sets memory by GPUs on all nodes of a job or on none: a node without GPUs gets none of what the partition gives
        // otherwise, and of whole nodes every GPU counts (cons_tres, `gres_select_util_job_mem_set`).
        let hasGPUs = [request.gpus, request.gpusPerNode, request.gpusPerTask].contains { $0?.isEmpty == false }
        let counted = isWhole && hasGPUs ? node.gpus?.total ?? 0 : given.gpus
        let usualMemory = request.saysMemory ? 0 : Int(usual.memoryPerGPU?.mebibytes ?? 0)
        if usualMemory > 0, hasGPUs {
            given.memory = usualMemory * counted
        } else if let each = request.memoryPerGPU {
            given.memory = Int(each.mebibytes) * counted
        } else if let each = request.memoryPerNode {
            given.memory = Int(each.mebibytes > 0 ? each.mebibytes : node.memory.mebibytes)
        } else if let each = request.memoryPerCPU ?? slurm.usualMemoryPerCPU {
            given.memory = (Int(each.mebibytes) + slurm.parts - 1) / slurm.parts * given.cpus
        } else {
            given.memory = Int((partition.defaultMemoryPerNode ?? node.memory).mebibytes)
        }
        if isWhole {
            if request.memoryPerNode?.mebibytes == 0 { given.memory = Int(node.memory.mebibytes) }
            given.gpus = max(given.gpus, node.gpus?.total ?? 0)
        }
        return given
    }

    /// At least one on each node while there are enough.
    private func spread(_ amount: Int, over nodes: Int, _ random: inout SeededGenerator) -> [Int] {
        var parts = (0..<nodes).map { $0 < amount ? 1 : 0 }
        for _ in 0..<max(0, amount - nodes) { parts[random.below(nodes)] += 1 }
        return parts
    }

    private static let parts = 4

    @Test(arguments: 0..<parts) func noAllocationIsMore(part: Int) throws {
        let user = try UserName("alice")
        try Fuzz("bounds", quick: 2_500, part: part, of: Self.parts).run(accepting: 50) { random in
            let defaults = try Self.defaults(&random)
            let json = Self.request(&random)
            guard let request = try? JobRequest(json: json) else { return .refused }  // contradicts itself
            let job = try request.resolved(with: defaults, user: user)
            let bounds = ResourceBounds(of: job)
            var verdict = Fuzz.Verdict.refused
            for _ in 0..<4 {
                guard let (nodes, given) = allocation(job, defaults, &random) else { continue }
                verdict = .accepted
                let gpus = bounds.gpusByType.values.reduce(bounds.untypedGPUs) { $0.saturatingAdd($1) }
                try Fuzz.check(
                    nodes <= bounds.nodes && given.cpus <= bounds.cpus ?? .max
                        && Int64(given.memory) << 20 <= bounds.memory ?? .max && given.gpus <= gpus,
                    "\(json.text()) bounds \(bounds), given \(nodes) nodes, \(given)")
            }
            return verdict
        }
    }
}
