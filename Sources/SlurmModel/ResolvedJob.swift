// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// A job as Slurm will take it: every default that decides who pays, where it runs and how long is filled in. Policy
/// judges this, and exactly this is sent.
package struct ResolvedJob: Sendable, Equatable {
    /// With partitions, account and time set.
    package let request: JobRequest
    package let user: UserName
    package let account: AccountName
    /// What Slurm takes where no QOS is named; nil is not known.
    package let usualQOS: QOSName?
    /// One for each partition.
    let places: [Place]

    /// At least one.
    package var partitions: [PartitionName] { request.partitions }
    /// Empty: the association's or the partition's own.
    package var qos: [QOSName] { request.qos }
    package var reservations: [ReservationName] { request.reservations }
    /// Nil minutes is no limit.
    package var timeLimit: TimeLimit { request.timeLimit ?? .unlimited }

    /// What bounds a job in a partition.
    struct Place: Sendable, Equatable {
        /// Whether the partition gives every job whole nodes.
        var isExclusive: Bool
        /// Of one node and of the whole partition.
        var cpusPerNode: Int
        var cpus: Int
        /// No more than the partition permits a job.
        var memoryPerNode: Memory?
        /// What one node has, permitted or not.
        var wholeMemoryPerNode: Memory?
        var memory: Memory?
        /// The most of each type; nil where not all nodes are known.
        var gpusPerNode: GPUCounts?
        /// What a job gets that asks for no memory.
        var usualMemoryPerNode: Memory?
        var usualMemoryPerCPU: Memory?
        /// What each GPU brings of a job that does not say it; nil is not known, 0 is nothing.
        var usualCPUsPerGPU: Int?
        var usualMemoryPerGPU: Memory?

        /// - Parameters:
        ///   - excluded: nodes that the job cannot get, whatever they have.
        ///   - jobDefaults: where the partition does not report its own.
        init(_ partition: Partition, nodes: [Node], excluded: [String], jobDefaults: JobDefaults?) {
            let all = nodes.filter { $0.partitions.contains(partition.name) }
            let own = all.filter { !excluded.contains($0.name) }
            let complete = !own.isEmpty && all.count >= partition.totalNodes
            isExclusive = partition.isExclusive
            cpus = partition.totalCPUs
            cpusPerNode = complete ? own.map(\.cpus).max() ?? partition.totalCPUs : partition.totalCPUs
            memory = partition.totalMemory
            wholeMemoryPerNode = complete ? own.map(\.memory).max() : partition.totalMemory
            memoryPerNode = wholeMemoryPerNode
            if let most = partition.maximumMemoryPerNode { memoryPerNode = min(memoryPerNode ?? most, most) }
            if complete {
                gpusPerNode = own.reduce(GPUCounts()) { counts, node in
                    counts.flatMap { known in node.gpus.map { known.largest($0) } }
                }
            }
            usualMemoryPerNode = partition.defaultMemoryPerNode
            usualMemoryPerCPU = partition.defaultMemoryPerCPU
            usualCPUsPerGPU = partition.jobDefaults?.cpusPerGPU ?? jobDefaults?.cpusPerGPU
            usualMemoryPerGPU = partition.jobDefaults?.memoryPerGPU ?? jobDefaults?.memoryPerGPU
        }
    }

    /// slurmctld refuses a job without any environment; a search path is the least that a script needs.
    static func environment(_ given: [String: String], user: UserName, home: String?) -> [String: String] {
        var environment = given
        if environment["PATH"] == nil { environment["PATH"] = "/usr/local/bin:/usr/bin:/bin" }
        environment["USER"] = user.rawValue
        environment["LOGNAME"] = user.rawValue
        if let home { environment["HOME"] = home }
        return environment
    }
}
