// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyWire
import Testing

@testable import SallyGateway

/// What a change costs those who watch.
@Suite struct QueueWatchersTests {
    private static let alice = UserName(unchecked: "alice")
    private static let bob = UserName(unchecked: "bob")

    /// A keeper that reads when it is told to.
    private func withKeeper(_ body: @Sendable (World, QueueKeeper) async throws -> Void) async throws {
        var settings = WorldSettings()
        settings.before = { queue in queue.change { $0.jobs = [makeJob(1, Self.alice), makeJob(2, Self.bob)] } }
        try await withWorld(settings) { world, _ in
            let keeper = QueueKeeper(
                cluster: World.name, queue: world.queue, access: world.cluster.access, metrics: Metrics(),
                pause: .seconds(2), log: world.server.dependencies.log)
            await keeper.refresh()
            try await body(world, keeper)
        }
    }

    @Test func onlyTheyAreWokenWhoseJobsHaveChanged() async throws {
        try await withKeeper { world, keeper in
            let (hers, his) = (keeper.watch(Self.alice), keeper.watch(Self.bob))
            let (before, kept) = (await hers.jobs(), await his.jobs())
            world.queue.change { $0.jobs = [makeJob(1, Self.alice, state: "RUNNING"), makeJob(2, Self.bob)] }
            await keeper.refresh()
            #expect(hers.bell.isRung && !his.bell.isRung)
            let (after, same) = (await hers.jobs(), await his.jobs())
            #expect(after.jobs.map(\.view.states) == [["RUNNING"]] && before.jobs.map(\.view.states) == [["PENDING"]])
            #expect(same === kept)
            keeper.show(makeJob(9, Self.bob))
            #expect(his.bell.isRung)
            let shown = await his.jobs()
            #expect(shown.jobs.map(\.id.rawValue) == [2, 9])
            // Slurm does not list it: the next read takes it away again.
            await keeper.refresh()
            let gone = await his.jobs()
            #expect(gone.jobs.map(\.id.rawValue) == [2])
        }
    }

    @Test func whatHasChangedIsFoundOnceForEachPerson() async throws {
        try await withKeeper { world, keeper in
            let watchers = (0..<10).map { _ in keeper.watch(Self.alice) }
            for jobs in [[makeJob(1, Self.alice)], [makeJob(3, Self.alice)], []] {
                world.queue.change { $0.jobs = jobs + [makeJob(2, Self.bob)] }
                await keeper.refresh()
                let first = await watchers[0].jobs()
                #expect(first.jobs == jobs)
                for watcher in watchers {
                    let other = await watcher.jobs()
                    #expect(other === first)
                }
            }
        }
    }

    @Test func everybodyIsWokenWhenSlurmIsAwayAndBack() async throws {
        try await withKeeper { world, keeper in
            let first = keeper.watch(Self.alice)
            world.queue.change { $0.failure = SallyError(.unavailable, "away") }
            await keeper.refresh()
            #expect(first.bell.isRung)
            let second = keeper.watch(Self.bob)
            world.queue.change { $0.failure = nil }
            await keeper.refresh()
            #expect(second.bell.isRung)
        }
    }

    @Test func newsAreTheSameWhetherTheValueBeforeIsKnownOrAnOlderOne() {
        func ids(_ jobs: [QueuedJob]) -> [UInt32] { jobs.map(\.id.rawValue) }
        let first = WatchedJobs([1, 2, 3].map { makeJob($0, Self.alice) }, after: nil)
        let second = WatchedJobs(
            [makeJob(1, Self.alice), makeJob(2, Self.alice, state: "RUNNING"), makeJob(4, Self.alice)], after: first)
        let third = WatchedJobs([makeJob(1, Self.alice), makeJob(2, Self.alice, state: "RUNNING")], after: second)
        #expect(ids(second.news(since: first).changed) == [2, 4] && ids(second.news(since: first).gone) == [3])
        #expect(third.news(since: second).changed.isEmpty && ids(third.news(since: second).gone) == [4])
        #expect(ids(third.news(since: first).changed) == [2] && ids(third.news(since: first).gone) == [3])
        #expect(third.news(since: third).changed.isEmpty && third.news(since: third).gone.isEmpty)
        #expect(first.tag != second.tag && first.tag == WatchedJobs(first.jobs, after: third).tag)
    }
}
