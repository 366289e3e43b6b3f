// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// What Slurm fills in where a job says nothing.
package struct ClusterDefaults: Sendable {
    package var partitions: [Partition]
    /// Empty where they are not known; then what one node has is bounded by what its partition has.
    package var nodes: [Node]
    /// For API versions that do not say which partition is the default (v0.0.40 to v0.0.45).
    package var partition: PartitionName?
    /// The person's default account.
    package var account: AccountName?
    /// The person's home on the cluster.
    package var home: String?
    /// The most that JobDefaults of slurm.conf give, of the cluster and of partitions that do not report their own; nil is not
    /// known: then a job with GPUs that says nothing of CPUs, or of memory, may get all of its nodes'.
    package var jobDefaults: JobDefaults?
    /// What slurm.conf says of memory for the whole cluster; nil is not known: see `CPUsForMemory`.
    package var memoryLimits: MemoryLimits?
    /// Whether Slurm gives whole sockets (slurm.conf(5), SelectTypeParameters=CR_Socket), which nothing reports of the cluster.
    package var wholeSockets = false
    /// Whether Slurm gives every job whole nodes (slurm.conf(5), SelectType=select/linear), which nothing reports.
    package var wholeNodes = false
    /// The QOS that a job of the person's takes in an account where it names none; only where that is known.
    package var usualQOS: [AccountName: QOSName] = [:]

    package init(
        partitions: [Partition], nodes: [Node] = [], partition: PartitionName? = nil, account: AccountName?,
        home: String? = nil
    ) {
        self.partitions = partitions
        self.nodes = nodes
        self.partition = partition
        self.account = account
        self.home = home
    }

    /// The default as it was configured, else as Slurm says, else the only one there is. Whatever it is, it is sent by name.
    package var usualPartition: Partition? {
        if let partition { return partitions.first { $0.name == partition.rawValue } }
        return partitions.first(where: \.isDefault) ?? (partitions.count == 1 ? partitions.first : nil)
    }

    /// Those that jobs may be handed on to, from one to the next; nobody knows what state they are in when a job comes
    /// (slurmctld's `_get_job_parts`).
    fileprivate func alternates(of chosen: [Partition]) throws -> [ResolvedJob.Alternate] {
        var found: [ResolvedJob.Alternate] = []
        var seen = Set(chosen.map(\.name))
        for first in chosen {
            var last: Partition? = first
            while let from = last, let name = from.alternate, seen.insert(name).inserted {
                found.append(.init(partition: try PartitionName(name), of: try PartitionName(from.name)))
                last = partitions.first { $0.name == name }
            }
        }
        return found
    }
}

extension JobRequest {
    /// The job with partition, account and time made explicit.
    /// - Parameter isNew: whether Slurm gets it as it is. The maximum of nodes of a job that is there may be none of its own.
    /// - Throws: `SallyError(.invalidRequest)` for a partition that is not there, or a job without an account.
    package func resolved(
        with defaults: ClusterDefaults, user: UserName, isNew: Bool = true
    ) throws -> ResolvedJob {
        let chosen: [Partition]
        if partitions.isEmpty {
            guard let partition = defaults.usualPartition else {
                throw SallyError(
                    .invalidRequest, "the job names no partition, and the cluster's default is not known",
                    hint: "add --partition")
            }
            chosen = [partition]
        } else {
            chosen = try partitions.map { name in
                guard let partition = defaults.partitions.first(where: { $0.name == name.rawValue }) else {
                    throw SallyError(
                        .invalidRequest, "partition \(name) does not exist", hint: "`sally partitions` lists them")
                }
                return partition
            }
        }
        guard let account = account ?? defaults.account else {
            throw SallyError(
                .invalidRequest, "the job names no account, and you have no default", hint: "add --account")
        }
        var request = self
        request.partitions = try chosen.map { try PartitionName($0.name) }
        request.account = account
        request.name = name ?? "sbatch"
        if timeLimit == nil {
            request.timeLimit = chosen.map(\.usualTime).min { ($0.minutes ?? .max) < ($1.minutes ?? .max) }
        }
        if workingDirectory == nil { request.workingDirectory = defaults.home }
        request.environment = ResolvedJob.environment(environment, user: user, home: defaults.home)
        let alternates = try defaults.alternates(of: chosen)
        let others = alternates.compactMap { alternate in
            defaults.partitions.first { $0.name == alternate.partition.rawValue }
        }
        return ResolvedJob(
            request: request, user: user, account: account, usualQOS: defaults.usualQOS[account],
            alternates: alternates,
            places: (chosen + others).map { ResolvedJob.Place($0, of: defaults, isGiven: isGiven(isNew: isNew)) })
    }

    /// Of a job that names as many nodes as it may have at most, those and no others.
    private func isGiven(isNew: Bool) -> (String) -> Bool {
        if isNew, let named = requiredNodes?.names, named.count == nodes?.maximum { return Set(named).contains }
        let excluded = Set(excludedNodes?.names ?? [])
        return { !excluded.contains($0) }
    }
}
