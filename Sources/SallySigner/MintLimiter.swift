// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Counts tokens, or something else that is asked for, per key within the running minute.
struct MintLimiter: Sendable {
    let perMinute: Int
    /// What is counted, for the refusal.
    let things: String
    private var minute: Int64 = .min
    private var counts: [String: Int] = [:]

    init(perMinute: Int, of things: String = "tokens") {
        self.perMinute = perMinute
        self.things = things
    }

    /// - Throws: `SallyError(.rateLimited)` when the minute's are used up.
    mutating func take(_ key: String, at now: Timestamp) throws {
        let current = now.rawValue / 60
        if current != minute {
            minute = current
            counts.removeAll(keepingCapacity: true)
        }
        guard counts[key, default: 0] < perMinute else {
            throw SallyError(
                .rateLimited, "more than \(perMinute) \(things) a minute for \(key)", hint: "try again in a minute")
        }
        counts[key, default: 0] += 1
    }
}
