// SPDX-License-Identifier: Apache-2.0

import SallyFuzz

@testable import SlurmModel

/// CPUs that Slurm adds to a made-up job: by MaxMemPerCPU, as `_valid_pn_min_mem` of job_mgr.c does it in 22.05 or in 24.11, and
/// to fill cores or sockets. The bounds are not asked how.
struct AddedCPUs {
    private(set) var cpusPerTask: Int
    private(set) var cpusPerNode: Int
    /// What memory for each CPU is divided by.
    private(set) var parts = 1
    let usualMemoryPerCPU: Memory?
    private let wholeSockets: Bool

    /// - Parameter nodes: the least that the job wants.
    init(
        _ defaults: ClusterDefaults, _ partition: Partition, _ request: JobRequest, nodes: Int,
        _ random: inout SeededGenerator
    ) {
        cpusPerTask = request.cpusPerTask ?? 1
        cpusPerNode = request.cpusPerNode ?? 1
        wholeSockets = defaults.wholeSockets || partition.givesSockets
        var usual = partition.defaultMemoryPerCPU
        if usual == nil, partition.defaultMemoryPerNode == nil, case .perCPU(let each)? = defaults.memoryLimits?.usual {
            usual = each
        }
        usualMemoryPerCPU = usual
        let own = defaults.nodes.filter { $0.partitions.contains(partition.name) }
        let saysMemory = request.memoryPerCPU != nil || request.memoryPerNode != nil
        guard let limit = AddedCPUs.limit(defaults, partition, own, saysMemory: saysMemory, &random) else { return }
        let most = own.map(\.memory.mebibytes).max() ?? 0
        if let each = request.memoryPerCPU ?? (saysMemory ? nil : usual) {
            parts = Int(each.mebibytes + limit - 1) / Int(limit)
            cpusPerTask *= parts
        } else {
            let said = (request.memoryPerNode ?? partition.defaultMemoryPerNode)?.mebibytes ?? 0
            fill(Int((said > 0 ? said : most) + limit - 1) / Int(limit), request, nodes: nodes, &random)
        }
    }

    /// MiB. What nobody told is no less than a fair share, and nothing for a job that says nothing.
    private static func limit(
        _ defaults: ClusterDefaults, _ partition: Partition, _ nodes: [Node], saysMemory: Bool,
        _ random: inout SeededGenerator
    ) -> Int64? {
        if let own = partition.maximumMemoryPerCPU { return own.mebibytes }
        if partition.maximumMemoryPerNode != nil { return nil }
        guard let told = defaults.memoryLimits else {
            let share = nodes.map { $0.memory.mebibytes / Int64($0.cpus) }.min() ?? 1
            return saysMemory ? share + Int64(random.below(3) * 50) : nil
        }
        if case .perCPU(let most)? = told.maximum { return most.mebibytes }
        return nil
    }

    private mutating func fill(_ least: Int, _ request: JobRequest, nodes: Int, _ random: inout SeededGenerator) {
        let tasks = request.impliedTasks ?? 0
        let onNode = request.tasksPerNode ?? 1
        guard max(cpusPerNode, cpusPerTask, tasks > 1 ? cpusPerTask * onNode : 1) < least else { return }
        cpusPerNode = least
        guard random.chance(60) else { return }
        if request.tasksPerNode != nil {
            cpusPerTask = (least + onNode - 1) / onNode
            cpusPerNode = max(cpusPerTask * onNode, least)
        } else if tasks > 0 {
            cpusPerTask = (least * nodes + tasks - 1) / tasks
            cpusPerNode = max(least, cpusPerTask * tasks / nodes)
        } else {
            cpusPerTask = max(least, cpusPerTask)
        }
    }

    /// With the rest of the cores, or of as many sockets as they may be on.
    func whole(_ cpus: Int, on node: Node, _ random: inout SeededGenerator) -> Int {
        let cores = (cpus + node.cpusPerCore - 1) / node.cpusPerCore
        guard wholeSockets else { return cores * node.cpusPerCore }
        let fewest = (cores * node.cpusPerCore + node.cpusPerSocket - 1) / node.cpusPerSocket
        return (fewest + random.below(max(1, cores - fewest + 1))) * node.cpusPerSocket
    }
}
