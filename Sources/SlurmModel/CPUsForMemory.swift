// SPDX-License-Identifier: Apache-2.0

/// What slurmctld adds to a job that asks for more memory than MaxMemPerCPU permits for its CPUs: CPUs (job_mgr.c,
/// `_valid_pn_min_mem`, read in 22.05 and 24.11; it is asked whenever the job is looked at).
///
/// Memory for each CPU that is too much by some factor: each task gets so many times the CPUs, and each CPU a part of the memory.
/// Memory of a node, also all of it, which is what a job has that neither says anything nor gets a default: so many CPUs on each
/// node as it takes.
///
/// A partition's own limit is reported; the cluster's has to be told (`MemoryLimits`). Where it is not told, it is taken for what a
/// CPU of the partition's poorest node has of its memory, and no job is raised that says nothing: a smaller limit would leave memory
/// without CPUs that could use it, or raise every job. Were it taken for anything at all, each job with memory would be one
/// of whole nodes wherever it is not told.
///
/// A job that is there and is moved to another partition is made anew from what was asked for at first, which is not reported: the
/// memory of its CPUs may become that of fewer CPUs and of the rest of their cores (`Floor.isMoved`).
struct CPUsForMemory: Equatable {
    /// CPUs of each task are multiplied by it.
    private(set) var factor = 1
    /// On each node at least; 0 where memory adds none.
    private(set) var perNode = 0
    /// Nothing is known of the nodes' memory: all CPUs may be needed.
    private(set) var isUnknown = false
    /// MiB by which the memory of a CPU grows because parts of it are rounded up.
    private(set) var roundedUp: Int64 = 0

    /// Nothing.
    init() {}

    /// - Parameter asksMemory: whether memory that the request says was asked for, and is not what Slurm gave.
    init(_ request: JobRequest, _ place: ResolvedJob.Place, asksMemory: Bool) {
        let limit: Memory?
        switch place.maximumMemory {
        case .told(.none), .told(.perNode?): return
        case .told(.perCPU(let memory)?): limit = memory
        case .untold:
            guard asksMemory else { return }
            limit = place.leastMemoryPerCPU
        }
        if let each = request.memoryPerCPU { add(each, forEachCPUWith: limit) }
        if let each = request.memoryPerNode {
            add(each.mebibytes > 0 ? each : place.largestMemory, onNodesWith: limit)
        }
        guard place.maximumMemory != .untold, request.memoryPerCPU == nil, request.memoryPerNode == nil else { return }
        // Also of a job with memory for each GPU, which slurmctld keeps elsewhere.
        if let each = place.usualMemoryPerCPU {
            add(each, forEachCPUWith: limit)
        } else {
            add(place.usualMemoryPerNode ?? place.largestMemory, onNodesWith: limit)
        }
    }

    private mutating func add(_ each: Memory, forEachCPUWith limit: Memory?) {
        guard let limit else {
            isUnknown = true
            roundedUp = max(roundedUp, each.mebibytes)
            return
        }
        factor = max(factor, parts(each, limit))
        roundedUp = max(roundedUp, Int64(factor - 1))
    }

    private mutating func add(_ each: Memory?, onNodesWith limit: Memory?) {
        guard let each, let limit else {
            isUnknown = true
            return
        }
        perNode = max(perNode, parts(each, limit))
    }

    /// How many of `limit` hold `memory`.
    private func parts(_ memory: Memory, _ limit: Memory) -> Int {
        guard memory.mebibytes > limit.mebibytes, limit.mebibytes > 0 else { return 1 }
        return Int((memory.mebibytes - 1) / limit.mebibytes) + 1
    }
}

extension ResolvedJob.Place {
    /// The most memory that a job may ask for: the partition's, else the cluster's.
    enum MaximumMemory: Equatable {
        case told(MemoryLimits.Amount?)
        case untold

        init(_ partition: Partition, _ cluster: MemoryLimits?) {
            if let most = partition.maximumMemoryPerCPU {
                self = .told(.perCPU(most))
            } else if let most = partition.maximumMemoryPerNode {
                self = .told(.perNode(most))
            } else {
                self = cluster.map { MaximumMemory.told($0.maximum) } ?? .untold
            }
        }
    }

    /// Of nodes that are not known, what the partition has on average. Nil where no node's memory is known.
    static func leastMemoryPerCPU(_ nodes: [Node], of partition: Partition, isComplete: Bool) -> Memory? {
        var shares = nodes.filter { $0.cpus > 0 }.map { $0.memory.mebibytes / Int64($0.cpus) }
        if !isComplete, let all = partition.totalMemory, partition.totalCPUs > 0 {
            shares.append(all.mebibytes / Int64(partition.totalCPUs))
        }
        return shares.min().flatMap { $0 > 0 ? Memory(mebibytes: $0) : nil }
    }
}
