// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyStore

/// The audit chain as the gateway reads it. SallyStore's `AuditStore` is it.
package protocol AuditBook: Sendable {
    func page(_ query: AuditQuery) async throws -> AuditEvents
    func head() async throws -> AuditPosition?
    func append(_ draft: AuditDraft) async throws -> AuditPosition
    func verifyChain(_ evidence: AuditEvidence) async throws -> AuditReport
}

/// Submissions and what became of them. SallyStore's `SubmissionStore` is it.
package protocol SubmissionBook: Sendable {
    /// Nil when the same outcome was recorded before.
    ///
    /// - Parameter position: of the decision whose outcome it is. The same key may have been decided anew since.
    /// - Throws: `SallyError(.conflict)` when it was, or when another outcome was recorded.
    func recordOutcome(
        reservation: Int64, decidedAt position: AuditPosition, outcome: SubmissionOutcome, request: String?
    ) async throws -> AuditPosition?
    func submission(
        person: PersonID, cluster: ClusterName, operation: KeyedOperation, key: String
    ) async throws -> Submission?
    /// The newest submission that became this job.
    func submission(job: JobID, cluster: ClusterName) async throws -> Submission?
    /// Oldest first.
    func withoutOutcome(cluster: ClusterName) async throws -> [Submission]
    /// Takes keys away that have lived their day; none whose outcome is not known. Returns how many.
    func purgeKeys(cluster: ClusterName) async throws -> Int
}

/// Turns at changing jobs, of all gateways on one database. SallyStore's `UpdateTurnStore` is it.
package protocol TurnBook: Sendable {
    /// Nil while another has it. Who is cancelled meanwhile may have it all the same, and gives it back.
    ///
    /// - Parameter lease: every token that `holder` may ask for ends before it does.
    func take(_ job: JobID, cluster: ClusterName, holder: OpaqueID, lease: Duration) async throws -> TakenTurn?
    /// Whether nobody has it. One look at a row.
    func isFree(_ job: JobID, cluster: ClusterName) throws -> Bool
    /// Queued when it returns, before everything that is written after it. Nothing where `holder` does not have it.
    func giveBack(
        _ job: JobID, cluster: ClusterName, holder: OpaqueID, _ end: TurnEnd,
        failed: @Sendable @escaping (any Error) -> Void)
}

extension AuditStore: AuditBook {}
extension SubmissionStore: SubmissionBook {}
extension UpdateTurnStore: TurnBook {}
