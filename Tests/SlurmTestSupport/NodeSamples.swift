// SPDX-License-Identifier: Apache-2.0

import SallyModel
package import SlurmModel

extension Node {
    /// As many as each partition has, each with all that it has and GPUs that nobody can read: of one node nothing is known but
    /// its cores.
    package static func samples(of partitions: [Partition]) -> [Node] {
        partitions.flatMap { partition in
            (1...partition.totalNodes).map { number in
                var node = Node(
                    name: "\(partition.name)\(number)", states: ["IDLE"], cpus: partition.totalCPUs,
                    memory: partition.totalMemory ?? Memory(mebibytes: 0), partitions: [partition.name])
                node.gres = "gpu:some"
                return node
            }
        }
    }
}
