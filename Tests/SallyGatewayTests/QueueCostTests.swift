// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import SallyModel
import SallyTestSupport
import SallyWire
import SlurmModel
import Testing

@testable import SallyGateway

/// What a read of the queue asks of Slurm.
@Suite struct QueueCostTests {
    private static let alice = UserName(unchecked: "alice")

    private static var settings: WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change { state in
                state.jobs = (1...3).map { makeJob($0, alice) }
                state.listedAt = Timestamp(777)
            }
        }
        return settings
    }

    private static func reader(_ world: World) -> QueueReader {
        QueueReader(cluster: World.name, queue: world.queue, access: world.cluster.access)
    }

    @Test func changesAreAskedForSinceTheListBefore() async throws {
        try await withWorld(Self.settings) { world, _ in
            // The keeper asks the other one.
            let queue = FakeQueue()
            Self.settings.before(queue)
            queue.change { $0.saysUnchanged = true }
            let reader = QueueReader(cluster: World.name, queue: queue, access: world.cluster.access)
            let first = try await reader.read(after: .init(), .usual)
            let second = try await reader.read(after: first, .usual)
            // Nothing has changed: what is known stays.
            #expect(second.jobs == first.jobs && second.jobs.count == 3)
            queue.change { state in
                state.saysUnchanged = false
                state.jobs.removeLast()
            }
            let third = try await reader.read(after: second, .usual)
            #expect(third.jobs.count == 2)
            #expect(queue.now.changesAsked == [nil, Timestamp(777), Timestamp(777)])
        }
    }

    /// Clocks may be minutes apart: whether something has changed is asked by slurmctld's own.
    @Test(arguments: [-3600, -299, -130, -1, 0, 1, 130, 299, 3600] as [Int64])
    func noChangeIsMissedWhateverTheClocksSay(skew: Int64) async throws {
        try await withWorld(Self.settings) { world, _ in
            func slurmsNow() -> Timestamp { Timestamp(world.clock.now.rawValue + skew) }
            let reader = Self.reader(world)
            world.queue.change { state in
                state.listedAt = nil
                state.skew = skew
                state.changedAt = slurmsNow()
            }
            // The first list shows that it comes without a clock; from then on the clock is asked for before each.
            let first = try await reader.read(after: .init(), .usual)
            #expect(first.changesSince == nil)
            world.clock.advance(10)
            let second = try await reader.read(after: first, .usual)
            #expect(second.changesSince == slurmsNow())
            world.clock.advance(10)
            world.queue.change { $0.changesAsked = [] }
            let third = try await reader.read(after: second, .usual)
            #expect(world.queue.now.changesAsked.contains(second.changesSince) && third.jobs.count == 3)
            #expect(third.listedAt == second.listedAt, "nothing has changed, and no list came")
            world.queue.change { state in
                state.jobs.removeLast()
                state.changedAt = slurmsNow()
            }
            let fourth = try await reader.read(after: third, .usual)
            #expect(fourth.jobs.count == 2)
        }
    }

    @Test func withoutSlurmsClockEveryListIsRead() async throws {
        try await withWorld(Self.settings) { world, _ in
            let reader = Self.reader(world)
            world.queue.change { state in
                state.listedAt = nil
                state.hidesClock = true
            }
            var memory = QueueReader.Memory()
            for _ in 0..<3 {
                memory = try await reader.read(after: memory, .usual)
                #expect(memory.changesSince == nil && memory.jobs.count == 3)
            }
        }
    }

    @Test func whoNeedsToBeSureIsNotToldThatNothingHasChanged() async throws {
        try await withWorld(Self.settings) { world, _ in
            let reader = Self.reader(world)
            let first = try await reader.read(after: .init(), .usual)
            world.queue.change { state in
                state.saysUnchanged = true
                state.jobs.removeLast()
            }
            #expect(try await reader.read(after: first, .usual).jobs.count == 3)
            #expect(try await reader.read(after: first, .certain).jobs.count == 2)
        }
    }

    @Test func nobodysWordIsTakenForLong() async throws {
        try await withWorld(Self.settings) { world, _ in
            let reader = Self.reader(world)
            var memory = try await reader.read(after: .init(), .usual)
            memory.listedAt = ContinuousClock.now - QueueReader.longestTrust
            world.queue.change { state in
                state.saysUnchanged = true
                state.jobs.removeLast()
            }
            #expect(try await reader.read(after: memory, .usual).jobs.count == 2)
        }
    }

    /// `snapshot(readAfter:)` is how somebody looks for a job that may not be there.
    @Test func aSnapshotThatSomebodyWaitsForIsCertain() async throws {
        try await withWorld(Self.settings) { world, _ in
            let keeper = world.cluster.keeper
            world.queue.change { state in
                state.saysUnchanged = true
                state.jobs.removeLast()
            }
            let snapshot = try await keeper.snapshot(readAfter: .now, within: .seconds(240))
            #expect(snapshot.jobs.count == 2)
        }
    }

    @Test func statesThatDifferAreNotOverruledByNothingHasChanged() async throws {
        var settings = Self.settings
        settings.before = { queue in
            queue.change { state in
                state.jobs = (1...3).map { makeJob($0, Self.alice) }
                state.listedAt = Timestamp(777)
                state.servesStates = true
            }
        }
        try await withWorld(settings) { world, _ in
            let reader = Self.reader(world)
            var memory = try await reader.read(after: .init(), .usual)
            memory.wholeAt = ContinuousClock.now - .seconds(60)
            world.queue.change { state in
                state.saysUnchanged = true
                state.jobs[0] = makeJob(1, Self.alice, state: "RUNNING")
            }
            let next = try await reader.read(after: memory, .usual)
            #expect(next.jobs.first?.view.states == ["RUNNING"])
            // And where they do not differ, it is asked for changes alone.
            var quiet = next
            quiet.wholeAt = ContinuousClock.now - .seconds(60)
            world.queue.change { $0.changesAsked = [] }
            #expect(try await reader.read(after: quiet, .usual).jobs == next.jobs)
            #expect(world.queue.now.changesAsked.contains { $0 != nil })
        }
    }

    @Test func jobsThatDidNotChangeAreKeptWhereTheyAre() async throws {
        try await withWorld(Self.settings) { world, _ in
            let keeper = world.cluster.keeper
            let before = try await keeper.snapshot(readAfter: .now, within: .seconds(240))
            let after = try await keeper.snapshot(readAfter: .now, within: .seconds(240))
            #expect(before.index === after.index)
            world.queue.change { $0.jobs[0].view.reason = "Priority" }
            let changed = try await keeper.snapshot(readAfter: .now, within: .seconds(240))
            #expect(changed.index !== after.index)
        }
    }

    @Test func manyReadersCostWhatOneCosts() async throws {
        try await withWorld(Self.settings) { world, client in
            func calls() -> Int {
                let now = world.queue.now
                return now.reads + now.stateReads + now.jobReads.count + now.accountingReads
            }
            let keeper = world.cluster.keeper
            _ = try await keeper.snapshot(readAfter: .now, within: .seconds(240))
            let (before, at) = (calls(), ContinuousClock.now)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<500 {
                    group.addTask { try await client.expect(.ok, .get, "/v1/clusters/demo/jobs", world.alice) }
                }
                try await group.waitForAll()
            }
            // The loop went on meanwhile: at most a list, and twice the question for states, every second.
            let turns = at.duration(to: .now) / .seconds(1) + 2
            #expect(Double(calls() - before) <= 3 * turns)
        }
    }

    /// What is ended is looked for by itself, before and after.
    @Test func aCancelCostsNoList() async throws {
        try await withWorld(Self.settings) { world, client in
            world.queue.change { $0.blocksReads = Latch() }
            defer {
                let latch = world.queue.now.blocksReads
                world.queue.change { $0.blocksReads = nil }
                latch?.open()
            }
            try await client.expect(.noContent, .delete, "/v1/clusters/demo/jobs/1", world.alice)
            #expect(world.queue.now.jobReads.map(\.rawValue) == [1, 1])
        }
    }
}
