// SPDX-License-Identifier: Apache-2.0

/// The most that so many whole nodes have, over the partitions that give them to the job: what an exclusive job can be given
/// and is charged for, whatever it asked for. Nil is not known.
struct WholeNodes: Equatable {
    var cpus: Int? = 0
    /// Bytes.
    var memory: Int64? = 0
    var gpus: GPUCounts? = GPUCounts()

    init(_ places: [ResolvedJob.Place], nodes: Int) {
        for place in places {
            cpus = cpus.map { max($0, place.allCPUs(nodes: nodes)) }
            memory = memory.flatMap { known in place.allMemory(nodes: nodes).map { max(known, $0) } }
            gpus = gpus.flatMap { known in place.gpusPerNode.map { known.largest($0 * nodes) } }
        }
    }
}

extension ResolvedJob.Place {
    func givesWhole(to request: JobRequest) -> Bool { isExclusive || request.exclusive != nil }

    /// No more than the partition has.
    func allCPUs(nodes: Int) -> Int { min(cpusPerNode.saturatingMultiply(nodes), cpus) }

    /// Bytes; no more than the partition has. MaxMemPerNode is no bound of it: a job that asks for all of a node is held against
    /// what the partition's first node has, and then gets all of whichever it gets (slurmctld's `_valid_pn_min_mem`).
    func allMemory(nodes: Int) -> Int64? {
        guard let memoryPerNode, let memory else { return nil }
        let (product, overflow) = memoryPerNode.bytes.multipliedReportingOverflow(by: Int64(nodes))
        return overflow ? memory.bytes : min(product, memory.bytes)
    }
}

extension GPUCounts {
    /// The larger of each type.
    func largest(_ other: GPUCounts) -> GPUCounts {
        GPUCounts(byType: byType.merging(other.byType, uniquingKeysWith: max), untyped: max(untyped, other.untyped))
    }

    /// GPUs asked for are among those of the whole nodes; more than these have is counted as it was asked.
    func within(_ whole: GPUCounts) -> GPUCounts {
        let counted = GPUCounts(byType: byType, untyped: untyped > whole.total ? untyped : 0)
        return counted.largest(whole)
    }
}

extension Node {
    /// GPUs of the node; nil where its GRES cannot be read. Sockets and other resources are left out: `gpu:a100:2(S:0-1)`.
    var gpus: GPUCounts? {
        var counts = GPUCounts()
        var depth = 0
        let bare = gres.filter { character in
            if character == "(" { depth += 1 }
            defer { if character == ")" { depth -= 1 } }
            return depth == 0
        }
        for part in bare.split(separator: ",") {
            let pieces = part.split(separator: ":", omittingEmptySubsequences: false)
            guard pieces[0] == "gpu" else { continue }
            guard (2...4).contains(pieces.count), let count = decimal(pieces[pieces.count - 1]) else { return nil }
            if pieces.count == 2 {
                counts.untyped = counts.untyped.saturatingAdd(count)
            } else {
                counts.byType[String(pieces[1]), default: 0] += count
            }
        }
        return counts
    }
}
