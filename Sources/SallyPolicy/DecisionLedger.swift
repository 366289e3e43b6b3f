// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// Where decisions become durable. SallyStore implements it; tests have one in memory.
package protocol DecisionLedger: Sendable {
    /// Runs `body` inside one durable transaction. When this returns, everything `body` recorded is on disk
    /// (`synchronous=FULL`); when it throws, nothing is. The implementation may run several bodies in one commit, each in a
    /// savepoint of its own, and may run a body again. `body` decides; it does no other input or output.
    func decide<Result: Sendable>(
        _ body: @Sendable @escaping (any DecisionTransaction) throws -> Result
    ) async throws -> Result

    /// What `DecisionTransaction.isLive` says, for a decision that records nothing: it waits for no writer. It sees every
    /// transaction that was committed before it began, by any process.
    func isLive(_ session: OpaqueID) async throws -> Bool
}

extension DecisionLedger {
    package func isLive(_ session: OpaqueID) async throws -> Bool { try await decide { try $0.isLive(session) } }
}

/// What a decision may read and write while it is being made.
package protocol DecisionTransaction {
    /// Whether the session is neither expired, ended nor revoked, and its person not offboarded, as of now on disk.
    func isLive(_ session: OpaqueID) throws -> Bool
    /// Appends to the audit chain.
    func append(_ draft: AuditDraft) throws -> AuditPosition
    /// Records that a job is about to be submitted.
    /// - Throws: `SallyError(.keyReused)` when the key was used for another request.
    func reserve(_ submission: SubmissionDraft, decidedAt position: AuditPosition) throws -> ReservationOutcome
}

/// A submission between decision and Slurm's answer.
package struct SubmissionDraft: Sendable, Equatable {
    package var person: PersonID
    package var cluster: ClusterName
    package var operation: KeyedOperation
    package var idempotencyKey: String
    /// SHA-256 of the canonical request, lower-case hexadecimal: the same key with another request is a conflict.
    package var fingerprint: String
    /// As in `Submit`.
    package var mintBy: Timestamp?
    package init(
        person: PersonID, cluster: ClusterName, operation: KeyedOperation, idempotencyKey: String, fingerprint: String,
        mintBy: Timestamp? = nil
    ) {
        self.person = person
        self.cluster = cluster
        self.operation = operation
        self.idempotencyKey = idempotencyKey
        self.fingerprint = fingerprint
        self.mintBy = mintBy
    }
}

/// What reserving found.
package enum ReservationOutcome: Sendable, Equatable {
    /// The first time: submit it. The number names the reservation when the outcome is recorded.
    case reserved(id: Int64)
    /// The same request came before and Slurm answered.
    case answered(JobID)
    /// The same request came before and its outcome is not known yet.
    case outcomeUnknown(id: Int64)
    /// The same request came before and Slurm refused it.
    case refused(SlurmRefusal)
}
