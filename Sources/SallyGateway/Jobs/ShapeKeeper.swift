// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyModel
import SallyPolicy
import SlurmModel
import Synchronization

/// Keeps one cluster's partitions and nodes. They change seldom and are read by themselves: what becomes of that neither holds up
/// nor hides any job.
final class ShapeKeeper: Sendable {
    private let cluster: ClusterName
    private let queue: any SlurmQueue
    private let access: ServiceAccess
    private let log: Logger
    private let state = Mutex(State())

    /// Between two reads, whether the first failed or not.
    private static let pause = Duration.seconds(30)

    struct Shape: Sendable {
        let partitions: [Partition]
        let nodes: [Node]
        /// When the read began.
        let readAt: ContinuousClock.Instant
    }

    private struct State {
        var shape: Shape?
        var failure: SallyError?
    }

    init(cluster: ClusterName, queue: some SlurmQueue, access: ServiceAccess, log: Logger) {
        self.cluster = cluster
        self.queue = queue
        self.access = access
        self.log = log
    }

    func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: ShapeKeeper.pause)  // ends early only when the loop ends
            guard !Task.isCancelled else { return }
            await refresh()
        }
    }

    /// As it was read last, whatever became of later reads; nil before the first.
    var shape: Shape? { state.withLock { $0.shape } }

    /// Why the last read failed; nil when it did not.
    var failure: SallyError? { state.withLock { $0.failure } }

    /// As it was read last; where it never was it is read now.
    ///
    /// - Throws: what that read throws.
    func known() async throws -> Shape {
        if let shape { return shape }
        return try await read()
    }

    /// One read. Where it fails, what was known stays.
    func refresh() async {
        do {
            _ = try await read()
        } catch {
            guard !(error is CancellationError), !Task.isCancelled else { return }
            let problem = asSallyError(error)
            let first = state.withLock { state in
                defer { state.failure = problem }
                return state.failure == nil
            }
            let metadata: Logger.Metadata = [
                "cluster": "\(cluster)", "message": "\(problem.message)", "cause": "\(problem.cause ?? "")",
            ]
            if first { log.warning("partitions and nodes could not be read", metadata: metadata) }
        }
    }

    private func read() async throws -> Shape {
        let start = ContinuousClock.now
        let shape = try await access.read(.readQueue(cluster)) { read, token in
            Shape(
                partitions: try await queue.partitions(read, token: token),
                nodes: try await queue.nodes(read, token: token), readAt: start)
        }
        let recovered = state.withLock { state in
            defer { state = State(shape: shape, failure: nil) }
            return state.failure != nil
        }
        if recovered { log.info("partitions and nodes are read again", metadata: ["cluster": "\(cluster)"]) }
        return shape
    }
}
