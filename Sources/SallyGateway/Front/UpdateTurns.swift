// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallySocket
import Synchronization

/// One change of a job at a time on one cluster, in order of arrival. Each is judged on the job that the one before left behind;
/// two that were judged on the same job could together make one that nobody would allow.
final class UpdateTurns: Sendable {
    /// Nobody waits longer for the changes before.
    static let patience = Duration.seconds(30)

    private let state = Mutex(State())

    private struct State {
        /// By the number that an array was submitted under. The first of a line has its turn, the others wait.
        var lines: [JobID: [Place]] = [:]
        var next: UInt64 = 0
        /// Changes that were sent and may still reach Slurm, and until when.
        var underWay: [JobID: Timestamp] = [:]
    }

    private struct Place {
        var number: UInt64
        /// Nil for the one that has its turn.
        var waiting: CheckedContinuation<Void, any Error>?
    }

    /// Runs `body` while no other runs for `job`.
    ///
    /// - Throws: `.conflict` when the turn does not come within `limit`; `CancellationError` while it waits; what `body` throws.
    func withTurn<Value>(
        _ job: JobID, within limit: Duration = UpdateTurns.patience, _ body: () async throws -> Value
    ) async throws -> Value {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        defer { leave(job, number) }
        do {
            try await withDeadline(limit) { try await self.wait(job, number) }
        } catch is DeadlineExceeded {
            throw SallyError(
                .conflict, "other changes of job \(job) are under way",
                hint: "try again in a moment: nothing was changed")
        }
        return try await body()
    }

    /// Of what was sent nobody knows whether it arrived: until its token has ended it still may.
    func mayArrive(_ job: JobID, until end: Timestamp, now: Timestamp) {
        state.withLock { state in
            state.underWay = state.underWay.filter { $0.value > now }
            state.underWay[job] = max(end, state.underWay[job] ?? end)
        }
    }

    /// - Throws: `.conflict` while an earlier change may still arrive: what it would be put onto is not known.
    func check(_ job: JobID, now: Timestamp) throws {
        guard let end = state.withLock({ $0.underWay[job] }), end > now else { return }
        throw SallyError(
            .conflict, "whether an earlier change of job \(job) reached Slurm is not known yet",
            hint: "try again in \(end.rawValue - now.rawValue) seconds: nothing was changed by this one")
    }

    /// How many wait for others.
    func waiting(_ job: JobID) -> Int { state.withLock { max(0, ($0.lines[job]?.count ?? 0) - 1) } }

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
