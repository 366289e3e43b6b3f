// SPDX-License-Identifier: Apache-2.0

package import SlurmModel

extension JobFacts {
    /// The default QOS is the association's own, which is known of jobs that are in the queue and of no others.
    package init(_ job: ResolvedJob, _ bounds: ResourceBounds) {
        self.init(
            partitions: job.partitions + job.alternates.map(\.partition),
            givers: Dictionary(job.alternates.map { ($0.partition, $0.of) }) { first, _ in first },
            account: job.account, qos: job.qos, defaultQOS: job.usualQOS,
            reservations: job.reservations, nodes: bounds.nodes, cpus: bounds.cpus, memory: bounds.memory,
            gpusByType: bounds.gpusByType, untypedGPUs: bounds.untypedGPUs, time: bounds.time,
            arrayTasks: bounds.arrayTasks)
    }

    init(_ outcome: JobUpdate.Outcome) { self.init(outcome.job, outcome.bounds) }
}
