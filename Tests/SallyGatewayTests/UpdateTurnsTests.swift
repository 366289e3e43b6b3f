// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyModel
import SallyNetwork
import SallySocket
import SallyStore
import SallyTestSupport
import Synchronization
import Testing

@testable import SallyGateway

/// Two gateways on one database, `here` and `there`.
@Suite struct UpdateTurnsTests {
    private static let demo = ClusterName(unchecked: "demo")
    private let job = JobID(rawValue: 7)!  // a small number
    private let other = JobID(rawValue: 8)!  // a small number
    /// Of a gateway that is gone.
    private let gone = OpaqueID(rawValue: "a-gateway-that-is-gone")!  // 22 letters

    private final class Notes: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    /// The store, counting how often somebody came while another had the turn.
    private final class WatchedBook: TurnBook {
        private let store: UpdateTurnStore
        private let state = Mutex((refused: 0, isCancelled: false))
        var refused: Int { state.withLock { $0.refused } }

        init(_ database: Database) { store = UpdateTurnStore(database: database) }

        /// From now on whoever takes a turn is cancelled before it hears of it.
        func cancel(_ cancels: Bool) { state.withLock { $0.isCancelled = cancels } }

        func take(_ job: JobID, cluster: ClusterName, holder: OpaqueID, lease: Duration) async throws -> TakenTurn? {
            let taken = try await store.take(job, cluster: cluster, holder: holder, lease: lease)
            let isCancelled = state.withLock { state in
                if taken == nil { state.refused += 1 }
                return state.isCancelled
            }
            if isCancelled { throw CancellationError() }
            return taken
        }

        func isFree(_ job: JobID, cluster: ClusterName) throws -> Bool { try store.isFree(job, cluster: cluster) }

        func giveBack(
            _ job: JobID, cluster: ClusterName, holder: OpaqueID, _ end: TurnEnd,
            failed: @Sendable @escaping (any Error) -> Void
        ) {
            store.giveBack(job, cluster: cluster, holder: holder, end, failed: failed)
        }
    }

    private struct Gateways: Sendable {
        let clock: TestClock
        let here: UpdateTurns
        let there: UpdateTurns
        /// What `there` asks.
        let book: WatchedBook
    }

    private func withGateways(_ body: (Gateways) async throws -> Void) async throws {
        try await withScratchFolder { folder in
            let clock = TestClock()
            let patient = DatabaseSettings(busyLimit: .seconds(240), waitLimit: .seconds(240))
            let databases = try (0..<2).map { _ in
                try Database(path: "\(folder)/sally.sqlite", settings: patient, clock: clock)
            }
            defer { for database in databases { try? database.close() } }  // the folder goes away
            let books = databases.map { WatchedBook($0) }
            let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let turns = books.map { UpdateTurns(cluster: Self.demo, book: $0, patience: .seconds(240), log: log) }
            try await body(Gateways(clock: clock, here: turns[0], there: turns[1], book: books[1]))
        }
    }

    /// What somebody is told who does not want to wait. Waits in vain long enough only where nobody is told anything.
    private func refusal(_ turns: UpdateTurns) async throws -> SallyError? {
        try await withDeadline(.seconds(240)) {
            await #expect(throws: SallyError.self) {
                try await turns.withTurn(job, within: .milliseconds(1)) { _ in }
            }
        }
    }

    @Test func oneAfterTheOtherInOrderOfArrival() async throws {
        try await withGateways { gateways in
            let (notes, latch, turns) = (Notes(), Latch(), gateways.here)
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { latch.open() }
                for number in 0..<4 {
                    group.addTask {
                        try await turns.withTurn(job) { _ in
                            notes.add("begin \(number)")
                            if number == 0 { await latch.wait() }
                            notes.add("end \(number)")
                        }
                    }
                    // Each stands in line before the next comes.
                    try await eventually("\(number) has come") {
                        number == 0 ? notes.all == ["begin 0"] : turns.waiting(job) == number
                    }
                }
                // Another job waits for nobody.
                try await turns.withTurn(other) { _ in notes.add("other") }
                latch.open()
                try await group.waitForAll()
            }
            #expect(
                notes.all == ["begin 0", "other", "end 0"] + (1...3).flatMap { ["begin \($0)", "end \($0)"] })
            #expect(turns.waiting(job) == 0)
        }
    }

    @Test func whoWaitsTooLongIsToldSoAndHoldsNobodyUp() async throws {
        try await withGateways { gateways in
            let (notes, latch, turns) = (Notes(), Latch(), gateways.here)
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { latch.open() }
                group.addTask {
                    try await turns.withTurn(job) { _ in
                        notes.add("begin")
                        await latch.wait()
                    }
                }
                try await eventually("the first has its turn") { !notes.all.isEmpty }
                // Behind one of its own gateway, and behind one of another.
                for impatient in [turns, gateways.there] {
                    let told = try await refusal(impatient)
                    #expect(told?.code == .conflict)
                }
                try await withThrowingTaskGroup(of: Void.self) { others in
                    others.addTask { try await turns.withTurn(job) { _ in notes.add("never") } }
                    try await eventually("another waits") { turns.waiting(job) == 1 }
                    others.cancelAll()
                    let ended = await others.nextResult()
                    #expect(throws: CancellationError.self) { try ended?.get() }
                }
                #expect(turns.waiting(job) == 0)
                latch.open()
                try await group.waitForAll()
            }
            try await turns.withTurn(job) { _ in notes.add("next") }
            #expect(notes.all == ["begin", "next"])
        }
    }

    /// A turn ends however it ends.
    @Test func anErrorEndsTheTurn() async throws {
        try await withGateways { gateways in
            await #expect(throws: SallyError.self) {
                try await gateways.here.withTurn(job) { _ in throw SallyError(.denied, "no") }
            }
            for turns in [gateways.here, gateways.there] {
                let next = try await turns.withTurn(job) { _ in 5 }
                #expect(next == 5)
            }
        }
    }

    @Test func gatewaysOnOneDatabaseTakeTurns() async throws {
        try await withGateways { gateways in
            let (notes, latch) = (Notes(), Latch())
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { latch.open() }
                group.addTask {
                    try await gateways.here.withTurn(job) { _ in
                        notes.add("begin here")
                        await latch.wait()
                        notes.add("end here")
                    }
                }
                try await eventually("the first has its turn") { !notes.all.isEmpty }
                group.addTask { try await gateways.there.withTurn(job) { _ in notes.add("there") } }
                try await eventually("the second has come, or has its turn") {
                    gateways.book.refused > 0 || notes.all.count > 1
                }
                // Another job waits for nobody.
                try await gateways.there.withTurn(other) { _ in notes.add("other") }
                latch.open()
                try await group.waitForAll()
            }
            #expect(notes.all == ["begin here", "other", "end here", "there"])
        }
    }

    /// Whoever takes the next turn hears of it, also the gateway itself after a restart; until somebody has found that it is over.
    @Test func whatMayStillArriveIsKnownToAll() async throws {
        try await withGateways { gateways in
            let end = gateways.clock.now + .seconds(15)
            await #expect(throws: SallyError.self) {
                try await gateways.here.withTurn(job) { turn in
                    let before = turn.tokenEnds
                    #expect(before == nil)
                    turn.tokenEnds = end
                    throw SallyError(.timeout, "no answer")
                }
            }
            // How it ended is written with whatever comes next; until then the lease says no less.
            _ = try await gateways.here.withTurn(other) { $0.tokenEnds }
            gateways.clock.advance(3600)
            for turns in [gateways.there, gateways.here] {
                let open = try await turns.withTurn(job) { $0.tokenEnds }
                let nothing = try await turns.withTurn(other) { $0.tokenEnds }
                #expect(open == end && nothing == nil)
            }
            try await gateways.there.withTurn(job) { $0.tokenEnds = nil }
            let over = try await gateways.here.withTurn(job) { $0.tokenEnds }
            #expect(over == nil)
        }
    }

    /// Who gives up while it asks may have got it: it holds nobody up, and what is known stays.
    @Test func whoGaveUpChangesNothing() async throws {
        try await withGateways { gateways in
            let end = gateways.clock.now + .seconds(15)
            try await gateways.there.withTurn(job) { $0.tokenEnds = end }
            gateways.book.cancel(true)
            for wanted in [job, other] {
                await #expect(throws: CancellationError.self) {
                    try await gateways.there.withTurn(wanted) { _ in Issue.record("it has no turn") }
                }
            }
            for turns in [gateways.here, gateways.there] {
                gateways.book.cancel(false)
                let open = try await turns.withTurn(job) { $0.tokenEnds }
                let nothing = try await turns.withTurn(other) { $0.tokenEnds }
                #expect(open == end && nothing == nil)
            }
        }
    }

    /// Nobody knows what a gateway sent that died: until no token of its can be made or live any more, others wait; and then it
    /// is to them as if its answer had been lost.
    @Test func theTurnOfADeadGatewayEnds() async throws {
        try await withGateways { gateways in
            let taken = try await gateways.book.take(
                job, cluster: Self.demo, holder: gone, lease: UpdateTurns.lease)
            let began = try #require(taken?.since)
            // 60 s of preparation, 60 s that the signer's clock may be behind, 15 s of a token.
            gateways.clock.advance(134)
            for turns in [gateways.here, gateways.there] {
                let told = try await refusal(turns)
                #expect(told?.code == .conflict)
            }
            gateways.clock.advance(1)
            let turn = try await gateways.here.withTurn(job) { $0 }
            #expect(turn.tokenEnds == began + .seconds(135))
            #expect(turn.mintBy == began + .seconds(135 + 60))
        }
    }
}
