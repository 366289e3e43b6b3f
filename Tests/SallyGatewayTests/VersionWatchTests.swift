// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyModel
import SallyPolicy
import SallyTestSupport
import Synchronization
import Testing

@testable import SallyGateway

/// When a newer API version is looked for.
@Suite struct VersionWatchTests {
    private final class Versions: SlurmVersions {
        private struct State {
            var looks = 0
            var failure: SallyError?
        }

        private let state = Mutex(State())

        var looks: Int { state.withLock { $0.looks } }
        func fail(_ failure: SallyError?) { state.withLock { $0.failure = failure } }

        func takeUpNewerVersion(_ read: Authorized<SystemAction>, token: Secret<String>) async throws {
            try state.withLock { state in
                state.looks += 1
                if let failure = state.failure { throw failure }
            }
        }
    }

    private func withWatch(
        _ body: @Sendable (World, QueueKeeper, VersionWatch, Versions, ContinuousClock.Instant) async throws -> Void
    ) async throws {
        try await withWorld { world, _ in
            let keeper = QueueKeeper(
                cluster: World.name, queue: world.queue, access: world.cluster.access, metrics: Metrics(),
                pause: .seconds(2), silence: .seconds(3600), log: world.server.dependencies.log)
            let (versions, start) = (Versions(), ContinuousClock.now)
            let watch = VersionWatch(
                cluster: World.name, versions: versions, keeper: keeper, access: world.cluster.access,
                log: world.server.dependencies.log, start: start)
            try await body(world, keeper, watch, versions, start)
        }
    }

    @Test func itLooksOnceInAWhile() async throws {
        try await withWatch { _, keeper, watch, versions, start in
            await keeper.refresh()
            await watch.turn(at: start + .seconds(299))
            #expect(versions.looks == 0)
            await watch.turn(at: start + .seconds(300))
            await watch.turn(at: start + .seconds(301))
            await watch.turn(at: start + .seconds(599))
            #expect(versions.looks == 1)
            await watch.turn(at: start + .seconds(600))
            #expect(versions.looks == 2)
        }
    }

    /// An upgrade starts slurmrestd anew.
    @Test func itLooksWhenTheClusterIsBack() async throws {
        try await withWatch { world, keeper, watch, versions, start in
            await keeper.refresh()
            world.queue.change { $0.failure = SallyError(.unavailable, "cluster demo does not answer") }
            await keeper.refresh()
            for second in [10, 400] { await watch.turn(at: start + .seconds(second)) }
            #expect(versions.looks == 0, "nobody is there")
            world.queue.change { $0.failure = nil }
            await keeper.refresh()
            for second in [401, 402, 403] { await watch.turn(at: start + .seconds(second)) }
            #expect(versions.looks == 1)
        }
    }

    /// The cluster's services look, not this test.
    @Test func theGatewayLooks() async throws {
        try await withWorld { world, _ in
            world.queue.change { $0.failure = SallyError(.unavailable, "cluster demo does not answer") }
            try await eventually("it is away") { world.cluster.keeper.failureCount > 0 }
            #expect(world.queue.now.versionLooks == 0)
            world.queue.change { $0.failure = nil }
            try await eventually("it is looked for") { world.queue.now.versionLooks == 1 }
        }
    }

    @Test func aLookThatFailsIsNotRepeatedAtOnce() async throws {
        try await withWatch { _, keeper, watch, versions, start in
            await keeper.refresh()
            versions.fail(SallyError(.unavailable, "no answer"))
            for second in [300, 301, 302] { await watch.turn(at: start + .seconds(second)) }
            #expect(versions.looks == 1)
            #expect(keeper.failure == nil)
        }
    }
}

extension FakeQueue: SlurmVersions {
    func takeUpNewerVersion(_ read: Authorized<SystemAction>, token: Secret<String>) async throws {
        change { $0.versionLooks += 1 }
    }
}
