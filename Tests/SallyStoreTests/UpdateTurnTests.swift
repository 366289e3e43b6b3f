// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import Testing

@testable import SallyStore

@Suite struct UpdateTurnTests {
    private static let lease = Duration.seconds(100)

    /// Two gateways on one database, and who asks.
    private struct Fixture {
        let database: SallyStore.Database
        let here: UpdateTurnStore
        let there: UpdateTurnStore
        let clock: TestClock
        let demo: ClusterName
        let job: JobID
        let first: OpaqueID
        let second: OpaqueID

        func take(_ store: UpdateTurnStore, _ holder: OpaqueID) async throws -> TakenTurn? {
            try await store.take(job, cluster: demo, holder: holder, lease: UpdateTurnTests.lease)
        }

        /// Durable when it returns.
        func giveBack(_ holder: OpaqueID, _ end: TurnEnd) async throws {
            here.giveBack(job, cluster: demo, holder: holder, end) { Issue.record($0) }
            try await database.write { _ in }
        }

        func rows() async throws -> Int {
            try await database.read { try $0.rows("SELECT job FROM update_turns").count }
        }
    }

    private func withFixture(_ body: (Fixture) async throws -> Void) async throws {
        try await withDatabase { database, clock, path in
            let other = try SallyStore.Database(path: path, settings: .patient(), clock: clock)
            defer { try? other.close() }  // the folder goes away
            try await body(
                Fixture(
                    database: database, here: UpdateTurnStore(database: database),
                    there: UpdateTurnStore(database: other), clock: clock, demo: try ClusterName("demo"),
                    job: try JobID("7"), first: try sessionID(1), second: try sessionID(2)))
        }
    }

    @Test func oneHasItAtATime() async throws {
        try await withFixture { it in
            #expect(try it.there.isFree(it.job, cluster: it.demo))
            #expect(try await it.take(it.here, it.first) == TakenTurn(since: it.clock.now, tokenEnds: nil))
            for store in [it.here, it.there] {
                #expect(try !store.isFree(it.job, cluster: it.demo))
                #expect(try await it.take(store, it.second) == nil)
            }
            // Neither another job's nor another cluster's.
            #expect(try it.there.isFree(try JobID("8"), cluster: it.demo))
            let other = try ClusterName("other")
            let elsewhere = try await it.there.take(it.job, cluster: other, holder: it.second, lease: Self.lease)
            #expect(elsewhere != nil)
            // It is not the second's to give.
            try await it.giveBack(it.second, .used(tokenEnds: nil))
            #expect(try await it.take(it.there, it.second) == nil)
            try await it.giveBack(it.first, .used(tokenEnds: nil))
            #expect(try await it.rows() == 1)
            #expect(try await it.take(it.there, it.second)?.tokenEnds == nil)
            #expect(try await it.take(it.here, it.first) == nil)
        }
    }

    @Test func oneOfManyGetsIt() async throws {
        try await withFixture { it in
            let taken = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<40 {
                    let store = number.isMultiple(of: 2) ? it.here : it.there
                    let (job, demo, holder) = (it.job, it.demo, try sessionID(number))
                    group.addTask {
                        try await store.take(job, cluster: demo, holder: holder, lease: Self.lease) != nil
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(taken == 1)
        }
    }

    /// Whatever its holder sent ended with it, but for slurmctld's clock: as if its answer had been lost.
    @Test func aLeaseThatEndedIsALostAnswer() async throws {
        try await withFixture { it in
            let end = it.clock.now + Self.lease
            _ = try await it.take(it.here, it.first)
            it.clock.advance(.seconds(99))
            #expect(try await it.take(it.there, it.second) == nil)
            it.clock.advance(.seconds(1))
            #expect(try it.there.isFree(it.job, cluster: it.demo))
            #expect(try await it.take(it.there, it.second) == TakenTurn(since: end, tokenEnds: end))
            // The dead one comes back: the turn is another's.
            try await it.giveBack(it.first, .used(tokenEnds: nil))
            #expect(try await it.take(it.here, it.first) == nil)
            try await it.giveBack(it.second, .unused)
            #expect(try await it.take(it.here, it.first)?.tokenEnds == end)
        }
    }

    @Test func aLostAnswerIsKeptUntilSomebodyKnows() async throws {
        try await withFixture { it in
            let end = it.clock.now + .seconds(15)
            _ = try await it.take(it.here, it.first)
            try await it.giveBack(it.first, .used(tokenEnds: end))
            it.clock.advance(.seconds(3600))
            #expect(try it.there.isFree(it.job, cluster: it.demo))
            for ended in [TurnEnd.unused, .used(tokenEnds: end)] {
                #expect(try await it.take(it.there, it.first)?.tokenEnds == end)
                try await it.giveBack(it.first, ended)
                #expect(try await it.rows() == 1)
            }
            _ = try await it.take(it.there, it.first)
            try await it.giveBack(it.first, .used(tokenEnds: nil))
            #expect(try await it.rows() == 0)
            #expect(try await it.take(it.here, it.first)?.tokenEnds == nil)
            try await it.giveBack(it.first, .unused)
            #expect(try await it.rows() == 0)
        }
    }

    /// The later of two counts: of a lost answer, and of a holder that died after it.
    @Test func theLastTokenCounts() async throws {
        try await withFixture { it in
            _ = try await it.take(it.here, it.first)
            let late = it.clock.now + .seconds(500)
            try await it.giveBack(it.first, .used(tokenEnds: late))
            _ = try await it.take(it.here, it.first)
            it.clock.advance(Self.lease)
            #expect(try await it.take(it.there, it.second)?.tokenEnds == late)
        }
    }

    /// Jobs that nobody changes again do not stay for ever.
    @Test func whatIsADayOldGoes() async throws {
        try await withFixture { it in
            _ = try await it.take(it.here, it.first)
            try await it.giveBack(it.first, .used(tokenEnds: it.clock.now))
            let crashed = try await it.here.take(
                try JobID("8"), cluster: it.demo, holder: it.first, lease: Self.lease)
            #expect(crashed != nil)
            for (seconds, left) in [(24 * 3600, 3), (1, 2), (100, 1)] as [(Int64, Int)] {
                it.clock.advance(.seconds(seconds))
                _ = try await it.here.take(try JobID("9"), cluster: it.demo, holder: it.second, lease: .seconds(1))
                it.here.giveBack(
                    try JobID("9"), cluster: it.demo, holder: it.second, .used(tokenEnds: it.clock.now)
                ) { Issue.record($0) }
                try await it.database.write { _ in }
                #expect(try await it.rows() == left, "after \(seconds) s")
            }
        }
    }

    /// Who is not told that it was written is told that it was not.
    @Test func aFailureToGiveBackIsTold() async throws {
        try await withScratchFolder { folder in
            let database = try SallyStore.Database(path: "\(folder)/store.db", clock: TestClock())
            try database.close()
            let store = UpdateTurnStore(database: database)
            let (job, demo, nobody) = (try JobID("7"), try ClusterName("demo"), try sessionID(1))
            await confirmation { told in
                store.giveBack(job, cluster: demo, holder: nobody, .unused) { _ in told() }
            }
        }
    }
}
