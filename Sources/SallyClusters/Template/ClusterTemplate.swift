// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// What a local cluster is to be like. Read from `templates/NAME.yaml`; see docs/local-cluster.md for the keys.
package struct ClusterTemplate: Sendable, Equatable {
    package var release: DebianRelease
    /// How many compute nodes.
    package var nodes: Int
    /// What each node claims to have; more than the machine has is allowed.
    package var cpusPerNode: Int
    /// CPUs of a core: jobs get whole cores.
    package var threadsPerCore: Int
    package var memoryPerNode: Mebibytes
    /// What a job gets that asks for no memory, and the most that it may ask for; nil is not set. Slurm keeps both for each CPU.
    package var defaultMemoryPerCPU: Mebibytes?
    package var maximumMemoryPerCPU: Mebibytes?
    /// The last so many nodes have GPUs and form the partition `gpu`.
    package var gpuNodes: Int
    /// How many of each type a GPU node has, counted without devices. In order of the name.
    package var gpusPerNode: [GPUCount]
    package var accounts: [AccountName]
    /// Which accounts may use the partition `gpu`.
    package var gpuAccounts: [AccountName]
    /// Where the cluster's network is chosen from.
    package var subnetPool: Subnet
    /// The host's group, by name or gid, that may connect to slurmrestd; nil is the invoker's primary group.
    package var socketGroup: String?

    package struct GPUCount: Sendable, Equatable {
        package var type: String
        package var count: Int
        package init(type: String, count: Int) {
            self.type = type
            self.count = count
        }
    }

    package init(
        release: DebianRelease, nodes: Int, cpusPerNode: Int, threadsPerCore: Int = 1, memoryPerNode: Mebibytes,
        defaultMemoryPerCPU: Mebibytes? = nil, maximumMemoryPerCPU: Mebibytes? = nil, gpuNodes: Int,
        gpusPerNode: [GPUCount], accounts: [AccountName], gpuAccounts: [AccountName], subnetPool: Subnet,
        socketGroup: String?
    ) {
        self.release = release
        self.nodes = nodes
        self.cpusPerNode = cpusPerNode
        self.threadsPerCore = threadsPerCore
        self.memoryPerNode = memoryPerNode
        self.defaultMemoryPerCPU = defaultMemoryPerCPU
        self.maximumMemoryPerCPU = maximumMemoryPerCPU
        self.gpuNodes = gpuNodes
        self.gpusPerNode = gpusPerNode
        self.accounts = accounts
        self.gpuAccounts = gpuAccounts
        self.subnetPool = subnetPool
        self.socketGroup = socketGroup
    }

    /// `node001` and so on.
    package var nodeNames: [NodeName] { (0..<nodes).map { ClusterTemplate.nodeName(number: $0 + 1) } }
    package var gpuNodeNames: [NodeName] { Array(nodeNames.suffix(gpuNodes)) }

    /// How many compute nodes a cluster may have.
    static let mostNodes = 64

    /// `node001` for 1.
    static func nodeName(number: Int) -> NodeName {
        let digits = String(number)
        return NodeName(unchecked: "node" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits)
    }
}

/// Memory as slurm.conf(5) counts RealMemory.
package struct Mebibytes: RawRepresentable, Sendable, Hashable {
    package var rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }
    package init(_ value: Int) { rawValue = value }
}
