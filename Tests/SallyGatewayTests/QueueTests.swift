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
            _ = try await keeper.snapshot(readAfter: .now, within: .seconds(240))
            world.queue.change { $0.jobs.append(makeJob(2, Self.alice)) }
            let shown = try await keeper.snapshot(readAfter: .now, within: .seconds(240))
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

    /// One that nobody runs.
    private func keeper(_ world: World) -> QueueKeeper {
        QueueKeeper(
            cluster: World.name, queue: world.queue, access: world.cluster.access, metrics: Metrics(),
            pause: .seconds(2), log: world.server.dependencies.log)
    }

    /// Where `/partitions` or `/nodes` is broken jobs are shown, and what was known of the rest, which says that it is old.
    @Test(arguments: ["partitions", "nodes"]) func brokenPartitionsAndNodesHideNoJob(what: String) async throws {
        try await withWorld(Self.settings) { world, client in
            let keeper = world.cluster.keeper
            _ = try await keeper.snapshot(readAfter: .now, within: .seconds(240))
            let problem = SallyError(.unavailable, "no \(what) today")
            world.queue.change { state in
                state.shapeFailures[what] = problem
                state.jobs.append(makeJob(5, Self.alice))
            }
            await keeper.shapes.refresh()
            let read = try await keeper.snapshot(readAfter: .now, within: .seconds(240))
            #expect(read.jobs.count == 2 && read.partitions.count == 2 && read.nodes == testNodes)
            #expect(keeper.failure == nil && keeper.shapes.failure?.message == "no \(what) today")
            let jobs = try await client.call(.get, "/v1/clusters/demo/jobs", world.alice)
            #expect(jobs.status == .ok && jobs.headers[.stale] == nil)
            try await client.expect(.ok, .get, "/readyz")
            for path in ["partitions", "nodes"] {
                let old = try await client.call(.get, "/v1/clusters/demo/\(path)", world.alice)
                #expect(old.status == .ok && old.headers[.stale] == "true", "\(path): \(old.text)")
            }
            world.queue.change { $0.shapeFailures = [:] }
            await keeper.shapes.refresh()
            let new = try await client.call(.get, "/v1/clusters/demo/nodes", world.alice)
            #expect(new.status == .ok && new.headers[.stale] == nil)
        }
    }

    /// Jobs are judged by partitions: before these are known, nothing is.
    @Test(arguments: ["partitions", "nodes"]) func withoutPartitionsAndNodesNothingIsReady(what: String) async throws {
        try await withWorld(Self.settings) { world, _ in
            let keeper = keeper(world)
            world.queue.change { $0.shapeFailures[what] = SallyError(.unavailable, "no \(what) today") }
            await keeper.refresh()
            #expect(keeper.failure?.message == "no \(what) today" && keeper.latest.readAt == nil)
            let error = #expect(throws: SallyError.self) { try keeper.shape(within: .seconds(3600)) }
            #expect(error?.message == "no \(what) today")
            world.queue.change { $0.shapeFailures = [:] }
            await keeper.refresh()
            #expect(keeper.failure == nil && keeper.latest.jobs.count == 1 && keeper.latest.nodes == testNodes)
        }
    }

    /// Every half minute, however often the queue is read.
    @Test func partitionsAndNodesAreReadSeldom() async throws {
        let start = ContinuousClock.now
        try await withWorld(Self.settings) { world, _ in
            let keeper = keeper(world)
            _ = try await world.cluster.keeper.snapshot(readAfter: .now, within: .seconds(240))
            let (reads, before) = counts(world)
            for _ in 0..<20 { await keeper.refresh() }
            _ = try await world.cluster.keeper.snapshot(readAfter: .now, within: .seconds(240))
            let (more, after) = counts(world)
            #expect(more >= reads + 20)
            // Once by the one that nobody runs; by the other one as often as half minutes have passed.
            let most = 2 + Int(start.duration(to: .now) / .seconds(30))
            let grown = zip(after, before).map { $0 - $1 }
            #expect(grown.allSatisfy { (1...most).contains($0) }, "\(grown)")
        }
    }

    /// Reads of the queue, and of partitions and nodes.
    private func counts(_ world: World) -> (queue: Int, shape: [Int]) {
        let now = world.queue.now
        return (now.reads, ["partitions", "nodes"].map { now.shapeReads[$0, default: 0] })
    }

    /// By their own age, not by that of the queue.
    @Test func partitionsAndNodesThatAreTooOldAreNotShown() async throws {
        try await withWorld(Self.settings) { world, _ in
            let keeper = keeper(world)
            let early = #expect(throws: SallyError.self) { try keeper.shape(within: .seconds(3600)) }
            #expect(early?.message == "cluster demo was not read yet" && early?.hint == "try again in a moment")
            await keeper.refresh()
            let readBefore = ContinuousClock.now
            let known = try keeper.shape(within: .seconds(3600))
            #expect(known.value.nodes == testNodes)
            world.queue.change { $0.shapeFailures["nodes"] = SallyError(.unavailable, "no nodes today") }
            await keeper.shapes.refresh()
            await keeper.refresh()
            let error = #expect(throws: SallyError.self) {
                try keeper.shape(within: readBefore.duration(to: .now))
            }
            #expect(error?.code == .unavailable)
            #expect(error?.message.hasSuffix("too old to show (no nodes today)") == true, "\(error?.message ?? "")")
        }
        var settings = Self.settings
        settings.staleLimit = .zero
        try await withWorld(settings) { world, client in
            _ = try await world.cluster.keeper.snapshot(readAfter: .now, within: .seconds(240))
            for path in ["partitions", "nodes"] {
                let answer = try await client.call(.get, "/v1/clusters/demo/\(path)", world.alice)
                #expect(answer.status == .serviceUnavailable, "\(path)")
                #expect(try answer.problem.detail.contains("too old to show"))
            }
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
