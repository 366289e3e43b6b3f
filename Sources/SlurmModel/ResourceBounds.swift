// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The most that a job can use as it was asked for; of an array, the most that each task can use. Nil is unbounded.
///
/// Where Slurm may choose, the larger is taken: the maximum of nodes, a node for each task, whole cores (`CPUBounds`), CPUs for more
/// memory than each may have (`CPUsForMemory`), all memory of a node where none was asked for, and all of a node where nobody knows
/// what GPUs bring (`JobDefaults`).
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

    package init(of job: ResolvedJob) { self.init(of: job, atLeast: Floor()) }

    /// - Parameter floor: counted before anything is multiplied, so that an amount for each CPU is one for each CPU that the
    ///   job has already.
    init(of job: ResolvedJob, atLeast floor: Floor) {
        let request = job.request
        let least = ResourceBounds.leastNodes(of: job, isOpen: floor.isOpen)
        let nodes = max(ResourceBounds.nodes(request), floor.nodes, least)
        let tasks = ResourceBounds.tasks(request, nodes: nodes)
        self.nodes = nodes
        let none = GPUCounts()
        var gpus =
            (request.gpus ?? none) + (request.gpusPerNode ?? none) * nodes + (request.gpusPerTask ?? none) * tasks
        gpus = gpus.atLeast(floor.gpus)
        var cpus: Int? = 0
        var asked = floor.memory
        for place in job.places {
            let counted = CPUBounds(
                request: request, place: place, leastNodes: least, nodes: nodes, tasks: tasks, gpus: gpus,
                countsUsual: floor.countsUsualCPUs || !request.saysCPUs)
            let forMemory = CPUsForMemory(request, place, asksMemory: !floor.countsUsualMemory)
            cpus = cpus.flatMap { most in counted.most(with: forMemory).map { max($0, most, floor.cpus) } }
            let plain = (floor.isMoved ? counted.ofSingleCPUs : counted).most(with: CPUsForMemory())
                .map { max($0, floor.cpus, place.givesWhole(to: request) ? place.allCPUs(nodes: nodes) : 0) }
            let counts = Counts(nodes: nodes, cpus: plain, gpus: gpus.total, roundedUp: forMemory.roundedUp)
            asked = asked.flatMap { most in
                ResourceBounds.memory(request, place, counts, floor).map { max($0, most) }
            }
        }
        let givingWhole = job.places.filter { $0.givesWhole(to: request) }
        if givingWhole.isEmpty {
            self.cpus = cpus
            memory = asked
        } else {
            let whole = WholeNodes(givingWhole, nodes: nodes)
            self.cpus = whole.cpus.flatMap { all in cpus.map { max($0, all) } }
            memory = whole.memory.flatMap { all in asked.map { max($0, all) } }
            gpus = whole.gpus.map { gpus.within($0) } ?? GPUCounts(byType: gpus.byType, untyped: .max)
        }
        gpusByType = gpus.inLowerCase.byType
        untypedGPUs = gpus.untyped
        time = job.timeLimit.duration
        arrayTasks = max(request.array?.count ?? 1, floor.arrayTasks)
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
    static func nodes(_ request: JobRequest) -> Int {
        let named = request.requiredNodes?.names.count ?? 1
        if let nodes = request.nodes { return max(nodes.maximum, named) }
        return max(1, request.tasks ?? 1, request.gpus?.total ?? 1, named)
    }

    /// What slurmctld makes of the minimum of a job that asks for fewer nodes than MinNodes: that many where the maximum permits it
    /// (job_mgr.c, `_valid_job_part`). Of several partitions it takes the least MinNodes, but a partition that takes no jobs at that
    /// moment is struck off before, so that any of them may decide.
    private static func leastNodes(of job: ResolvedJob, isOpen: Bool) -> Int {
        let most = job.places.map(\.minimumNodes).max() ?? 1
        guard !isOpen, let said = job.request.nodes, said.maximum < most else { return most }
        return 1
    }

    private static func tasks(_ request: JobRequest, nodes: Int) -> Int {
        let perNode = (request.tasksPerNode ?? 1).saturatingMultiply(nodes)
        return max(request.tasks ?? perNode, request.tasks == nil ? perNode : 1, nodes)
    }

    /// What memory is multiplied by.
    private struct Counts {
        var nodes: Int
        /// Without those that Slurm adds because of memory: it takes as much from each. With all of whole nodes.
        var cpus: Int?
        var gpus: Int
        /// MiB, of each CPU's.
        var roundedUp: Int64
    }

    private static func memory(
        _ request: JobRequest, _ place: ResolvedJob.Place, _ counts: Counts, _ floor: Floor
    ) -> Int64? {
        func times(_ memory: Memory, _ count: Int) -> Int64? {
            let (product, overflow) = memory.bytes.multipliedReportingOverflow(by: Int64(count))
            return overflow ? nil : product
        }
        func rounded(_ memory: Memory) -> Memory { Memory(mebibytes: memory.mebibytes + counts.roundedUp) }
        // A job that is there may have several of them: an update that says one leaves the others (slurmctld's `_update_job`).
        var amounts: [Int64?] = []
        if let each = request.memoryPerGPU { amounts.append(times(each, counts.gpus)) }
        if let each = request.memoryPerNode {
            amounts.append(each.mebibytes > 0 ? times(each, counts.nodes) : place.allMemory(nodes: counts.nodes))
        }
        if let each = request.memoryPerCPU { amounts.append(counts.cpus.flatMap { times(rounded(each), $0) }) }
        if amounts.isEmpty {
            if let each = place.usualMemoryPerCPU {
                amounts.append(counts.cpus.flatMap { times(rounded(each), $0) })
            } else {
                amounts.append(
                    place.usualMemoryPerNode.map { times($0, counts.nodes) } ?? place.allMemory(nodes: counts.nodes))
            }
        }
        if counts.gpus > 0, floor.countsUsualMemory || !request.saysMemory {
            amounts.append(
                place.usualMemoryPerGPU.map { times($0, counts.gpus) } ?? place.allMemory(nodes: counts.nodes))
        }
        var largest: Int64 = 0
        for amount in amounts {
            guard let amount else { return nil }
            largest = max(largest, amount)
        }
        return largest
    }
}

extension JobRequest {
    /// Whether what Slurm gives for each GPU is not given: it asks for CPUs for each task or GPU itself (slurm.conf(5), DefCpuPerGPU).
    fileprivate var saysCPUs: Bool { cpusPerTask != nil || cpusPerGPU != nil }
    var saysMemory: Bool { memoryPerNode != nil || memoryPerCPU != nil || memoryPerGPU != nil }
}

extension ResourceBounds {
    /// What a job has at least, whatever is asked for: what Slurm reports of one that is there.
    struct Floor {
        var nodes = 0
        var cpus = 0
        /// Bytes; nil is unbounded.
        var memory: Int64? = 0
        var gpus = GPUCounts()
        var arrayTasks = 1
        /// Whether what Slurm gives for each GPU counts beside what the job says: of a job that is there, what it says may have come
        /// from there.
        var countsUsualCPUs = false
        var countsUsualMemory = false
        /// To another partition: then CPUs that its tasks have may be those that Slurm added for memory (`CPUsForMemory`).
        var isMoved = false
        /// Whether Slurm chooses the maximum of nodes, whatever the request says.
        var isOpen = false

        init() {}

        /// - Parameter reported: what was asked for and what was given, as Slurm writes it.
        init(_ reported: [TRES], arrayTasks: Int) {
            self.arrayTasks = arrayTasks
            for tres in reported {
                nodes = max(nodes, tres.nodes ?? 0)
                cpus = max(cpus, tres.cpus ?? 0)
                if tres.amounts["mem"] != nil {
                    // An amount that cannot be read is no bound.
                    memory = memory.flatMap { known in tres.memory.map { max(known, $0.bytes) } }
                }
                gpus = gpus.atLeast(tres.gpus)
            }
        }
    }
}
