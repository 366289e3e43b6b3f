// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Synchronization

/// How many requests of one person may be under way at once. Memory is bounded by what is under way.
final class ConcurrencyLimiter: Sendable {
    let limit: Int
    private let underWay = Mutex<[PersonID: Int]>([:])

    init(limit: Int) { self.limit = limit }

    /// - Returns: how many more may begin, once this one has; nil when it may not. What was let in has to `leave`.
    func enter(_ person: PersonID) -> Int? {
        underWay.withLock { underWay in
            let count = underWay[person, default: 0]
            guard count < limit else { return nil }
            underWay[person] = count + 1
            return limit - count - 1
        }
    }

    func leave(_ person: PersonID) {
        underWay.withLock { underWay in
            guard let count = underWay[person] else { return }
            underWay[person] = count > 1 ? count - 1 : nil
        }
    }

    var people: Int { underWay.withLock { $0.count } }
}
