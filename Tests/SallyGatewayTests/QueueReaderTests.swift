// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import SallyModel
import SallyWire
import SlurmModel
import Testing

@testable import SallyGateway

@Suite struct QueueChangeTests {
    private static let alice = UserName(unchecked: "alice")

    private static func states(_ entries: [(UInt32, String, String)]) -> [JobID: Set<JobStateEntry>] {
        Dictionary(
            grouping: entries.map { number, part, state in
                JobStateEntry(job: JobID(rawValue: number)!, part: part, states: [JobState(state)])  // a small number
            }, by: \.job
        ).mapValues { Set($0) }
    }

    @Test func whatDidNotChangeIsLeftAlone() {
        let now = Self.states([(1, "", "PENDING")])
        let change = QueueChange(of: [makeJob(1, Self.alice)], before: now, now: now)
        #expect(change.jobs == [makeJob(1, Self.alice)])
        #expect(change.stale.isEmpty && change.unknown.isEmpty)
    }

    @Test func aNewStateShowsAndTheRestIsStale() {
        let change = QueueChange(
            of: [makeJob(1, Self.alice), makeJob(2, Self.alice)],
            before: Self.states([(1, "", "PENDING"), (2, "", "PENDING")]),
            now: Self.states([(1, "", "RUNNING"), (2, "", "PENDING")]))
        #expect(change.jobs.map(\.view.states) == [["RUNNING"], ["PENDING"]])
        #expect(change.jobs.map(\.isStale) == [true, false])
        #expect(change.stale.map(\.rawValue) == [1])
    }

    @Test func jobsComeAndGo() {
        let change = QueueChange(
            of: [makeJob(1, Self.alice)], before: Self.states([(1, "", "PENDING")]),
            now: Self.states([(7, "", "PENDING"), (3, "", "PENDING")]))
        #expect(change.jobs.isEmpty)
        #expect(change.unknown.map(\.rawValue) == [3, 7])
    }

    /// As 24.11 lists them: what waits under the array's number, what has started under its own.
    @Test func aTaskOfAnArrayHasItsOwnState() {
        let rest = makeTask(10, of: 10, "10_[3-4]", Self.alice)
        let task = makeTask(12, of: 10, "10_2", Self.alice)
        let before = Self.states([(12, "_2", "PENDING"), (10, "_3", "PENDING"), (10, "_4", "PENDING")])
        let one = QueueChange(
            of: [rest, task], before: before,
            now: Self.states([(12, "_2", "RUNNING"), (10, "_3", "PENDING"), (10, "_4", "PENDING")]))
        #expect(one.jobs.map(\.view.states) == [["PENDING"], ["RUNNING"]])
        #expect(one.stale.map(\.rawValue) == [12])
        #expect(one.unknown.isEmpty)
        let all = QueueChange(
            of: [rest, task], before: before,
            now: Self.states([(12, "_2", "CANCELLED"), (10, "_3", "CANCELLED"), (10, "_4", "CANCELLED")]))
        #expect(all.jobs.map(\.view.states) == [["CANCELLED"], ["CANCELLED"]])
    }

    @Test func aTaskThatStartsIsNewAndTheRestHasChanged() {
        let rest = makeTask(10, of: 10, "10_[2-3]", Self.alice)
        let change = QueueChange(
            of: [rest], before: Self.states([(10, "_2", "PENDING"), (10, "_3", "PENDING")]),
            now: Self.states([(11, "_2", "RUNNING"), (10, "_3", "PENDING")]))
        #expect(change.unknown.map(\.rawValue) == [11])
        #expect(change.stale.map(\.rawValue) == [10])
    }

    @Test func aTaskThatIsGoneIsNotKeptByItsArray() {
        let last = makeTask(10, of: 10, "10_3", Self.alice)
        let first = makeTask(11, of: 10, "10_2", Self.alice)
        let change = QueueChange(
            of: [last, first], before: Self.states([(11, "_2", "COMPLETED"), (10, "_3", "RUNNING")]),
            now: Self.states([(10, "_3", "RUNNING")]))
        #expect(change.jobs.map(\.view.displayID) == ["10_3"])
    }

    /// Were all tasks listed under the array's number, none would be missing either.
    @Test func tasksUnderTheArraysNumberAreKnown() {
        let jobs = [makeTask(10, of: 10, "10_3", Self.alice), makeTask(11, of: 10, "10_2", Self.alice)]
        let now = Self.states([(10, "_2", "RUNNING"), (10, "_3", "PENDING")])
        let change = QueueChange(of: jobs, before: now, now: now)
        #expect(change.jobs.map(\.view.states) == [["PENDING"], ["RUNNING"]])
        #expect(change.unknown.isEmpty)
    }
}

@Suite struct QueueReaderTests {
    private static let alice = UserName(unchecked: "alice")

    private static func settings(_ count: UInt32) -> WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change { state in
                state.jobs = (1...count).map { makeJob($0, alice) }
                state.servesStates = true
            }
        }
        return settings
    }

    @Test func theListIsReadOnceAndStatesTellTheRest() async throws {
        try await withListedReader(3, listed: .seconds(10)) { queue, reader, memory in
            queue.change { state in
                state.jobs[1] = makeJob(2, Self.alice, state: "RUNNING")
                state.jobs.remove(at: 0)
                state.jobs.append(makeJob(9, Self.alice))
            }
            let jobs = try await reader.read(after: memory, .usual).jobs.sorted { $0.id < $1.id }
            #expect(jobs.map(\.id.rawValue) == [2, 3, 9])
            #expect(jobs.map(\.view.states) == [["RUNNING"], ["PENDING"], ["PENDING"]])
            #expect(jobs.allSatisfy { !$0.isStale })
            #expect(Set(queue.now.jobReads.map(\.rawValue)) == [2, 9])
            #expect(queue.now.reads == 0)
        }
    }

    @Test func tooManyNewJobsAreReadAsOneList() async throws {
        try await withListedReader(1, listed: .seconds(200)) { queue, reader, memory in
            queue.change { $0.jobs += (2...80).map { makeJob($0, Self.alice) } }
            let next = try await reader.read(after: memory, .usual)
            #expect(next.jobs.count == 80 && queue.now.reads == 1 && queue.now.jobReads.isEmpty)
        }
    }

    /// Slurm listed its state and says nothing of it when asked: whoever looks for the job must not take that for its absence.
    @Test func aSnapshotThatLacksAListedJobIsNoNewerOne() async throws {
        try await withWorld(Self.settings(1)) { world, _ in
            let keeper = world.cluster.keeper
            // The next list, which would have it, is kept back.
            let latch = Latch()
            world.queue.change { state in
                state.blocksReads = latch
                state.jobs.append(makeJob(9, Self.alice))
                state.hidden = [JobID(rawValue: 9)!]  // a small number
            }
            await #expect(throws: SallyError.self) {
                try await keeper.snapshot(readAfter: .now, within: .seconds(3))
            }
            world.queue.change { state in
                state.blocksReads = nil
                state.hidden = []
            }
            latch.open()
            let read = try await keeper.snapshot(readAfter: .now, within: .seconds(240))
            #expect(read.jobs.map(\.view.job.rawValue) == [1, 9])
        }
    }

    /// Neither of the job that was asked for, nor of the one that it names.
    @Test func anAnswerAboutAnotherJobSaysNothing() async throws {
        try await withListedReader(3, listed: .seconds(10)) { queue, reader, memory in
            let nine = JobID(rawValue: 9)!  // a small number
            queue.change { state in
                state.jobs.append(makeJob(9, Self.alice))
                state.jobAnswers = [nine: [makeJob(1, Self.alice, state: "RUNNING"), makeJob(7, Self.alice)]]
            }
            let next = try await reader.read(after: memory, .usual)
            #expect(queue.now.jobReads == [nine])
            #expect(next.jobs == memory.jobs && !next.isComplete)
            queue.change { $0.jobAnswers = [:] }
            let last = try await reader.read(after: next, .usual)
            #expect(last.jobs.map(\.id.rawValue) == [1, 2, 3, 9] && last.isComplete)
        }
    }

    /// Before, a task was looked for under its array's number alone, and no snapshot was new while one was listed.
    @Test func anArrayThatRunsIsReadLikeAnyJob() async throws {
        try await withListedReader(1, listed: .seconds(10)) { queue, reader, memory in
            let tasks: [QueuedJob] = (0..<3).map { task in
                makeTask(task == 2 ? 10 : 11 + task, of: 10, "10_\(task)", Self.alice)
            }
            queue.change { $0.jobs += tasks }
            let read = try await reader.read(after: memory, .usual)
            #expect(read.isComplete && queue.now.reads == 0)
            let shown = read.jobs.sorted { $0.id < $1.id }.map(\.view.displayID)
            #expect(shown == ["1", "10_2", "10_0", "10_1"])
            // The array's number brought them all.
            #expect(queue.now.jobReads.map(\.rawValue) == [10])
            queue.change { $0.jobs[1].view.states = ["FAILED"] }
            let next = try await reader.read(after: read, .usual)
            let failed = next.jobs.filter { $0.view.states == ["FAILED"] }
            #expect(failed.map(\.id.rawValue) == [11] && failed.allSatisfy { !$0.isStale })
            #expect(next.isComplete && queue.now.jobReads.map(\.rawValue) == [10, 11])
        }
    }

    /// An empty list of states is doubted like any other.
    @Test func noStatesAtAllAreAskedForAsAList() async throws {
        try await withWorld(Self.settings(2)) { world, _ in
            let lists = world.queue.now.reads
            world.queue.change { $0.jobs = [] }
            let read = try await world.cluster.keeper.snapshot(readAfter: .now, within: .seconds(240))
            #expect(read.jobs.isEmpty)
            #expect(world.queue.now.reads >= lists + 2)
        }
    }

    @Test func howAJobEndedIsReadForWhoAsks() async throws {
        try await withWorld(Self.settings(1)) { world, client in
            world.queue.change { state in
                state.jobs = (1...120).map { makeJob($0, Self.alice) }
            }
            _ = try await world.cluster.keeper.snapshot(readAfter: .now, within: .seconds(240))
            world.queue.change { state in
                state.jobs = (UInt32(1)...120).map { number in
                    var job = makeJob(number, Self.alice, state: "FAILED")
                    job.view.exitStatus = 3
                    return job
                }
            }
            _ = try await world.cluster.keeper.snapshot(readAfter: .now, within: .seconds(240))
            for _ in 0..<2 {
                let shown = try await client.call(.get, "/v1/clusters/demo/jobs/120", world.alice)
                #expect(shown.text.contains("\"exit_status\":3"), "\(shown.text)")
            }
        }
    }
}
