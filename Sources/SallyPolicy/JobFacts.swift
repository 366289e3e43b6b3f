// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// What policy reads of a job: every name that Slurm will use, and the most that the job can use. Nil is unbounded.
package struct JobFacts: Sendable, Equatable {
    /// At least one: the partitions named, or the cluster's default, and all that may get the job instead.
    package var partitions: [PartitionName]
    /// Of partitions that nobody named, the one that hands its jobs on to each.
    package var givers: [PartitionName: PartitionName]
    package var account: AccountName
    /// The QOS that the job names; empty when it names none.
    package var qos: [QOSName]
    /// The QOS that Slurm takes when the job names none; nil when it is not known.
    package var defaultQOS: QOSName?
    package var reservations: [ReservationName]
    package var nodes: Int?
    package var cpus: Int?
    /// Bytes.
    package var memory: Int64?
    /// By type in lower case: types that differ in case alone count as one.
    package var gpusByType: [String: Int]
    /// GPUs asked for without a type; `Int.max` is unbounded, as those of whole nodes of unknown size.
    package var untypedGPUs: Int
    package var time: Duration?
    /// 1 for a job that is no array.
    package var arrayTasks: Int

    package init(
        partitions: [PartitionName], givers: [PartitionName: PartitionName] = [:], account: AccountName,
        qos: [QOSName] = [], defaultQOS: QOSName? = nil,
        reservations: [ReservationName] = [], nodes: Int?, cpus: Int?, memory: Int64?,
        gpusByType: [String: Int] = [:], untypedGPUs: Int = 0, time: Duration?, arrayTasks: Int = 1
    ) {
        self.partitions = partitions
        self.givers = givers
        self.account = account
        self.qos = qos
        self.defaultQOS = defaultQOS
        self.reservations = reservations
        self.nodes = nodes
        self.cpus = cpus
        self.memory = memory
        self.gpusByType = Dictionary(gpusByType.map { ($0.key.lowercased(), $0.value) }) { saturatingSum($0, $1) }
        self.untypedGPUs = untypedGPUs
        self.time = time
        self.arrayTasks = arrayTasks
    }

    /// All GPUs; nil when the sum cannot be held.
    var gpus: Int? {
        guard untypedGPUs < .max else { return nil }
        var sum = untypedGPUs
        for count in gpusByType.values {
            let (next, overflow) = sum.addingReportingOverflow(count)
            guard !overflow else { return nil }
            sum = next
        }
        return sum
    }
}

private func saturatingSum(_ left: Int, _ right: Int) -> Int {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? .max : sum
}
