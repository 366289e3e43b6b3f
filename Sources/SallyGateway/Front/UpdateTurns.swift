// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyKeepProtocol
import SallyModel
import SallyNetwork
import SallyStore
import Synchronization

/// One change of a job at a time on one cluster, whichever gateway of one database it comes through; in order of arrival within
/// one gateway. Each is judged on the job that the one before left behind; two that were judged on the same job could together
/// make one that nobody would allow.
///
/// Those of one gateway wait in a line here, and its first asks the database for the turn: nobody else costs it anything.
final class UpdateTurns: Sendable {
    /// No token is asked for later than this after the turn began.
    static let preparation = Duration.seconds(60)
    /// The signer makes none that ends later than this, even by a clock of its own, so that a turn whose gateway died ends.
    static let lease = preparation + MintRequest.clockLeeway + Settlement.tokenLife
    /// Between two looks at whether another gateway has given the turn back.
    private static let pauses = (first: Duration.milliseconds(20), longest: Duration.milliseconds(200))

    private let cluster: ClusterName
    private let book: any TurnBook
    private let patience: Duration
    private let log: Logger
    private let state = Mutex(State())

    private struct State {
        /// By the number that an array was submitted under. The first of a line has its turn, the others wait.
        var lines: [JobID: [Place]] = [:]
        var next: UInt64 = 0
    }

    private struct Place {
        var number: UInt64
        /// Nil for the one that has its turn.
        var waiting: CheckedContinuation<Void, any Error>?
    }

    /// - Parameter patience: nobody waits longer for the changes before.
    init(cluster: ClusterName, book: some TurnBook, patience: Duration, log: Logger) {
        self.cluster = cluster
        self.book = book
        self.patience = patience
        self.log = log
    }

    /// Runs `body` while no other runs for `job`, in any gateway. What `body` leaves in the turn holds for the next one, however
    /// `body` ends.
    ///
    /// - Parameter limit: nil for the usual patience.
    /// - Throws: `.conflict` when the turn does not come within `limit`; `CancellationError` while it waits; what `body` throws.
    func withTurn<Value>(
        _ job: JobID, within limit: Duration? = nil, _ body: (inout UpdateTurn) async throws -> Value
    ) async throws -> Value {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        var generator = SystemRandomNumberGenerator()
        let holder = OpaqueID.random(using: &generator)
        var end = TurnEnd.unused
        defer {
            // Written before the next of the line asks for it. Who gave up may have got it all the same.
            giveBack(job, holder, end)
            leave(job, number)
        }
        let taken: TakenTurn
        do {
            taken = try await withDeadline(limit ?? patience) {
                try await self.wait(job, number)
                return try await self.take(job, holder)
            }
        } catch is DeadlineExceeded {
            throw SallyError(
                .conflict, "other changes of job \(job) are under way",
                hint: "try again in a moment: nothing was changed")
        }
        var turn = UpdateTurn(mintBy: taken.since + UpdateTurns.preparation, tokenEnds: taken.tokenEnds)
        defer { end = .used(tokenEnds: turn.tokenEnds) }
        return try await body(&turn)
    }

    /// How many wait for others.
    func waiting(_ job: JobID) -> Int { state.withLock { max(0, ($0.lines[job]?.count ?? 0) - 1) } }

    /// The turn, as soon as no other gateway has it.
    private func take(_ job: JobID, _ holder: OpaqueID) async throws -> TakenTurn {
        var pause = UpdateTurns.pauses.first
        while true {
            let taken = try await book.take(job, cluster: cluster, holder: holder, lease: UpdateTurns.lease)
            if let taken { return taken }
            repeat {
                try await Task.sleep(for: pause)
                pause = min(pause * 2, UpdateTurns.pauses.longest)
            } while try !book.isFree(job, cluster: cluster)
        }
    }

    private func giveBack(_ job: JobID, _ holder: OpaqueID, _ end: TurnEnd) {
        book.giveBack(job, cluster: cluster, holder: holder, end) { [cluster, log] error in
            log.warning(
                "changes of a job wait until a lease ends: its turn was not given back",
                metadata: ["cluster": "\(cluster)", "job": "\(job)", "cause": "\(error)"])
        }
    }

    private func wait(_ job: JobID, _ number: UInt64) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let answer = state.withLock { state -> Result<Void, any Error>? in
                    // A cancelling that comes later finds the place in the line.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    let isFirst = state.lines[job] == nil
                    state.lines[job, default: []].append(
                        Place(number: number, waiting: isFirst ? nil : continuation))
                    return isFirst ? .success(()) : nil
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            giveUp(job, number)
        }
    }

    /// Out of the line, if the turn has not come.
    private func giveUp(_ job: JobID, _ number: UInt64) {
        let waiting = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard let place = state.lines[job]?.firstIndex(where: { $0.number == number && $0.waiting != nil }) else {
                return nil
            }
            return state.lines[job]?.remove(at: place).waiting
        }
        waiting?.resume(throwing: CancellationError())
    }

    /// The end of a turn, whether it was used or came too late.
    private func leave(_ job: JobID, _ number: UInt64) {
        let next = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard state.lines[job]?.first?.number == number else { return nil }
            state.lines[job]?.removeFirst()
            guard let next = state.lines[job]?.first?.waiting else {
                state.lines[job] = nil
                return nil
            }
            state.lines[job]?[0].waiting = nil
            return next
        }
        next?.resume()
    }
}

/// A turn at changing a job.
struct UpdateTurn: Sendable {
    /// No token is asked for after this.
    let mintBy: Timestamp
    /// When the last token ends with which a change may still reach Slurm of which nobody heard again: at first of the changes
    /// before. Nil where nothing is open.
    var tokenEnds: Timestamp?
}
