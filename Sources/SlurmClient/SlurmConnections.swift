// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
package import Logging
import NIOCore
import NIOPosix
package import SallyModel
import SallyNetwork
package import SlurmModel

/// The connections to all slurmrestd daemons: no redirects, nothing retried. Reads share kept connections, those of the queue keeper
/// their own ones; what changes something goes out on one that is made for it.
///
/// Reads have an event loop that serves nobody else: it is given its share of the processors however many people are answered on
/// the others, so that the shared view of a queue stays fresh when it is asked for most.
package struct SlurmConnections: Sendable {
    private let readingLoop: MultiThreadedEventLoopGroup
    private let reading: HTTPClient
    /// For the queue keeper and signs of life: however much people ask, the shared view stays fresh, and a daemon that is back is
    /// found.
    private let keeping: HTTPClient
    private let changing: HTTPClient
    private let logger: Logger

    /// Of each kind, with each daemon.
    static let most = 8

    /// - Parameters:
    ///   - silence: the longest pause within an answer; longer than the deadline of any call but a listing of
    ///     jobs, which ends the wait for an answer to begin.
    ///   - patience: for a connection to be made, its TLS included, or to become free.
    package init(logger: Logger, silence: Duration = .seconds(75), patience: Duration = .seconds(5)) {
        var configuration = HTTPClient.Configuration()
        // To another origin AsyncHTTPClient would take X-SLURM-USER-TOKEN along.
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = TimeAmount(patience)
        configuration.timeout.read = TimeAmount(silence)
        // A daemon that is down is said to be down at once.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = SlurmConnections.most
        configuration.httpVersion = .http1Only
        readingLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        reading = HTTPClient(eventLoopGroup: readingLoop, configuration: configuration)
        keeping = HTTPClient(eventLoopGroup: readingLoop, configuration: configuration)
        // Its own client: the daemon may be closing at this moment what a read has left behind. `Connection: close`, which each
        // change says, ends a connection that one was sent on, and this one that was made for a request that gave up before it
        // was there.
        configuration.connectionPool.idleTimeout = .zero
        changing = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        self.logger = logger
    }

    /// - Parameter authorities: a file of certificates in PEM to trust instead of the system's, for `https`.
    /// - Throws: `SallyError(.misconfigured)` when that file cannot be used.
    package func client(
        _ cluster: ClusterName, at address: SlurmrestdAddress, pinned: APIVersion?, defaultPartition: PartitionName?,
        exclusivePartitions: Set<PartitionName> = [], authorities: String? = nil, deadline: Duration = .seconds(15)
    ) throws -> SlurmClient {
        var logger = logger
        logger[metadataKey: "cluster"] = "\(cluster)"
        return SlurmClient(
            cluster: cluster,
            exchange: SlurmExchange(
                address: address, reading: reading, keeping: keeping, changing: changing,
                tls: try authorities.map { try .client(trusting: $0) }, breaker: CircuitBreaker(), logger: logger),
            pinned: pinned, defaultPartition: defaultPartition, exclusivePartitions: exclusivePartitions,
            deadline: deadline, logger: logger)
    }

    package func close() async throws {
        var failure: (any Error)?
        for client in [reading, keeping, changing] {
            do { try await client.shutdown() } catch { failure = failure ?? error }
        }
        try await readingLoop.shutdownGracefully()
        if let failure { throw failure }
    }
}
