// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SlurmModel
import Testing

@testable import SallyGateway

/// How often a queue is read.
@Suite struct QueuePaceTests {
    private static func settings(_ servesStates: Bool) -> WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change { state in
                state.jobs = (1...3).map { makeJob($0, UserName(unchecked: "alice")) }
                state.servesStates = servesStates
            }
        }
        return settings
    }

    /// Pauses are measured by what the last read took.
    private static func readQuickly(_ keeper: QueueKeeper) async throws {
        try await eventually("a quick read") {
            await keeper.refresh()
            return keeper.pauses.pause == .seconds(2)
        }
    }

    @Test func aSlowClusterIsAskedLessAndAStrainedOneLesser() {
        typealias Pauses = (rest: Duration, pause: Duration)
        func pauses(_ took: Int, strain: Int = 1, failed: Bool = false) -> Pauses {
            QueuePace.pauses(
                shortest: .seconds(2), took: .seconds(took), pace: .seconds(took * 5), strain: strain, hasFailed: failed
            )
        }
        #expect(pauses(0) == (.zero, .seconds(2)))
        #expect(pauses(4) == (.seconds(8), .seconds(20)))
        #expect(pauses(20) == (.seconds(40), .seconds(60)))
        // Never more than a third of the time.
        #expect(pauses(60) == (.seconds(120), .seconds(120)))
        #expect(pauses(100) == (.seconds(200), .seconds(200)))
        #expect(pauses(0, failed: true) == (.zero, .seconds(8)))
        // However often somebody needs a newer one.
        #expect(pauses(0, strain: 4) == (.seconds(8), .seconds(8)))
        #expect(pauses(4, strain: 16) == (.seconds(60), .seconds(60)))
    }

    /// A whole list now and then makes no pause where states are served: nothing else would show for a minute.
    @Test func aWholeListHoldsNobodyUpWhereStatesAreServed() {
        let start = ContinuousClock.now
        var memory = QueueReader.Memory()
        memory.wholeAt = start
        memory.wholeTook = .seconds(10)
        #expect(memory.pace(of: .seconds(10), since: start) == .seconds(50))
        // Without any states the list is read each time.
        memory.states = [:]
        #expect(memory.pace(of: .seconds(10), since: start) == .seconds(50))
        let job = JobID(rawValue: 1)!  // a small number
        memory.states = [job: [JobStateEntry(job: job, part: "", states: [.pending])]]
        #expect(memory.pace(of: .seconds(11), since: start) == .seconds(2))
        #expect(memory.pace(of: .seconds(3), since: start + .seconds(20)) == .seconds(6))
    }

    @Test func tooOftenMakesPausesLongerUntilItIsWellAgain() async throws {
        try await withWorld(Self.settings(false)) { world, _ in
            let keeper = QueueKeeper(
                cluster: World.name, queue: world.queue, access: world.cluster.access, metrics: Metrics(),
                pause: .seconds(2), log: world.server.dependencies.log)
            try await Self.readQuickly(keeper)
            world.queue.change {
                $0.failure = SallyError(
                    .unavailable, "too often", slurm: SlurmRefusal(number: 1804, text: "Rate limit exceeded"))
            }
            for _ in 0..<8 { await keeper.refresh() }
            #expect(keeper.pauses.pause == .seconds(60) && keeper.pauses.rest == .seconds(60))
            world.queue.change { $0.failure = nil }
            for _ in 0..<5 { await keeper.refresh() }
            // Nothing but what a read takes makes them longer.
            let pauses = keeper.pauses
            #expect(pauses.rest < pauses.pause)
        }
    }

    /// Twice as long each time, up to a minute, and shorter again one by one; what is read beside states holds nobody up.
    @Test func aListThatIsLateIsAskedForLessAndLess() {
        let late = SallyError(.timeout, "cluster demo did not answer in time")
        func pauses(_ problem: SallyError, isLateList: Bool) -> [Duration] {
            var pace = QueuePace()
            return (1...6).map { _ in
                pace.failed(problem, isLateList: isLateList)
                return pace.pauses(shortest: .seconds(1), hasFailed: true).pause
            }
        }
        #expect(pauses(late, isLateList: true) == [8, 16, 32, 60, 60, 60].map { Duration.seconds($0) })
        #expect(pauses(late, isLateList: false) == Array(repeating: Duration.seconds(4), count: 6))
        let away = SallyError(.unavailable, "cluster demo does not answer")
        #expect(pauses(away, isLateList: false) == Array(repeating: Duration.seconds(4), count: 6))
        var pace = QueuePace()
        for _ in 1...6 { pace.failed(late, isLateList: true) }
        let after = (1...5).map { _ in
            pace.succeeded(after: .zero, .zero)
            return pace.pauses(shortest: .seconds(1), hasFailed: false).pause
        }
        #expect(after == [8, 4, 2, 1, 1].map { Duration.seconds($0) })
    }

    /// What else is late, as the question for states, makes none longer.
    @Test(arguments: [(false, true, Duration.seconds(60)), (false, false, .seconds(8)), (true, false, .seconds(8))])
    func onlyWholeListsThatAreLateMakePausesLonger(servesStates: Bool, isList: Bool, longest: Duration) async throws {
        try await withWorld(Self.settings(servesStates)) { world, _ in
            let keeper = QueueKeeper(
                cluster: World.name, queue: world.queue, access: world.cluster.access, metrics: Metrics(),
                pause: .seconds(2), log: world.server.dependencies.log)
            try await Self.readQuickly(keeper)
            world.queue.change { state in
                let late = SallyError(.timeout, "cluster demo did not answer in time")
                if isList { state.listFailure = late } else { state.failure = late }
            }
            for _ in 0..<8 { await keeper.refresh() }
            #expect(keeper.failure?.code == .timeout && keeper.pauses.pause == longest)
        }
    }
}
