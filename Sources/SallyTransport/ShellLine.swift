// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A `ShellState` that tasks wait on: two that read, one that runs scripts.
final class ShellLine: Sendable {
    private struct Held {
        var state: ShellState
        var waiter: CheckedContinuation<Completion, any Error>?
        /// What was waited for ended before anybody waited.
        var settled: Result<Completion, any Error>?
    }
    private let held: Mutex<Held>

    init(mark: ShellMark, outputLimit: Int) {
        held = Mutex(Held(state: ShellState(mark: mark, outputLimit: outputLimit)))
    }

    var phase: ShellState.Phase { held.withLock { $0.state.phase } }

    func begin() throws {
        try held.withLock { held in
            try held.state.begin()
            held.settled = nil
        }
    }

    func heard(_ bytes: [UInt8], on stream: ShellState.Stream) {
        settle { $0.heard(bytes, on: stream) }
    }

    func closed(_ stream: ShellState.Stream) {
        settle { $0.closed(stream) }
    }

    /// Nothing more is sent to this shell; whoever waits is told.
    func giveUp(_ reason: any Error = CancellationError()) {
        let waiter = held.withLock { held in
            held.state.giveUp()
            held.settled = .failure(reason)
            return held.waiter.take()
        }
        waiter?.resume(throwing: reason)
    }

    /// What was begun, once it ended.
    ///
    /// - Throws: `ShellState.Refusal`; `CancellationError`.
    func result() async throws -> Completion {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let settled = held.withLock { held in
                    if held.settled == nil { held.waiter = continuation }
                    return held.settled
                }
                if let settled { continuation.resume(with: settled) }
            }
        } onCancel: {
            giveUp()
        }
    }

    private func settle(_ change: (inout ShellState) -> Result<Completion, ShellState.Refusal>?) {
        let (waiter, result) = held.withLock { held in
            guard let result = change(&held.state) else {
                return (nil as CheckedContinuation<Completion, any Error>?, nil as Result<Completion, any Error>?)
            }
            let settled = result.mapError { $0 as any Error }
            held.settled = settled
            return (held.waiter.take(), settled)
        }
        if let waiter, let result { waiter.resume(with: result) }
    }
}
