// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyModel
import SallyPolicy
import ServiceLifecycle
import Synchronization

/// Looks now and then whether a cluster's slurmrestd serves a newer API version than the one in use, so that an upgrade of
/// Slurm that still serves the old one is noticed. It costs a ping for each newer version that is spoken.
///
/// An upgrade starts slurmrestd anew: where the queue could not be read in between, it looks as soon as it can be read again.
final class VersionWatch: Service {
    private let cluster: ClusterName
    private let versions: any SlurmVersions
    private let keeper: QueueKeeper
    private let access: ServiceAccess
    private let log: Logger
    private let last: Mutex<Look>

    private struct Look {
        var at: ContinuousClock.Instant
        /// How often the queue could not be read before it.
        var failures: Int
    }

    /// Between two looks at whether it is time.
    private static let tick = Duration.seconds(5)
    /// Between two looks at slurmrestd, while nothing happens.
    static let pause = Duration.seconds(300)

    /// - Parameter start: which version is served was found out then, or will be.
    init(
        cluster: ClusterName, versions: some SlurmVersions, keeper: QueueKeeper, access: ServiceAccess, log: Logger,
        start: ContinuousClock.Instant = .now
    ) {
        self.cluster = cluster
        self.versions = versions
        self.keeper = keeper
        self.access = access
        self.log = log
        last = Mutex(Look(at: start, failures: keeper.failureCount))
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: VersionWatch.tick)  // ends early only when the loop ends
                await self.turn(at: .now)
            }
        }
    }

    /// Looks, if it is time and the cluster answers. What fails changes nothing: the version in use is spoken on, and whoever
    /// reads hears of what is wrong.
    func turn(at now: ContinuousClock.Instant) async {
        guard keeper.failure == nil else { return }
        let failures = keeper.failureCount
        let isTime = last.withLock { last in
            guard last.failures != failures || last.at.duration(to: now) >= VersionWatch.pause else { return false }
            last = Look(at: now, failures: failures)
            return true
        }
        guard isTime else { return }
        do {
            try await access.read(.readQueue(cluster)) { read, token in
                try await versions.takeUpNewerVersion(read, token: token)
            }
        } catch {
            let problem = asSallyError(error)
            log.debug(
                "no look at newer API versions",
                metadata: ["cluster": "\(cluster)", "message": "\(problem.message)", "cause": "\(problem.cause ?? "")"])
        }
    }
}
