// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyWire
import SlurmModel
import Testing

@testable import SallyGateway

/// A list that takes its time is read while states are followed.
@Suite struct QueueBesideTests {
    private static let alice = UserName(unchecked: "alice")

    private func ids(_ memory: QueueReader.Memory) -> [UInt32] { memory.jobs.map(\.id.rawValue).sorted() }

    @Test func aListIsOrderedOnceAndStatesGoOn() async throws {
        try await withListedReader(3, listed: .seconds(400)) { queue, reader, memory in
            var memory = try await reader.read(after: memory, .usual, isServed: true)
            let order = try #require(memory.order)
            #expect(queue.now.reads == 0)
            queue.change { $0.jobs[0] = makeJob(1, Self.alice, state: "RUNNING") }
            memory.wholeAt = ContinuousClock.now - .seconds(400)
            memory = try await reader.read(after: memory, .usual, isServed: true)
            #expect(memory.jobs.contains { $0.id.rawValue == 1 && $0.view.states == ["RUNNING"] })
            #expect(queue.now.reads == 0 && memory.isComplete)
            // It is the same order still.
            #expect(memory.order?.at == order.at)
        }
    }

    /// Without somebody who brings it the list is read in line, and so is one that is quick.
    @Test(arguments: [(false, 60), (true, 0)]) func otherwiseItIsReadInLine(_ isServed: Bool, _ took: Int) async throws
    {
        try await withListedReader(3, listed: .seconds(400)) { queue, reader, memory in
            var memory = memory
            memory.wholeTook = .seconds(took)
            memory = try await reader.read(after: memory, .usual, isServed: isServed)
            #expect(memory.order == nil && queue.now.reads == 1)
        }
    }

    /// The list is as old as its order; what was read since is newer, and what changed since is seen at the next look.
    @Test func whatWasSaidSinceIsNewerThanTheList() async throws {
        try await withListedReader(5, listed: .seconds(400)) { queue, reader, memory in
            var memory = try await reader.read(after: memory, .usual, isServed: true)
            let order = try #require(memory.order)
            // The list: 1 to 4 as they were, 5 has gone, 6 is new.
            queue.change { $0.lists = [[1, 2, 3, 4, 6].map { makeJob($0, Self.alice) }] }
            let delivery = try await reader.deliver(order)
            // Since: 1 runs, 2 is gone, 7 is new, and 5 is gone too.
            queue.change { state in
                state.jobs = [
                    makeJob(1, Self.alice, state: "RUNNING"), makeJob(3, Self.alice), makeJob(4, Self.alice),
                    makeJob(6, Self.alice), makeJob(7, Self.alice),
                ]
            }
            memory = try await reader.read(after: memory, .usual, isServed: true)
            #expect(ids(memory) == [1, 3, 4, 6, 7])
            queue.change { $0.jobReads = [] }
            memory.receive(delivery)
            #expect(memory.order == nil && memory.listedAt == order.at && memory.changesSince == Timestamp(777))
            #expect(memory.jobs.first { $0.id.rawValue == 1 }?.view.states == ["RUNNING"])
            memory = try await reader.read(after: memory, .usual, isServed: true)
            #expect(ids(memory) == [1, 3, 4, 6, 7] && memory.isComplete)
            // What was read since does not have to be read again.
            #expect(queue.now.jobReads == [])
        }
    }

    @Test func aChangeWhileTheListIsMadeIsNotLost() async throws {
        try await withListedReader(3, listed: .seconds(400)) { queue, reader, memory in
            var memory = try await reader.read(after: memory, .usual, isServed: true)
            let old = queue.now.jobs
            queue.change { state in
                // 2 has gone.
                state.lists = [[old[0], old[2]]]
                state.jobs = [old[0], makeJob(3, Self.alice, state: "RUNNING"), makeJob(9, Self.alice)]
            }
            // What was submitted meanwhile, and no look at states in between.
            memory.jobs.append(makeJob(9, Self.alice))
            memory.receive(try await reader.deliver(try #require(memory.order)))
            // The next list is far away.
            memory.wholeTook = .seconds(60)
            #expect(ids(memory) == [1, 3, 9])
            memory = try await reader.read(after: memory, .usual, isServed: true)
            #expect(memory.jobs.first { $0.id.rawValue == 3 }?.view.states == ["RUNNING"])
            #expect(queue.now.jobReads.map(\.rawValue) == [3])
        }
    }

    /// A state that a look showed meanwhile is not of the list: what shows in no record's own states, such as that fewer tasks wait,
    /// would never be asked for again.
    @Test func statesAreAsOldAsTheList() async throws {
        try await withListedReader(1, listed: .seconds(10)) { queue, reader, memory in
            queue.change { $0.jobs.append(makeTask(10, of: 10, "10_[2-3]", Self.alice)) }
            var memory = try await reader.read(after: memory, .usual)
            memory.wholeAt = ContinuousClock.now - .seconds(400)
            memory = try await reader.read(after: memory, .usual, isServed: true)
            let order = try #require(memory.order)
            queue.change { $0.lists = [$0.jobs] }
            let delivery = try await reader.deliver(order)
            // Since, one task has started, and nothing but the states came.
            queue.change { state in
                state.jobs[1] = makeTask(10, of: 10, "10_3", Self.alice)
                state.jobs.append(makeTask(11, of: 10, "10_2", Self.alice))
                state.hidden = Set(state.jobs.map(\.id))
            }
            memory = try await reader.read(after: memory, .usual, isServed: true)
            memory.receive(delivery)
            #expect(memory.jobs.map(\.view.displayID).sorted() == ["1", "10_[2-3]"])
            queue.change { $0.hidden = [] }
            memory = try await reader.read(after: memory, .usual, isServed: true)
            #expect(memory.jobs.map(\.view.displayID).sorted() == ["1", "10_2", "10_3"] && memory.isComplete)
        }
    }

    /// What was said of an array, or of a heterogeneous job, was said of all of its records: one that was not among them is gone.
    @Test(arguments: [
        [makeTask(10, of: 10, "10_1", alice), makeTask(11, of: 10, "10_0", alice)],
        [makeComponent(0, of: 10, alice), makeComponent(1, of: 10, alice)],
    ])
    func partsThatAreGoneDoNotComeBackWithTheList(parts: [QueuedJob]) async throws {
        try await withListedReader(3, listed: .seconds(400)) { queue, reader, memory in
            queue.change { $0.jobs += parts }
            var memory = try await reader.read(after: memory, .usual)
            memory.wholeTook = .seconds(60)
            memory.wholeAt = ContinuousClock.now - .seconds(400)
            memory = try await reader.read(after: memory, .usual, isServed: true)
            let order = try #require(memory.order)
            queue.change { state in
                state.lists = [state.jobs]
                state.jobs.removeLast()
                state.jobs[3].view.states = ["RUNNING"]
            }
            let delivery = try await reader.deliver(order)
            memory = try await reader.read(after: memory, .usual, isServed: true)
            memory.receive(delivery)
            #expect(ids(memory) == [1, 2, 3, 10])
        }
    }

    /// Another list would not have it either, and it is asked for by itself.
    @Test func whatTheListLacksAsksForNoOther() async throws {
        try await withListedReader(3, listed: .seconds(400)) { queue, reader, memory in
            var memory = try await reader.read(after: memory, .usual, isServed: true)
            queue.change { $0.lists = [Array($0.jobs.prefix(2))] }
            memory.receive(try await reader.deliver(try #require(memory.order)))
            // It would be time for another one after six minutes.
            memory.wholeTook = .seconds(60)
            #expect(ids(memory) == [1, 2] && memory.unlisted.map(\.rawValue) == [3])
            memory = try await reader.read(after: memory, .usual, isServed: true)
            #expect(ids(memory) == [1, 2, 3] && memory.isComplete && memory.order == nil)
        }
    }

    @Test func anEmptyListIsBelievedWhenItComesTwice() async throws {
        try await withListedReader(3, listed: .seconds(400)) { queue, reader, memory in
            let first = try await reader.read(after: memory, .certain, isServed: true)
            queue.change { $0.lists = [[], $0.jobs] }
            var memory = first
            memory.receive(try await reader.deliver(try #require(first.order)))
            #expect(ids(memory) == [1, 2, 3] && queue.now.reads == 2)
            queue.change { $0.lists = [[], []] }
            memory = first
            memory.receive(try await reader.deliver(try #require(first.order)))
            #expect(ids(memory) == [])
        }
    }

    @Test func noChangeLeavesWhatIsKnown() async throws {
        try await withListedReader(3, listed: .seconds(400)) { queue, reader, memory in
            var memory = try await reader.read(after: memory, .usual, isServed: true)
            #expect(memory.order?.since == Timestamp(777))
            queue.change { $0.saysUnchanged = true }
            memory.receive(try await reader.deliver(try #require(memory.order)))
            #expect(ids(memory) == [1, 2, 3] && memory.order == nil && memory.wholeTook == .seconds(60))
        }
    }

    @Test func aListThatFailsIsOrderedNoSooner() async throws {
        try await withListedReader(3, listed: .seconds(400)) { queue, reader, memory in
            var memory = try await reader.read(after: memory, .usual, isServed: true)
            queue.change { $0.listFailure = SallyError(.internal, "no list") }
            memory.receive(try await reader.deliver(try #require(memory.order)))
            #expect(ids(memory) == [1, 2, 3] && memory.listProblem?.message == "no list")
            #expect(memory.wholeTook == .seconds(60))
            memory = try await reader.read(after: memory, .usual, isServed: true)
            #expect(memory.order == nil && memory.isComplete)
        }
    }

    /// The next one will take at least as long, whatever became of this one.
    @Test func aListThatFailedCountsForWhatItTook() {
        var memory = QueueReader.Memory()
        memory.wholeTook = .seconds(60)
        for (took, longest) in [(90, 90), (5, 90)] {
            memory.placeOrder([:], since: nil)
            memory.receive(.failed(SallyError(.timeout, "no list"), took: .seconds(took)))
            #expect(memory.wholeTook == .seconds(longest))
            #expect(memory.order == nil && memory.listProblem?.message == "no list")
        }
    }

    /// The keeper's two loops: a list that does not come holds up nothing, and comes in the end.
    @Test func nobodyWaitsForTheList() async throws {
        try await withWorld { world, _ in
            let queue = FakeQueue()
            queue.change { state in
                state.jobs = (1...10).map { makeJob($0, Self.alice) }
                state.servesStates = true
            }
            let keeper = QueueKeeper(
                cluster: World.name, queue: queue, access: world.cluster.access, metrics: Metrics(),
                pause: .milliseconds(10), longestInLine: .zero, log: world.server.dependencies.log)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await keeper.run() }
                try await eventually("the first list") { keeper.latest.jobs.count == 10 }
                let latch = Latch()
                queue.change { state in
                    state.blocksReads = latch
                    // More than are read one by one, and found in the list alone.
                    let new = (100..<200).map { makeJob($0, Self.alice) }
                    state.jobs += new
                    state.hidden = Set(new.map(\.id))
                }
                try await eventually("the list is asked for") { latch.hasWaiters }
                queue.change { $0.jobs[0] = makeJob(1, Self.alice, state: "RUNNING") }
                try await eventually("job 1 is seen to run") {
                    keeper.latest.jobs.contains { $0.id.rawValue == 1 && $0.view.states == ["RUNNING"] }
                }
                #expect(keeper.latest.jobs.count == 10)
                latch.open()
                try await eventually("the list has come") { keeper.latest.jobs.count == 110 }
                try await eventually("and is complete") { keeper.latest.completeAt == keeper.latest.readAt }
                #expect(queue.now.reads >= 2)
                // And the next one.
                queue.change { state in
                    let new = (300..<400).map { makeJob($0, Self.alice) }
                    state.jobs += new
                    state.hidden.formUnion(new.map(\.id))
                }
                // Not before three times as long as the one before took.
                try await eventually("the next list has come", within: .seconds(900)) {
                    keeper.latest.jobs.count == 210
                }
                group.cancelAll()
            }
        }
    }
}
