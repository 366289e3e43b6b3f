// SPDX-License-Identifier: Apache-2.0

package import Logging
import SallyKeepProtocol
package import SallyModel
import SallyNetwork
import SallyPolicy
import SallySocket
import SallyStore
import ServiceLifecycle
package import SlurmModel
import Synchronization

/// Carries submissions from reservation to recorded outcome, in a task group of its own: whoever waits may go away, the
/// work goes on. At shutdown nothing new is taken and what is under way is finished.
package final class SubmissionRunner: Service {
    private let cluster: ClusterName
    private let steps: SubmissionSteps
    private let inbox: AsyncStream<Work>
    private let outbox: AsyncStream<Work>.Continuation
    /// Reservations that this process is working on.
    private let underWay = Mutex<Set<Int64>>([])
    private let log: Logger

    struct Order: Sendable {
        var authorized: Authorized<Submit>
        var reservation: Int64
        var principal: Principal
        var request: OpaqueID
    }

    private struct Work: Sendable {
        var order: Order
        var answer: AsyncStream<Result<SubmissionEnd, SallyError>>.Continuation
    }

    package init(cluster: ClusterName, steps: SubmissionSteps, log: Logger) {
        self.cluster = cluster
        self.steps = steps
        self.log = log
        (inbox, outbox) = AsyncStream.makeStream()
    }

    package func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await work in inbox {
                    group.addTask(executorPreference: LoopExecutor.shared) {
                        await self.steps.perform(work.order) { end in
                            work.answer.yield(end)
                            work.answer.finish()
                        }
                        _ = self.underWay.withLock { $0.remove(work.order.reservation) }
                    }
                }
            }
        } onGracefulShutdown: {
            self.outbox.finish()
        }
    }

    func isUnderWay(_ reservation: Int64) -> Bool { underWay.withLock { $0.contains(reservation) } }

    /// Hands the order over and waits for its end, at most `limit`. Cancelling ends only the waiting.
    ///
    /// - Returns: `.unknown` when the waiting ended first.
    /// - Throws: why nothing reached Slurm, or Slurm's refusal.
    func carry(_ order: Order, waitingAtMost limit: Duration) async throws -> SubmissionEnd {
        let (answers, answer) = AsyncStream<Result<SubmissionEnd, SallyError>>.makeStream()
        underWay.withLock { _ = $0.insert(order.reservation) }
        switch outbox.yield(Work(order: order, answer: answer)) {
        case .enqueued, .dropped: break
        case .terminated:
            _ = underWay.withLock { $0.remove(order.reservation) }
            await steps.abandon(order, why: "the gateway was stopping")
            throw SallyError(.unavailable, "the gateway is stopping", hint: "submit again in a moment")
        @unknown default: break
        }
        do {
            return try await withDeadline(limit) { await answers.first { _ in true } }?.get() ?? .unknown
        } catch is DeadlineExceeded {
            return .unknown
        }
    }
}

/// How a submission ended.
package enum SubmissionEnd: Sendable, Equatable {
    case accepted(JobID, messages: SubmissionMessages)
    case unknown
}
