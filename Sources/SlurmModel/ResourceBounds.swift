// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The most that a job can use as it was asked for; of an array, the most that each task can use. Nil is unbounded.
///
/// Where Slurm may choose, the larger is taken: the maximum of nodes, a node for each task, all memory of a node where
/// none was asked for. Not counted: CPUs that Slurm adds to fill whole cores.
package struct ResourceBounds: Sendable, Equatable, CustomStringConvertible {
    package let nodes: Int
    package let cpus: Int?
    /// Bytes, over all nodes.
    package let memory: Int64?
    /// Types in lower case.
    package let gpusByType: [String: Int]
    /// GPUs that were asked for without a type, or that whole nodes may have; `Int.max` is unbounded.
    package let untypedGPUs: Int
    package let time: Duration?
    /// 1 for a job that is no array.
    package let arrayTasks: Int

    init(
        nodes: Int, cpus: Int?, memory: Int64?, gpusByType: [String: Int], untypedGPUs: Int, time: Duration?,
        arrayTasks: Int
    ) {
        self.nodes = nodes
        self.cpus = cpus
        self.memory = memory
        self.gpusByType = gpusByType
        self.untypedGPUs = untypedGPUs
        self.time = time
        self.arrayTasks = arrayTasks
    }

    package init(of job: ResolvedJob) {
        let request = job.request
        let nodes = ResourceBounds.nodes(request)
        let tasks = ResourceBounds.tasks(request, nodes: nodes)
        self.nodes = nodes
        let none = GPUCounts()
        var gpus =
            (request.gpus ?? none) + (request.gpusPerNode ?? none) * nodes + (request.gpusPerTask ?? none) * tasks
        var cpus = ResourceBounds.cpus(tasks: tasks, each: request.cpusPerTask ?? 1, nodes: nodes)
        if let each = request.cpusPerGPU {
            cpus = ResourceBounds.cpus(cpus, and: gpus.total, each: each, nodes: nodes)
        }
        if let each = request.cpusPerNode { cpus = ResourceBounds.cpus(cpus, and: nodes, each: each, nodes: nodes) }
        let asked = ResourceBounds.memory(job, nodes: nodes, cpus: cpus, gpus: gpus.total)
        let givingWhole = job.places.filter { $0.isExclusive || request.exclusive != nil }
        if givingWhole.isEmpty {
            self.cpus = cpus
            memory = asked
        } else {
            let whole = WholeNodes(givingWhole, nodes: nodes)
            self.cpus = whole.cpus.flatMap { all in cpus.map { max($0, all) } }
            memory = whole.memory.flatMap { all in asked.map { max($0, all) } }
            gpus = whole.gpus.map { gpus.within($0) } ?? GPUCounts(byType: gpus.byType, untyped: .max)
        }
        gpusByType = Dictionary(
            gpus.byType.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { $0.saturatingAdd($1) })
        untypedGPUs = gpus.untyped
        time = job.timeLimit.duration
        arrayTasks = request.array?.count ?? 1
    }

    package var description: String {
        var parts = ["nodes=\(nodes)", "cpus=\(cpus.map(String.init) ?? "unbounded")"]
        parts.append("mem=\(memory.map { Memory(mebibytes: $0 / 1_048_576).description } ?? "unbounded")")
        parts += gpusByType.sorted { $0.key < $1.key }.map { "gpu:\($0.key)=\($0.value)" }
        if untypedGPUs > 0 { parts.append("gpu=\(untypedGPUs == .max ? "unbounded" : "\(untypedGPUs)")") }
        parts.append(
            "time=\(time.map { TimeLimit(minutes: Int($0.components.seconds / 60)).description } ?? "unbounded")")
        if arrayTasks > 1 { parts.append("tasks=\(arrayTasks)") }
        return parts.joined(separator: " ")
    }

    /// Without --nodes Slurm may give every task, and for --gpus every GPU, a node of its own.
    private static func nodes(_ request: JobRequest) -> Int {
        if let nodes = request.nodes { return nodes.maximum }
        return max(1, request.tasks ?? 1, request.gpus?.total ?? 1, request.requiredNodes?.names.count ?? 1)
    }

    private static func tasks(_ request: JobRequest, nodes: Int) -> Int {
        let perNode = (request.tasksPerNode ?? 1).saturatingMultiply(nodes)
        return max(request.tasks ?? perNode, request.tasks == nil ? perNode : 1, nodes)
    }

    private static func cpus(tasks: Int, each: Int, nodes: Int) -> Int? {
        let (product, overflow) = tasks.multipliedReportingOverflow(by: each)
        return overflow ? nil : max(product, nodes)
    }

    /// On each node the larger of what its tasks need and what its GPUs bring, or every node: on several nodes the sum.
    private static func cpus(_ ofTasks: Int?, and others: Int, each: Int, nodes: Int) -> Int? {
        let (ofOthers, overflow) = others.multipliedReportingOverflow(by: each)
        guard let ofTasks, !overflow else { return nil }
        guard nodes > 1 else { return max(ofTasks, ofOthers) }
        let (sum, tooMany) = ofTasks.addingReportingOverflow(ofOthers)
        return tooMany ? nil : sum
    }

    /// The largest over the partitions that Slurm may choose from.
    private static func memory(_ job: ResolvedJob, nodes: Int, cpus: Int?, gpus: Int) -> Int64? {
        var largest: Int64 = 0
        for place in job.places {
            guard let amount = memory(job.request, place, nodes: nodes, cpus: cpus, gpus: gpus) else { return nil }
            largest = max(largest, amount)
        }
        return largest
    }

    private static func memory(
        _ request: JobRequest, _ place: ResolvedJob.Place, nodes: Int, cpus: Int?, gpus: Int
    ) -> Int64? {
        func times(_ memory: Memory, _ count: Int) -> Int64? {
            let (product, overflow) = memory.bytes.multipliedReportingOverflow(by: Int64(count))
            return overflow ? nil : product
        }
        if let each = request.memoryPerGPU { return times(each, gpus) }
        if let each = request.memoryPerNode, each.mebibytes > 0 { return times(each, nodes) }
        if request.memoryPerNode == nil {
            if let each = request.memoryPerCPU ?? place.usualMemoryPerCPU { return cpus.flatMap { times(each, $0) } }
            if let each = place.usualMemoryPerNode { return times(each, nodes) }
        }
        return place.allMemory(nodes: nodes)
    }
}
