// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
package import Logging
import NIOCore
package import SallyModel
package import SlurmModel

/// The connections to all slurmrestd daemons: one pool, no redirects, nothing retried.
package struct SlurmConnections: Sendable {
    private let client: HTTPClient
    private let logger: Logger

    package init(logger: Logger) {
        var configuration = HTTPClient.Configuration()
        // To another origin AsyncHTTPClient would take X-SLURM-USER-TOKEN along.
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(5)
        // A daemon that is down is said to be down at once.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        self.logger = logger
    }

    package func client(
        _ cluster: ClusterName, at address: SlurmrestdAddress, pinned: APIVersion?, defaultPartition: PartitionName?,
        exclusivePartitions: Set<PartitionName> = [], deadline: Duration = .seconds(15)
    ) -> SlurmClient {
        SlurmClient(
            cluster: cluster, address: address, pinned: pinned, defaultPartition: defaultPartition,
            exclusivePartitions: exclusivePartitions, deadline: deadline, client: client, logger: logger)
    }

    package func close() async throws { try await client.shutdown() }
}
