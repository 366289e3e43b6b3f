// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import Synchronization
import Testing

@testable import SallyGateway

@Suite struct UpdateTurnsTests {
    private let turns = UpdateTurns()
    private let job = JobID(rawValue: 7)!  // a small number

    private final class Notes: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    @Test func oneAfterTheOtherInOrderOfArrival() async throws {
        let (notes, latch) = (Notes(), Latch())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<4 {
                group.addTask {
                    try await turns.withTurn(job) {
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
            try await turns.withTurn(JobID(rawValue: 8)!) { notes.add("other") }  // a small number
            latch.open()
            try await group.waitForAll()
        }
        #expect(
            notes.all == ["begin 0", "other", "end 0"] + (1...3).flatMap { ["begin \($0)", "end \($0)"] })
        #expect(turns.waiting(job) == 0)
    }

    @Test func whoWaitsTooLongIsToldSoAndHoldsNobodyUp() async throws {
        let (notes, latch) = (Notes(), Latch())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await turns.withTurn(job) {
                    notes.add("begin")
                    await latch.wait()
                }
            }
            try await eventually("the first has its turn") { !notes.all.isEmpty }
            let error = await #expect(throws: SallyError.self) {
                try await turns.withTurn(job, within: .milliseconds(1)) { notes.add("never") }
            }
            #expect(error?.code == .conflict)
            try await withThrowingTaskGroup(of: Void.self) { others in
                others.addTask { try await turns.withTurn(job) { notes.add("never") } }
                try await eventually("another waits") { turns.waiting(job) == 1 }
                others.cancelAll()
                let ended = await others.nextResult()
                #expect(throws: CancellationError.self) { try ended?.get() }
            }
            #expect(turns.waiting(job) == 0)
            latch.open()
            try await group.waitForAll()
        }
        try await turns.withTurn(job) { notes.add("next") }
        #expect(notes.all == ["begin", "next"])
    }

    /// A turn ends however it ends.
    @Test func anErrorEndsTheTurn() async throws {
        await #expect(throws: SallyError.self) {
            try await turns.withTurn(job) { throw SallyError(.denied, "no") }
        }
        let next = try await turns.withTurn(job) { 5 }
        #expect(next == 5)
    }

    @Test func whatMayStillArriveKeepsOthersAway() throws {
        let (now, end) = (Timestamp(100), Timestamp(115))
        try turns.check(job, now: now)
        turns.mayArrive(job, until: end, now: now)
        turns.mayArrive(job, until: Timestamp(105), now: now)
        let error = #expect(throws: SallyError.self) { try turns.check(job, now: Timestamp(114)) }
        #expect(error?.code == .conflict && error?.hint?.contains("1 seconds") == true)
        try turns.check(JobID(rawValue: 8)!, now: now)  // a small number
        try turns.check(job, now: end)
    }
}
