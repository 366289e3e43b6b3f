// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Synchronization

/// Counts tries per key and window, in this process's memory: a brake, not a decision. Who holds the verifier of an
/// unredeemed typed code gets `limit` guesses of 39 bits in each gateway process.
final class AttemptLimiter: Sendable {
    private struct Entry {
        var count: Int
        var until: Timestamp
    }

    private let entries = Mutex<[String: Entry]>([:])
    private let limit: Int
    private let window: Duration
    /// Largest number of keys that are remembered; beyond it every key is refused until the oldest run out.
    private let capacity: Int

    init(limit: Int, window: Duration, capacity: Int) {
        self.limit = limit
        self.window = window
        self.capacity = capacity
    }

    /// Counts a try of `key`. False when it is one too many.
    func permits(_ key: String, now: Timestamp) -> Bool {
        entries.withLock { entries in
            if entries.count >= capacity { entries = entries.filter { now < $0.value.until } }
            if var entry = entries[key], now < entry.until {
                entry.count += 1
                entries[key] = entry
                return entry.count <= limit
            }
            guard entries.count < capacity else { return false }
            entries[key] = Entry(count: 1, until: now + window)
            return limit > 0
        }
    }
}
