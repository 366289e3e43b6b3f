// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Synchronization

/// What the body of one request takes of its sender's limits: by its declared length before it is read, or as it grows.
final class BodyAllowance: Sendable {
    /// A body counts as a request for each so many bytes that it begins: most scripts are shorter, and what is longer takes as much
    /// longer to be read. A script of 4 MiB, the longest, counts as 16.
    static let unit = 256 * 1024
    /// Bytes of one person's bodies under way: four of the longest. A program that submits sends one at a time.
    static let each = 32 << 20
    /// Bytes of everybody's: a small machine has them. It takes eight people with all that is theirs to fill it.
    static let all = 256 << 20
    /// From the first look to the last byte: the longest body comes in time over a line of 1.2 Mbit/s.
    static let deadline = Duration.seconds(60)

    private let limits: PersonLimits
    private let principal: Principal
    private let notes: RequestNotes
    private let state = Mutex(Admitted())

    private struct Admitted {
        var bytes = 0
        /// The first is the request itself.
        var requests = 1
    }

    init(_ limits: PersonLimits, _ principal: Principal, _ notes: RequestNotes) {
        self.limits = limits
        self.principal = principal
        self.notes = notes
    }

    /// Bytes of bodies that are under way.
    static func seats() -> ConcurrencyLimiter { ConcurrencyLimiter(limit: each, all: all) }

    /// As how many requests a body counts; never as more than may come at once, or it could never be sent.
    static func requests(for bytes: Int, atMost most: Int) -> Int { max(1, min(most, (bytes + unit - 1) / unit)) }

    /// Makes room for a body of `bytes`, with what was admitted of it before, and counts it.
    ///
    /// - Throws: `.rateLimited` where there is no room, or too much came already.
    func admit(_ bytes: Int) throws {
        try state.withLock { admitted in
            guard bytes > admitted.bytes else { return }
            guard limits.bodies.enter(principal.person, bytes - admitted.bytes) != nil else {
                notes.retry(after: 1)
                throw SallyError(
                    .rateLimited,
                    "too much is being sent: \(limits.bodies.limit) bytes of one person and \(limits.bodies.all) of all "
                        + "may be under way",
                    hint: "wait for answers before sending more")
            }
            admitted.bytes = bytes
            let requests = BodyAllowance.requests(for: bytes, atMost: limits.requests.quota.units)
            guard requests > admitted.requests else { return }
            guard limits.charge(requests - admitted.requests, to: principal, notes) else {
                throw SallyError(
                    .rateLimited,
                    "a body of \(bytes) bytes counts as \(requests) requests: too many of \(principal.account.name)",
                    hint: "send less often")
            }
            admitted.requests = requests
        }
    }

    /// Gives the room back.
    func leave() {
        let bytes = state.withLock { admitted in
            defer { admitted.bytes = 0 }
            return admitted.bytes
        }
        limits.bodies.leave(principal.person, bytes)
    }
}
