// SPDX-License-Identifier: Apache-2.0

package import SlurmModel

extension JobFacts {
    /// The default QOS is the association's or the partition's own, which is not known here.
    package init(_ job: ResolvedJob, _ bounds: ResourceBounds) {
        self.init(
            partitions: job.partitions, account: job.account, qos: job.qos, defaultQOS: nil,
            reservations: job.reservations, nodes: bounds.nodes, cpus: bounds.cpus, memory: bounds.memory,
            gpusByType: bounds.gpusByType, untypedGPUs: bounds.untypedGPUs, time: bounds.time,
            arrayTasks: bounds.arrayTasks)
    }
}
