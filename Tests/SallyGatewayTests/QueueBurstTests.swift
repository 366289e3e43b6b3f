// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire
import SlurmModel
import Testing

@testable import SallyGateway

/// A reader of a queue of alice's that nobody else reads, and what it knows after a list that took a minute and began `ago`.
func withListedReader(
    _ count: UInt32, listed ago: Duration,
    _ body: @Sendable (FakeQueue, QueueReader, QueueReader.Memory) async throws -> Void
) async throws {
    try await withWorld { world, _ in
        let queue = FakeQueue()
        queue.change { state in
            state.jobs = (1...count).map { makeJob($0, UserName(unchecked: "alice")) }
            state.servesStates = true
            state.listedAt = Timestamp(777)
        }
        let reader = QueueReader(cluster: World.name, queue: queue, access: world.cluster.access)
        var memory = try await reader.read(after: .init(), .usual)
        memory.wholeTook = .seconds(60)
        memory.wholeAt = ContinuousClock.now - ago
        queue.change { $0.reads = 0 }
        try await body(queue, reader, memory)
    }
}

/// More jobs change than are read one by one, on a cluster that serves states and whose list takes its time.
@Suite struct QueueBurstTests {
    private static let alice = UserName(unchecked: "alice")

    @Test(
        arguments: [
            // New, changed, seconds since the last list: lists and single jobs that are read.
            (80, 0, 200, 1, 0), (80, 0, 60, 0, 50), (0, 80, 400, 1, 0), (0, 80, 200, 0, 50), (30, 30, 400, 1, 0),
            (30, 30, 200, 0, 50), (30, 10, 200, 0, 40), (0, 0, 400, 1, 0), (0, 0, 200, 0, 0),
        ] as [(UInt32, UInt32, Int, Int, Int)])
    func aBurstIsReadAsOneListWhenThatHasItsShare(
        new: UInt32, changed: UInt32, ago: Int, lists: Int, singles: Int
    ) async throws {
        try await withListedReader(100, listed: .seconds(ago)) { queue, reader, memory in
            queue.change { state in
                for place in 0..<Int(changed) {
                    state.jobs[place] = makeJob(UInt32(place + 1), Self.alice, state: "RUNNING")
                }
                state.jobs += (0..<new).map { makeJob(200 + $0, Self.alice) }
            }
            let next = try await reader.read(after: memory, .usual)
            #expect(queue.now.reads == lists && queue.now.jobReads.count == singles)
            #expect(next.isComplete == (lists == 1 || new <= 50))
            #expect(next.jobs.count == 100 + (lists == 1 ? Int(new) : min(Int(new), 50)))
            // The states of those that are known are new whatever is read of them.
            let running = next.jobs.filter { $0.view.states == ["RUNNING"] }
            #expect(running.count == Int(changed))
        }
    }

    @Test func whatWaitsForAListIsReadInTheMeantime() async throws {
        try await withListedReader(1, listed: .seconds(10)) { queue, reader, memory in
            queue.change { $0.jobs += (2...121).map { makeJob($0, Self.alice) } }
            var memory = memory
            for (known, isComplete) in [(51, false), (101, false), (121, true)] {
                memory = try await reader.read(after: memory, .usual)
                #expect(memory.jobs.count == known && memory.isComplete == isComplete)
            }
            #expect(queue.now.reads == 0 && queue.now.jobReads.count == 120)
        }
    }

    private static let late = SallyError(.timeout, "cluster demo did not answer in time")
    private static let cut = SallyError(.unavailable, "cluster demo gave an answer that cannot be read")

    /// One lost answer costs its job, until the next look, and no other: none before it, and none after it but where the next would be
    /// waited for as long, or three were lost.
    @Test(arguments: [
        ([1: QueueBurstTests.late], 1, 1), ([5: QueueBurstTests.late], 5, 5), ([1: QueueBurstTests.cut], 20, 20),
        ([1: QueueBurstTests.cut, 7: QueueBurstTests.cut], 20, 19),
        ([1: QueueBurstTests.cut, 2: QueueBurstTests.cut, 7: QueueBurstTests.cut], 7, 5),
        ([1: QueueBurstTests.cut, 2: QueueBurstTests.cut, 3: QueueBurstTests.cut], 3, 1),
    ])
    func whatCameBesideALostAnswerCounts(_ failures: [Int: SallyError], reads: Int, known: Int) async throws {
        try await withListedReader(1, listed: .seconds(10)) { queue, reader, memory in
            queue.change { state in
                state.jobs += (2...21).map { makeJob($0, Self.alice) }
                state.jobFailures = failures
            }
            var memory = try await reader.read(after: memory, .usual)
            #expect(queue.now.jobReads.count == reads && memory.jobs.count == known && !memory.isComplete)
            memory = try await reader.read(after: memory, .usual)
            #expect(memory.jobs.count == 21 && memory.isComplete)
        }
    }

    @Test func thatItIsAskedTooOftenIsNeverPassedOver() async throws {
        try await withListedReader(1, listed: .seconds(10)) { queue, reader, memory in
            queue.change { state in
                state.jobs += (2...21).map { makeJob($0, Self.alice) }
                state.jobFailures[11] = SallyError(
                    .unavailable, "too often", slurm: SlurmRefusal(number: 1804, text: "Rate limit exceeded"))
            }
            await #expect(throws: SallyError.self) { try await reader.read(after: memory, .usual) }
        }
    }

    /// Known is what is known as of now, and nobody may conclude from that that something else is not there.
    @Test func aSnapshotThatLacksJobsIsNewForTheOthers() async throws {
        try await withWorld { world, _ in
            let queue = FakeQueue()
            queue.change { state in
                state.jobs = [makeJob(1, Self.alice)]
                state.servesStates = true
            }
            let keeper = QueueKeeper(
                cluster: World.name, queue: queue, access: world.cluster.access, metrics: Metrics(),
                pause: .seconds(2), log: world.server.dependencies.log)
            await keeper.refresh()
            let first = keeper.latest
            #expect(first.readAt != nil && first.completeAt == first.readAt)
            queue.change { state in
                state.jobs = [makeJob(1, Self.alice, state: "RUNNING"), makeJob(9, Self.alice)]
                state.hidden = [JobID(rawValue: 9)!]  // a small number
                // Where half a minute has passed a list is read, and has it no more.
                state.lists = [[makeJob(1, Self.alice, state: "RUNNING")]]
            }
            await keeper.refresh()
            let second = keeper.latest
            #expect(second.jobs.map(\.view.states) == [["RUNNING"]])
            let (before, after) = (try #require(first.readAt), try #require(second.readAt))
            #expect(after > before)
            if queue.now.reads == 1 { #expect(second.completeAt == before) }
            queue.change { state in
                state.hidden = []
                state.lists = []
            }
            await keeper.refresh()
            let third = keeper.latest
            #expect(third.jobs.count == 2 && third.completeAt == third.readAt)
        }
    }

    /// What has a state and is in no list asks for no lists, and comes after all that may be there.
    @Test func whatNoListHasIsNoReasonForAnother() async throws {
        try await withWorld { world, _ in
            let queue = FakeQueue()
            let jobs = (1...100).map { makeJob($0, Self.alice) }
            queue.change { state in
                state.jobs = jobs
                state.servesStates = true
                state.lists = [Array(jobs.prefix(40))]
                state.hidden = Set(jobs.dropFirst(40).map(\.id))
            }
            let reader = QueueReader(cluster: World.name, queue: queue, access: world.cluster.access)
            var memory = try await reader.read(after: .init(), .usual)
            #expect(memory.jobs.count == 40 && memory.unlisted.count == 60)
            memory.wholeTook = .seconds(60)
            memory.wholeAt = ContinuousClock.now - .seconds(200)
            queue.change { $0.jobs.append(makeJob(200, Self.alice)) }
            memory = try await reader.read(after: memory, .usual)
            #expect(queue.now.reads == 1 && queue.now.jobReads.first?.rawValue == 200)
            #expect(queue.now.jobReads.count == QueueReader.mostSingly)
            #expect(memory.jobs.count == 41 && !memory.isComplete)
            // Until it is there, or gone.
            queue.change { state in
                state.hidden = []
                state.jobs.removeAll { $0.id.rawValue > 80 && $0.id.rawValue < 200 }
            }
            memory = try await reader.read(after: memory, .usual)
            #expect(memory.jobs.count == 81 && memory.isComplete)
            memory = try await reader.read(after: memory, .usual)
            #expect(memory.unlisted.isEmpty)
        }
    }

    /// That nothing has changed is said at once, and a list that comes takes as long as ever.
    @Test func noChangeMakesNoListShorter() async throws {
        try await withListedReader(3, listed: .seconds(400)) { queue, reader, memory in
            queue.change { $0.saysUnchanged = true }
            let next = try await reader.read(after: memory, .usual)
            #expect(queue.now.reads == 1 && next.wholeTook == .seconds(60))
            let asked = try #require(next.wholeAt)
            #expect(asked > ContinuousClock.now - .seconds(400))
        }
    }

    /// It is as dear as one that comes.
    @Test func aListThatDoesNotComeInTimeIsAskedForNoSooner() async throws {
        try await withListedReader(100, listed: .seconds(400)) { queue, reader, memory in
            queue.change { state in
                state.jobs += (0..<80).map { makeJob(200 + $0, Self.alice) }
                state.listFailure = SallyError(.timeout, "cluster demo did not answer in time")
            }
            var memory = try await reader.read(after: memory, .usual)
            #expect(queue.now.reads == 1 && memory.jobs.count == 150 && !memory.isComplete)
            #expect(memory.listProblem?.code == .timeout && memory.wholeTook == .seconds(60))
            memory = try await reader.read(after: memory, .usual)
            #expect(queue.now.reads == 1 && memory.jobs.count == 180 && memory.isComplete)
            // What else is in the way is no matter of time.
            memory.wholeAt = ContinuousClock.now - .seconds(400)
            queue.change { $0.listFailure = SallyError(.unavailable, "cluster demo does not answer") }
            let known = memory
            await #expect(throws: SallyError.self) { try await reader.read(after: known, .usual) }
            queue.change { $0.listFailure = nil }
            memory = try await reader.read(after: memory, .usual)
            #expect(queue.now.reads == 3 && memory.listProblem == nil && memory.jobs.count == 180)
        }
    }

    @Test func aListHasItsShareOfTheTime() {
        func interval(_ took: Int, _ need: QueuePace.ListNeed) -> Duration {
            QueuePace.listInterval(after: .seconds(took), need)
        }
        for took in [0, 1, 5, 30, 60, 170] {
            #expect(interval(took, .missing) == .seconds(took * 3))
            #expect(interval(took, .changed) == .seconds(took * 6))
        }
        for (took, rest) in [(0, 30), (1, 30), (5, 150), (30, 300), (60, 360), (170, 1020)] {
            #expect(interval(took, .rest) == .seconds(rest))
        }
        for (missing, stale, need) in [
            (0, 0, .rest), (50, 0, .rest), (25, 25, .rest), (25, 26, .changed), (0, 51, .changed), (50, 90, .changed),
            (51, 0, .missing), (51, 90, .missing),
        ] as [(Int, Int, QueuePace.ListNeed)] {
            #expect(QueuePace.ListNeed(missing: missing, stale: stale) == need)
        }
    }

    /// Components are named by their own number, like tasks (`21+1` of job 20).
    @Test func aHeterogeneousJobIsReadByItsStates() async throws {
        try await withListedReader(3, listed: .seconds(10)) { queue, reader, memory in
            queue.change { $0.jobs += (0..<3).map { makeComponent($0, of: 20, Self.alice) } }
            var memory = try await reader.read(after: memory, .usual)
            #expect(memory.jobs.map(\.id.rawValue) == [1, 2, 3, 20, 21, 22] && memory.isComplete)
            // Its own number brought them all.
            #expect(queue.now.jobReads.map(\.rawValue) == [20])
            queue.change { state in
                state.jobReads = []
                state.jobs[4] = makeComponent(1, of: 20, Self.alice, state: "RUNNING")
                state.jobs.remove(at: 0)
            }
            memory = try await reader.read(after: memory, .usual)
            let known = memory.jobs.sorted { $0.id < $1.id }.map { "\($0.id) \($0.view.states.joined())" }
            #expect(known == ["2 PENDING", "3 PENDING", "20 PENDING", "21 RUNNING", "22 PENDING"])
            #expect(queue.now.reads == 0 && queue.now.jobReads.map(\.rawValue) == [21])
        }
    }

    /// Numbered from the first one's nobody could tell which is which, or which is gone.
    @Test func componentsUnderOneNumberTakeTheList() async throws {
        try await withListedReader(2, listed: .seconds(10)) { queue, reader, memory in
            queue.change { state in
                state.jobs += (0..<2).map { makeComponent($0, of: 20, Self.alice) }
                let entries: [(UInt32, String)] = [(1, ""), (2, ""), (20, "+0"), (20, "+1")]
                state.states = entries.map { number, part in
                    JobStateEntry(job: JobID(rawValue: number)!, part: part, states: [.pending])  // a small number
                }
            }
            let next = try await reader.read(after: memory, .usual)
            #expect(next.jobs.map(\.id.rawValue) == [1, 2, 20, 21] && next.states == nil)
            #expect(queue.now.reads == 1 && queue.now.jobReads.isEmpty)
        }
    }
}
