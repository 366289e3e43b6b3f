// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import SlurmClient
import SlurmModel

extension SlurmConnections {
    /// - Throws: `SallyError(.misconfigured)` for a pinned API version that is not spoken here, or a file of authorities that
    ///   cannot be used.
    func client(_ cluster: ClusterConfig) throws -> SlurmClient {
        let address: SlurmrestdAddress =
            switch cluster.slurmrestd {
            case .unixSocket(let path): .unixSocket(path: path)
            case .url(let url): .url(url)
            }
        let pinned = try cluster.apiVersion.map { try APIVersion($0) }
        return try client(
            cluster.name, at: address, pinned: pinned, defaultPartition: cluster.defaultPartition,
            exclusivePartitions: cluster.exclusivePartitions, authorities: cluster.slurmrestdCAFile)
    }
}
