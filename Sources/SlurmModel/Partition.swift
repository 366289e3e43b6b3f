// SPDX-License-Identifier: Apache-2.0

/// A partition as slurmctld reports it.
package struct Partition: Sendable, Equatable {
    package var name: String
    package var isDefault: Bool
    /// Every job gets whole nodes (slurm.conf(5) OverSubscribe=EXCLUSIVE). v0.0.38 does not say.
    package var isExclusive: Bool
    /// Its own SelectTypeParameters are CR_Socket (slurm.conf(5)): see `CoreShape`. Up to v0.0.40 nothing says so.
    package var givesSockets: Bool
    /// UP, DOWN, DRAIN, INACTIVE.
    package var states: [String]
    package var totalNodes: Int
    package var totalCPUs: Int
    /// Over all nodes; nil where it is not reported.
    package var totalMemory: Memory?
    /// In Slurm's short form, see `HostList`.
    package var nodeList: String
    package var maximumTime: TimeLimit
    /// Nil: `maximumTime` is the default too (slurm.conf(5) DefaultTime).
    package var defaultTime: TimeLimit?
    /// Nil is no limit.
    package var maximumNodes: Int?
    /// Each job that may get as many gets at least these (slurm.conf(5) MinNodes).
    package var minimumNodes: Int
    package var defaultMemoryPerNode: Memory?
    package var defaultMemoryPerCPU: Memory?
    package var maximumMemoryPerNode: Memory?
    package var maximumMemoryPerCPU: Memory?
    /// Its own; nil is not reported, which is not that there are none.
    package var jobDefaults: JobDefaults?
    /// Empty: all.
    package var allowedAccounts: [String]
    /// The partition that gets its jobs while it takes none itself, in DRAIN or INACTIVE (slurm.conf(5), Alternate).
    package var alternate: String?
    package var qos: String?
    package var tres: TRES

    package init(name: String, isDefault: Bool, totalNodes: Int, totalCPUs: Int, totalMemory: Memory?) {
        self.name = name
        self.isDefault = isDefault
        isExclusive = false
        givesSockets = false
        states = ["UP"]
        self.totalNodes = totalNodes
        self.totalCPUs = totalCPUs
        self.totalMemory = totalMemory
        nodeList = ""
        maximumTime = .unlimited
        minimumNodes = 1
        allowedAccounts = []
        tres = TRES("")
    }

    /// How long a job may run that says nothing.
    package var usualTime: TimeLimit { defaultTime ?? maximumTime }
}
