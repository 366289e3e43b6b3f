// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyPolicy

/// Makes decisions durable, many in one commit.
package struct DecisionWriter: DecisionLedger {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// A caller who is cancelled before this begins gets `CancellationError` and nothing is recorded; one who is cancelled
    /// later only stops waiting.
    package func decide<Result: Sendable>(
        _ body: @Sendable @escaping (any DecisionTransaction) throws -> Result
    ) async throws -> Result {
        try Task.checkCancellation()
        return try await database.write { try body(StoredDecision(transaction: $0)) }
    }

    package func isLive(_ session: OpaqueID) async throws -> Bool {
        try database.liveSession(session) != nil
    }
}

/// What a decision sees of the transaction it runs in.
private struct StoredDecision: DecisionTransaction {
    let transaction: StoreTransaction

    func isLive(_ session: OpaqueID) throws -> Bool { try transaction.liveSession(session) != nil }

    func append(_ draft: AuditDraft) throws -> AuditPosition { try transaction.append(draft) }

    func reserve(_ submission: SubmissionDraft, decidedAt position: AuditPosition) throws -> ReservationOutcome {
        try transaction.reserve(submission, decidedAt: position)
    }
}
