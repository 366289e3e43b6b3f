// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SallyModel
import SallyTestSupport
import SallyWire
import SlurmModel
import StrictJSON
import Testing

@testable import SallyGateway

@Suite struct QueueTests {
    private static let alice = UserName(unchecked: "alice")

    private static var settings: WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in queue.change { $0.jobs = [makeJob(1, alice)] } }
        return settings
    }

    @Test func oneEmptyListDoesNotReplaceAFullOne() async throws {
        try await withWorld(Self.settings) { world, _ in
            let keeper = world.cluster.keeper
            world.queue.change { $0.lists = [[]] }
            let doubted = try await keeper.snapshot(readAfter: .now, within: .seconds(240))
            #expect(doubted.jobs.count == 1)
            world.queue.change { $0.jobs = [] }
            let believed = try await keeper.snapshot(readAfter: .now, within: .seconds(240))
            #expect(believed.jobs.isEmpty)
        }
    }

    /// Lists, states, partitions, nodes and the jobs that have changed.
    @Test func noReadOfTheKeepersWaitsForAnybodyElses() async throws {
        var settings = Self.settings
        settings.before = { queue in
            queue.change { state in
                state.jobs = [makeJob(1, Self.alice)]
                state.servesStates = true
            }
        }
        try await withWorld(settings) { world, _ in
            let keeper = world.cluster.keeper
            _ = try await keeper.snapshot(readAfter: .now, within: .seconds(120))
            world.queue.change { $0.jobs.append(makeJob(2, Self.alice)) }
            let shown = try await keeper.snapshot(readAfter: .now, within: .seconds(120))
            #expect(shown.jobs.count == 2 && !shown.partitions.isEmpty)
            let reads = world.queue.now
            #expect(reads.reads > 0 && reads.stateReads > 0)
            #expect(reads.sharedReads == [])
        }
    }

    @Test func aReadThatFailsLeavesTheSnapshot() async throws {
        try await withWorld(Self.settings) { world, client in
            world.queue.change { $0.failure = SallyError(.unavailable, "cluster demo does not answer") }
            await #expect(throws: SallyError.self) {
                try await world.cluster.keeper.snapshot(readAfter: .now, within: .seconds(240))
            }
            #expect(world.cluster.keeper.snapshot.jobs.count == 1)
            try await client.expect(.ok, .get, "/v1/clusters/demo/jobs", world.alice)
            let ready = try await client.call(.get, "/readyz")
            #expect(ready.status == .serviceUnavailable)
            #expect(ready.text.contains("demo does not answer"))
            try await client.expect(.ok, .get, "/healthz")
            world.queue.change { $0.failure = nil }
            _ = try await world.cluster.keeper.snapshot(readAfter: .now, within: .seconds(240))
            try await eventually("it is ready") { try await client.call(.get, "/readyz").status == .ok }
        }
    }

    /// A slurmrestd that accepts and stays silent: nobody waits for the read's deadline to hear of it.
    @Test(arguments: [(Duration.zero, true), (.seconds(3600), false)])
    func aReadThatTakesTooLongCountsAsFailed(silence: Duration, isSaid: Bool) async throws {
        try await withWorld(Self.settings) { world, _ in
            let latch = Latch()
            let keeper = QueueKeeper(
                cluster: World.name, queue: world.queue, access: world.cluster.access, metrics: Metrics(),
                pause: .seconds(2), silence: silence, log: world.server.dependencies.log)
            await keeper.refresh()
            #expect(keeper.failure == nil)
            world.queue.change { $0.blocksReads = latch }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await keeper.refresh() }
                defer { latch.open() }
                try await eventually("the read is under way") { keeper.isReading }
                if isSaid {
                    try await eventually("it is said") {
                        keeper.failure?.message == "cluster demo did not answer in time"
                    }
                } else {
                    #expect(keeper.failure == nil)
                }
                latch.open()
                try await group.waitForAll()
            }
            #expect(keeper.failure == nil)
        }
    }

    @Test func aClusterThatIsSlowIsGivenThreeTimesWhatItTook() {
        let silence = Duration.seconds(5)
        #expect(QueuePace.patience(silence, after: [.zero, .seconds(1)]) == silence)
        #expect(QueuePace.patience(silence, after: [.seconds(1), .seconds(20)]) == .seconds(60))
        #expect(QueuePace.patience(silence, after: [.seconds(4), .seconds(2)]) == .seconds(12))
        // Who waits for a newer one: for the read under way, the rest after it, and the next one.
        #expect(QueuePace.wait(.seconds(30), after: [.seconds(2), .zero]) == .seconds(30))
        #expect(QueuePace.wait(.seconds(30), after: [.seconds(2), .seconds(60)]) == .seconds(300))
    }

    @Test func whatWeDidShowsAtOnce() async throws {
        try await withWorld { world, _ in
            let keeper = world.cluster.keeper
            let latch = Latch()
            world.queue.change { $0.blocksReads = latch }
            defer { latch.open() }
            keeper.show(makeJob(9, Self.alice))
            #expect(keeper.snapshot.jobs(of: Self.alice).map(\.view.job.rawValue) == [9])
            keeper.showEnded(JobTarget(job: JobID(rawValue: 9)!), of: Self.alice, told: [])  // a small number
            let left = keeper.snapshot.jobs(of: Self.alice).filter { !$0.isFinished }
            #expect(left.isEmpty)
        }
    }

    @Test func readersCostSlurmNothing() async throws {
        try await withWorld(Self.settings) { world, client in
            let tokens = world.signer.now.services.count
            for _ in 0..<50 { _ = try await client.call(.get, "/v1/clusters/demo/jobs", world.alice) }
            #expect(world.signer.now.services.count == tokens)
            #expect(world.signer.now.minted.isEmpty)
        }
    }

    @Test func anArrayIsFoundByItsNumber() {
        var task = makeJob(12, Self.alice)
        task.array = JobID(rawValue: 10)
        let snapshot = QueueSnapshot(jobs: [task, makeJob(11, Self.alice)], partitions: [], nodes: [], readAt: .now)
        #expect(snapshot.records(JobID(rawValue: 10)!).map(\.view.job.rawValue) == [12])  // a small number
        #expect(snapshot.records(JobID(rawValue: 99)!).isEmpty)  // a small number
    }
}
