// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// What one person may ask for in a time and at a time, for requests that stand for several.
struct PersonLimits: Sendable {
    let requests: RateLimiter
    let concurrent: ConcurrencyLimiter
    /// Bytes of bodies.
    let bodies: ConcurrencyLimiter
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
        guard charge(count - 1, to: principal, notes) else {
            throw SallyError(
                .rateLimited, "\(count) \(noun) count as \(count) requests: too many of \(principal.account.name)",
                hint: "ask less often, or send shorter lists")
        }
    }

    /// Counts so many requests more than the request itself; false, and nothing counted, for more than may come now.
    func charge(_ more: Int, to principal: Principal, _ notes: RequestNotes) -> Bool {
        let verdict = requests.admit(.person(principal.person), count: more, now: since.duration(to: .now))
        notes.tell(requests, verdict)
        if !verdict.isAdmitted { notes.retry(after: verdict.nextIn) }
        return verdict.isAdmitted
    }

    /// A place among those that a person may have under way; given back when nobody holds it any more. Nil when all are
    /// taken.
    func seat(_ person: PersonID) -> PersonSeat? { concurrent.seat(person) }
}
