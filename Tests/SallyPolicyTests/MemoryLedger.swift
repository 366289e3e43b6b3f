// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import Synchronization

/// A `DecisionLedger` in memory, with the transactions of the real one: a body that throws leaves nothing.
final class MemoryLedger: DecisionLedger {
    struct State: Sendable {
        var ended: Set<OpaqueID> = []
        var events: [AuditDraft] = []
        var reservations: [SubmissionDraft] = []
        var outcomes: [String: ReservationOutcome] = [:]
    }

    private let state = Mutex(State())
    /// What every `decide` throws after its body ran, as a disk that is full would.
    let failure: SallyError?

    init(failure: SallyError? = nil) { self.failure = failure }

    var events: [AuditDraft] { state.withLock { $0.events } }
    var reservations: [SubmissionDraft] { state.withLock { $0.reservations } }

    func end(_ session: OpaqueID) { state.withLock { _ = $0.ended.insert(session) } }
    func settle(_ key: String, as outcome: ReservationOutcome) { state.withLock { $0.outcomes[key] = outcome } }

    func decide<Result: Sendable>(
        _ body: @Sendable @escaping (any DecisionTransaction) throws -> Result
    ) async throws -> Result {
        try state.withLock { state in
            let transaction = MemoryTransaction(state)
            let result = try body(transaction)
            if let failure { throw failure }
            state = transaction.state
            return result
        }
    }
}

private final class MemoryTransaction: DecisionTransaction {
    var state: MemoryLedger.State
    init(_ state: MemoryLedger.State) { self.state = state }

    func isLive(_ session: OpaqueID) throws -> Bool { !state.ended.contains(session) }

    func append(_ draft: AuditDraft) throws -> AuditPosition {
        state.events.append(draft)
        return AuditPosition(sequence: Int64(state.events.count), hash: AuditEvent.genesis)
    }

    func reserve(_ submission: SubmissionDraft, decidedAt position: AuditPosition) throws -> ReservationOutcome {
        if let index = state.reservations.firstIndex(where: {
            $0.idempotencyKey == submission.idempotencyKey && $0.operation == submission.operation
        }) {
            guard state.reservations[index] == submission else {
                throw SallyError(.keyReused, "the idempotency key belongs to another request")
            }
            return state.outcomes[submission.idempotencyKey] ?? .outcomeUnknown(id: Int64(index + 1))
        }
        state.reservations.append(submission)
        return .reserved(id: Int64(state.reservations.count))
    }
}

struct FixedClock: WallClock {
    let now = Timestamp(1_000_000)
}

/// SplitMix64: the same seed gives the same cases.
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
