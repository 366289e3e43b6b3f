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
    /// Partitions that are not named and may get the job: it is judged in each of them as well.
    package let alternates: [Alternate]
    /// One for each partition, and one for each alternate of which Slurm tells.
    let places: [Place]

    /// At least one.
    package var partitions: [PartitionName] { request.partitions }
    /// Empty: the association's or the partition's own.
    package var qos: [QOSName] { request.qos }
    package var reservations: [ReservationName] { request.reservations }
    /// Nil minutes is no limit.
    package var timeLimit: TimeLimit { request.timeLimit ?? .unlimited }

    /// A partition that gets the jobs of another one while that takes none (slurm.conf(5), Alternate).
    package struct Alternate: Sendable, Equatable {
        package let partition: PartitionName
        /// The one that hands its jobs on.
        package let of: PartitionName
    }

    /// What bounds a job in a partition.
    struct Place: Sendable, Equatable {
        /// Whether the partition, or the cluster, gives every job whole nodes.
        var isExclusive: Bool
        /// What a job gets at least that may get as many.
        var minimumNodes: Int
        /// Of one node and of the whole partition.
        var cpusPerNode: Int
        var cpus: Int
        /// How CPUs are given on its nodes; nil where not all nodes are known.
        var cores: Set<CoreShape>?
        /// What one node has, whatever the partition permits a job.
        var memoryPerNode: Memory?
        var memory: Memory?
        /// What the node with the most memory has, and each CPU of the one that has the least for it: of all nodes, also such as
        /// the job cannot get.
        var largestMemory: Memory?
        var leastMemoryPerCPU: Memory?
        var maximumMemory: MaximumMemory
        /// The most of each type; nil where not all nodes are known.
        var gpusPerNode: GPUCounts?
        /// What a job gets that asks for no memory.
        var usualMemoryPerNode: Memory?
        var usualMemoryPerCPU: Memory?
        /// What each GPU brings of a job that does not say it; nil is not known, 0 is nothing.
        var usualCPUsPerGPU: Int?
        var usualMemoryPerGPU: Memory?

        /// - Parameters:
        ///   - isGiven: whether the job may get a node of that name, whatever it has.
        ///   - defaults: the cluster's, where the partition does not report its own.
        init(_ partition: Partition, of defaults: ClusterDefaults, isGiven: (String) -> Bool) {
            let all = defaults.nodes.filter { $0.partitions.contains(partition.name) }
            let own = all.filter { isGiven($0.name) }
            let complete = !own.isEmpty && all.count >= partition.totalNodes
            isExclusive = partition.isExclusive || defaults.wholeNodes
            minimumNodes = partition.minimumNodes
            cpus = partition.totalCPUs
            cpusPerNode = complete ? own.map(\.cpus).max() ?? partition.totalCPUs : partition.totalCPUs
            memory = partition.totalMemory
            memoryPerNode = complete ? own.map(\.memory).max() : partition.totalMemory
            maximumMemory = MaximumMemory(partition, defaults.memoryLimits)
            largestMemory = complete ? all.map(\.memory).max() : partition.totalMemory
            leastMemoryPerCPU = ResolvedJob.Place.leastMemoryPerCPU(all, of: partition, isComplete: complete)
            if complete {
                let wholeSockets = defaults.wholeSockets || partition.givesSockets
                cores = Set(own.map { CoreShape($0, wholeSockets: wholeSockets) })
                gpusPerNode = own.reduce(GPUCounts()) { counts, node in
                    counts.flatMap { known in node.gpus.map { known.largest($0) } }
                }
            }
            usualMemoryPerNode = partition.defaultMemoryPerNode
            usualMemoryPerCPU = partition.defaultMemoryPerCPU
            if usualMemoryPerNode == nil, usualMemoryPerCPU == nil {
                switch defaults.memoryLimits?.usual {
                case .perCPU(let memory)?: usualMemoryPerCPU = memory
                case .perNode(let memory)?: usualMemoryPerNode = memory
                case nil: break
                }
            }
            usualCPUsPerGPU = partition.jobDefaults?.cpusPerGPU ?? defaults.jobDefaults?.cpusPerGPU
            usualMemoryPerGPU = partition.jobDefaults?.memoryPerGPU ?? defaults.jobDefaults?.memoryPerGPU
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
