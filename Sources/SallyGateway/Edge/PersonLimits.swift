// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// What one person may ask for in a time and at a time, for requests that stand for several.
struct PersonLimits: Sendable {
    let requests: RateLimiter
    let concurrent: ConcurrencyLimiter
    /// What the limiter's moments are told from.
    let since: ContinuousClock.Instant

    /// Counts what one request does as `count` of them, the request itself among these.
    ///
    /// - Throws: `.tooLarge` for more than may ever come at once, `.rateLimited` for more than may come now.
    func charge(_ count: Int, _ noun: String, to principal: Principal, _ notes: RequestNotes) throws {
        guard count > 1 else { return }
        guard count <= requests.quota.units else {
            throw SallyError(
                .tooLarge, "\(count) \(noun) count as \(count) requests, and \(requests.quota.units) may come at once",
                hint: "send several lists")
        }
        let verdict = requests.admit(.person(principal.person), count: count - 1, now: since.duration(to: .now))
        guard verdict.isAdmitted else {
            notes.retry(after: verdict.nextIn)
            throw SallyError(
                .rateLimited, "\(count) \(noun) count as \(count) requests: too many of \(principal.account.name)",
                hint: "ask less often, or send shorter lists")
        }
    }

    /// A place among those that a person may have under way; given back when nobody holds it any more. Nil when all are
    /// taken.
    func seat(_ person: PersonID) -> PersonSeat? {
        guard concurrent.enter(person) != nil else { return nil }
        return PersonSeat { [concurrent] in concurrent.leave(person) }
    }
}

final class PersonSeat: Sendable {
    private let leave: @Sendable () -> Void

    fileprivate init(_ leave: @Sendable @escaping () -> Void) { self.leave = leave }

    deinit { leave() }
}
