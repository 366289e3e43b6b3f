// SPDX-License-Identifier: Apache-2.0

import SallyModel

extension AuditStore {
    /// Reads the whole chain, as it is at one moment, and says what is wrong with it.
    ///
    /// `evidence` must be fetched before this is called: events that come later do no harm, a head that is ahead of the chain
    /// is a cut tail.
    package func verifyChain(_ evidence: AuditEvidence) async throws -> AuditReport {
        try await database.read { transaction in
            var verifier = AuditVerifier(evidence: evidence)
            var reads = ReadVerifier(evidence.reads)
            var last = Int64.min
            while true {
                let rows = try transaction.rows(
                    "SELECT \(StoreTransaction.auditColumns) FROM audit_events WHERE sequence > ? ORDER BY sequence LIMIT 250",
                    [.integer(last)])
                for row in rows {
                    last = try row.integer("sequence")
                    do {
                        let event = try AuditEvent(row: row)
                        verifier.check(event)
                        reads.check(event)
                    } catch {
                        verifier.checkUnreadable(sequence: last, hash: row.textIfAny("hash"))
                    }
                }
                guard rows.isEmpty else { continue }
                var report = verifier.finish()
                reads.finish()
                report.problems = Array((report.problems + reads.problems).prefix(100))
                return report
            }
        }
    }
}
