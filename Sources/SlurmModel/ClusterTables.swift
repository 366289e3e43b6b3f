// SPDX-License-Identifier: Apache-2.0

enum PartitionKey: Hashable, Sendable {
    case name, flags, configuredFlags, states, totalNodes, totalCPUs, nodeList, maximumTime, defaultTime, maximumNodes
    case defaultMemoryPerNode, defaultMemoryPerCPU, maximumMemoryPerNode, allowedAccounts, qos, tres
    case shares, jobsPerResource
}

/// `GET /slurm/VERSION/partitions`.
let partitionRows: [FieldRow<PartitionKey>] = [
    .init(.name, "name", 36...45, .text),
    .init(.flags, "flags", 36...38, .words),
    // v0.0.40 to v0.0.45 do not say which partition is the default (tried with 24.11.5): see `Partition.list`.
    .init(.states, "state", 36...38, .words),
    .init(.states, "partition.state", 40...45, .words),
    .init(.totalNodes, "total_nodes", 36...38, .integer),
    .init(.totalNodes, "nodes.total", 40...45, .integer),
    .init(.totalCPUs, "total_cpus", 36...38, .integer),
    .init(.totalCPUs, "cpus.total", 40...45, .integer),
    .init(.nodeList, "nodes", 36...38, .text),
    .init(.nodeList, "nodes.configured", 40...45, .text),
    .init(.maximumTime, "max_time_limit", 36...38, .number),
    .init(.maximumTime, "maximums.time", 40...45, .number),
    .init(.defaultTime, "default_time_limit", 36...38, .number),
    .init(.defaultTime, "defaults.time", 40...45, .number),
    .init(.maximumNodes, "maximum_nodes_per_job", 36...38, .number),
    .init(.maximumNodes, "maximums.nodes", 40...45, .number),
    .init(.defaultMemoryPerNode, "default_memory_per_node", 36...38, .number),
    .init(.defaultMemoryPerNode, "defaults.partition_memory_per_node", 40...45, .number),
    .init(.defaultMemoryPerCPU, "default_memory_per_cpu", 36...38, .number),
    .init(.defaultMemoryPerCPU, "defaults.partition_memory_per_cpu", 40...45, .number),
    .init(.maximumMemoryPerNode, "maximum_memory_per_node", 36...38, .number),
    .init(.maximumMemoryPerNode, "maximums.partition_memory_per_node", 40...45, .number),
    .init(.allowedAccounts, "allowed_accounts", 36...38, .list),
    .init(.allowedAccounts, "accounts.allowed", 40...45, .list),
    .init(.qos, "qos", 36...38, .text),
    .init(.qos, "qos.assigned", 40...45, .text),
    .init(.tres, "tres", 36...38, .text),
    .init(.tres, "tres.configured", 40...45, .text),
    .init(.shares, "maximums.shares", 40...45, .integer),
    .init(.jobsPerResource, "maximums.oversubscribe.jobs", 40...45, .integer),
]

enum NodeKey: Hashable, Sendable {
    case name, states, stateFlags, cpus, allocatedCPUs, memory, allocatedMemory, gres, partitions, reason
}

/// `GET /slurm/VERSION/nodes`.
let nodeRows: [FieldRow<NodeKey>] = [
    .init(.name, "name", 36...45, .text),
    .init(.states, "state", 36...45, .words),
    .init(.stateFlags, "state_flags", 36...38, .words),
    .init(.cpus, "cpus", 36...45, .integer),
    .init(.allocatedCPUs, "alloc_cpus", 36...45, .integer),
    .init(.memory, "real_memory", 36...45, .integer),
    .init(.allocatedMemory, "alloc_memory", 36...45, .integer),
    .init(.gres, "gres", 36...45, .text),
    .init(.partitions, "partitions", 36...45, .list),
    .init(.reason, "reason", 36...45, .text),
]
