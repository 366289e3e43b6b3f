// SPDX-License-Identifier: Apache-2.0

/// A node as slurmctld reports it.
package struct Node: Sendable, Equatable {
    package var name: String
    /// In upper case, the base state first: IDLE, MIXED, ALLOCATED, DOWN, and flags such as DRAIN.
    package var states: [String]
    package var cpus: Int
    package var allocatedCPUs: Int
    /// CPUs of a core that Slurm gives together; 1 where it counts a core as one CPU.
    package var cpusPerCore: Int
    package var cpusPerSocket: Int
    package var memory: Memory
    package var allocatedMemory: Memory
    /// As in slurm.conf(5), such as `gpu:a100:2`.
    package var gres: String
    package var partitions: [String]
    package var reason: String?

    package init(name: String, states: [String], cpus: Int, memory: Memory, partitions: [String]) {
        self.name = name
        self.states = states
        self.cpus = cpus
        allocatedCPUs = 0
        cpusPerCore = 1
        cpusPerSocket = cpus
        self.memory = memory
        allocatedMemory = Memory(mebibytes: 0)
        gres = ""
        self.partitions = partitions
    }
}
