// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Synchronization

/// How much may be under way at once, of one person and of all together: requests, connections, bytes. Memory is bounded by what is
/// under way.
final class ConcurrencyLimiter: Sendable {
    /// Of one person.
    let limit: Int
    /// Of all together.
    let all: Int
    private let underWay = Mutex(UnderWay())

    private struct UnderWay {
        var people: [PersonID: Int] = [:]
        var all = 0
    }

    init(limit: Int, all: Int = .max) {
        self.limit = limit
        self.all = all
    }

    /// - Parameter count: what is let in together, or not at all.
    /// - Returns: how many more of the person's may begin, once these have; nil when they may not. What was let in has to
    ///   `leave`.
    func enter(_ person: PersonID, _ count: Int = 1) -> Int? {
        underWay.withLock { underWay in
            let own = underWay.people[person, default: 0]
            guard count <= limit - own, count <= all - underWay.all else { return nil }
            underWay.people[person] = own + count
            underWay.all += count
            return limit - own - count
        }
    }

    func leave(_ person: PersonID, _ count: Int = 1) {
        underWay.withLock { underWay in
            guard let own = underWay.people[person] else { return }
            let gone = min(count, own)
            underWay.people[person] = own > gone ? own - gone : nil
            underWay.all -= gone
        }
    }

    /// A place, given back when nobody holds it any more. Nil when there is none.
    func seat(_ person: PersonID) -> PersonSeat? {
        guard enter(person) != nil else { return nil }
        return PersonSeat { [self] in leave(person) }
    }

    /// The same.
    ///
    /// - Throws: `refusal` when there is none.
    func seat(_ person: PersonID, or refusal: @autoclosure () -> SallyError) throws -> PersonSeat {
        guard let place = seat(person) else { throw refusal() }
        return place
    }

    var people: Int { underWay.withLock { $0.people.count } }

    /// Of all together.
    var count: Int { underWay.withLock { $0.all } }
}

final class PersonSeat: Sendable {
    private let leave: @Sendable () -> Void

    fileprivate init(_ leave: @Sendable @escaping () -> Void) { self.leave = leave }

    deinit { leave() }
}
