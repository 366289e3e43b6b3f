// SPDX-License-Identifier: Apache-2.0

import SlurmModel

extension JobFacts {
    init(_ job: ResolvedJob, _ bounds: ResourceBounds) {
        self.init(
            partitions: job.partitions, account: job.account, nodes: bounds.nodes, cpus: nil, memory: nil, time: nil)
    }
}
