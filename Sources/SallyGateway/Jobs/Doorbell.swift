// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Wakes one waiting loop early. Rings while nobody waits are kept as one.
final class Doorbell: Sendable {
    private let state = Mutex(State())

    private struct State {
        var rung = false
        var waiting: CheckedContinuation<Void, Never>?
    }

    /// Whether it rang and nobody has come yet.
    var isRung: Bool { state.withLock { $0.rung } }

    func ring() {
        let waiting = state.withLock { state in
            defer { state.waiting = nil }
            if state.waiting == nil { state.rung = true }
            return state.waiting
        }
        waiting?.resume()
    }

    /// Returns when it rings, after `limit`, or when the task is cancelled.
    func wait(upTo limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // Cancelled because it rang: nothing to ring for.
                guard (try? await Task.sleep(for: limit)) != nil else { return }  // see above
                self.ring()
            }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let now = state.withLock { state in
                        defer { state.rung = false }
                        if !state.rung { state.waiting = continuation }
                        return state.rung
                    }
                    if now { continuation.resume() }
                }
            } onCancel: {
                ring()
            }
            group.cancelAll()
        }
    }
}
