// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyWire
import SlurmModel
import Testing

@testable import SallyGateway

/// What we did ourselves, until a read has seen it.
@Suite struct QueueDeedsTests {
    private static let alice = UserName(unchecked: "alice")
    private static let bob = UserName(unchecked: "bob")

    private static func id(_ number: UInt32) -> JobID { JobID(rawValue: number)! }  // a small number

    /// A keeper that nobody runs, which has read job 1.
    private func withKeeper(
        _ body: @Sendable (FakeQueue, QueueKeeper) async throws -> Void
    ) async throws {
        try await withWorld { world, _ in
            let queue = FakeQueue()
            queue.change { $0.jobs = [makeJob(1, Self.alice)] }
            let keeper = QueueKeeper(
                cluster: World.name, queue: queue, access: world.cluster.access, metrics: Metrics(),
                pause: .seconds(2), log: world.server.dependencies.log)
            try await body(queue, keeper)
        }
    }

    @Test func whatAnEarlierReadCannotKnowIsKept() {
        let start = ContinuousClock.now
        var deeds = QueueDeeds()
        deeds.submit(makeJob(1, Self.alice), of: Self.alice, at: start - .seconds(1))
        deeds.submit(makeJob(2, Self.alice), of: Self.alice, at: start)
        deeds.submit(makeJob(3, Self.alice), of: Self.alice, at: start + .seconds(1))
        deeds.end(JobTarget(job: Self.id(4)), of: Self.bob, told: [], at: start + .seconds(1))
        #expect(deeds.submitted(before: start).map(\.id.rawValue) == [1])
        // The second read began earlier than all that is left.
        for moment in [start, start - .seconds(60)] {
            deeds.forget(before: moment)
            #expect(deeds.of(Self.alice)?.submitted.map(\.id.rawValue) == [2, 3])
            #expect(deeds.of(Self.bob)?.asKnown(makeJob(4, Self.bob)).view.states == ["CANCELLED"])
        }
        deeds.forget(before: start + .seconds(2))
        #expect(deeds.isEmpty && deeds.owners.isEmpty)
    }

    /// Until a read has seen what was done.
    @Test func aReadUnderWayTakesNothingBack() async throws {
        try await withKeeper { queue, keeper in
            await keeper.refresh()
            let latch = Latch()
            queue.change { $0.blocksReads = latch }
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { latch.open() }
                group.addTask { await keeper.refresh() }
                try await eventually("the read is under way") { latch.hasWaiters }
                keeper.show(makeJob(9, Self.alice))
                latch.open()
                try await group.waitForAll()
            }
            #expect(keeper.snapshot.jobs.map(\.id.rawValue) == [1, 9])
            queue.change { $0.blocksReads = nil }
            await keeper.refresh()
            #expect(keeper.snapshot.jobs.map(\.id.rawValue) == [1])
        }
    }

    /// It has a state, and slurmctld says no more of it yet.
    @Test func whatWasSubmittedStaysWhileItsStateIsAllThatIsTold() async throws {
        try await withKeeper { queue, keeper in
            queue.change { $0.servesStates = true }
            await keeper.refresh()
            queue.change { state in
                state.jobs.append(makeJob(9, Self.alice))
                state.hidden = [Self.id(9)]
            }
            var job = makeJob(9, Self.alice)
            job.isStale = true
            keeper.show(job)
            await keeper.refresh()
            let snapshot = keeper.snapshot
            #expect(snapshot.jobs.map(\.id.rawValue) == [1, 9])
            #expect(snapshot.completeAt == snapshot.readAt)
        }
    }

    /// A job that ended by itself before it was ended is no cancelled one.
    @Test func whatHasFinishedStaysAsItEnded() throws {
        var deeds = QueueDeeds()
        let told = makeJob(5, Self.alice, state: "COMPLETED")
        deeds.end(JobTarget(job: Self.id(5)), of: Self.alice, told: [told], at: .now)
        deeds.end(JobTarget(job: Self.id(10)), of: Self.alice, told: [], at: .now)
        let own = try #require(deeds.of(Self.alice))
        #expect(own.told[Self.id(5)]?.view.states == ["COMPLETED"])
        #expect(own.asKnown(makeJob(5, Self.alice, state: "RUNNING")).view.states == ["COMPLETED"])
        // What Slurm told nothing of, as it was read.
        for (state, shown) in [("FAILED", "FAILED"), ("TIMEOUT", "TIMEOUT"), ("RUNNING", "CANCELLED")] {
            var task = makeTask(12, of: 10, "10_2", Self.alice)
            task.view.states = [state]
            #expect(own.asKnown(task).view.states == [shown])
        }
    }
}
