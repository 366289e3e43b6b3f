// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyNetwork
import Synchronization
import Testing

@Suite struct DeadlineTests {
    private struct Failure: Error, Equatable {}

    private final class State: Sendable {
        let ended = Mutex(false)
    }

    @Test func whatEndsInTimeIsPassedOn() async throws {
        #expect(try await withDeadline(.seconds(240)) { 7 } == 7)
        #expect(try await withDeadline(.seconds(240), "it") { 8 } == 8)
        let fail: @Sendable () async throws -> Int = { throw Failure() }
        await #expect(throws: Failure.self) { try await withDeadline(.seconds(240), fail) }
        await #expect(throws: Failure.self) { try await withDeadline(.seconds(240), "it", fail) }
    }

    /// What takes too long is cancelled, and has ended when that is said.
    @Test func whatTakesTooLongIsCancelled() async {
        let state = State()
        await #expect(throws: DeadlineExceeded.self) {
            try await withDeadline(.milliseconds(1)) {
                defer { state.ended.withLock { $0 = true } }
                try await Task.sleep(for: .seconds(3600))
            }
        }
        #expect(state.ended.withLock { $0 })
    }

    @Test func peopleAreToldWhatTookTooLong() async throws {
        let error = await #expect(throws: SallyError.self) {
            try await withDeadline(.milliseconds(1), "the answer") { try await Task.sleep(for: .seconds(3600)) }
        }
        #expect(error?.code == .timeout && error?.message == "the answer took more than 0 seconds")
    }

    @Test func whoeverIsCancelledDoesNotWait() async {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    try await withDeadline(.seconds(3600)) { try await Task.sleep(for: .seconds(3600)) }
                    return false
                } catch {
                    return error is CancellationError
                }
            }
            group.cancelAll()
            for await isCancelled in group { #expect(isCancelled) }
        }
    }
}
