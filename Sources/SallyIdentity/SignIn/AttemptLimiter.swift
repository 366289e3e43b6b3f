// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Synchronization

/// Counts tries per key and window, in this process's memory: a brake, not a decision. Who holds the verifier of an
/// unredeemed typed code gets `limit` guesses of 39 bits in each gateway process.
///
/// Only challenges for which a code waits are counted, so that a place here costs a finished sign-in at the identity
/// provider. When places run out all the same, the oldest goes: nobody is refused because of what others did.
final class AttemptLimiter: Sendable {
    private struct Entry {
        var count: Int
        var until: Timestamp
        /// Order of arrival.
        var number: UInt64
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var last: UInt64 = 0
    }

    private let state = Mutex(State())
    private let limit: Int
    private let window: Duration
    /// Largest number of keys that are remembered.
    private let capacity: Int

    init(limit: Int, window: Duration, capacity: Int) {
        self.limit = limit
        self.window = window
        self.capacity = capacity
    }

    /// Counts a try of `key`. False when it is one too many.
    func permits(_ key: String, now: Timestamp) -> Bool {
        state.withLock { state in
            if var entry = state.entries[key], now < entry.until {
                entry.count += 1
                state.entries[key] = entry
                return entry.count <= limit
            }
            if state.entries.count >= capacity { state.entries = state.entries.filter { now < $0.value.until } }
            if state.entries.count >= capacity,
                let oldest = state.entries.min(by: { $0.value.number < $1.value.number })
            {
                state.entries[oldest.key] = nil
            }
            state.last += 1
            state.entries[key] = Entry(count: 1, until: now + window, number: state.last)
            return limit > 0
        }
    }

    var remembered: Int { state.withLock { $0.entries.count } }
}
