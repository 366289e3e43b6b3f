// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy

extension StoreTransaction {
    /// See `DecisionTransaction.reserve`. A key whose outcome is not known does not expire.
    func reserve(_ draft: SubmissionDraft, decidedAt position: AuditPosition) throws -> ReservationOutcome {
        guard (1...200).contains(draft.idempotencyKey.utf8.count) else {
            throw SallyError(.invalidRequest, "the idempotency key is not valid", hint: "1 to 200 bytes")
        }
        guard let found = try submission(draft.person, draft.cluster, draft.operation, key: draft.idempotencyKey) else {
            return .reserved(id: try insert(draft, position))
        }
        switch try found.verdict(on: draft.fingerprint, at: now) {
        case .known(let outcome): return outcome
        case .expired:
            try execute("UPDATE submissions SET idempotency_key = NULL WHERE id = ?", [.integer(found.id)])
            return .reserved(id: try insert(draft, position))
        case .again:
            try execute(
                """
                UPDATE submissions SET state = 'reserved', decided_sequence = ?, decided_hash = ?, created = ?,
                mint_by = ?, finished = NULL WHERE id = ?
                """,
                [
                    .integer(position.sequence), .text(position.hash), .integer(now.rawValue),
                    .integer(draft.mintBy?.rawValue), .integer(found.id),
                ])
            return .reserved(id: found.id)
        }
    }

    func submission(
        _ person: PersonID, _ cluster: ClusterName, _ operation: KeyedOperation, key: String
    ) throws -> Submission? {
        try row(
            Submission.select + " WHERE s.person = ? AND s.cluster = ? AND s.operation = ? AND s.idempotency_key = ?",
            [.integer(person.rawValue), .text(cluster.rawValue), .text(operation.rawValue), .text(key)]
        ).map { try Submission(row: $0) }
    }

    private func insert(_ draft: SubmissionDraft, _ position: AuditPosition) throws -> Int64 {
        let id = try next("submission")
        try execute(
            """
            INSERT INTO submissions (id, person, cluster, operation, idempotency_key, fingerprint, decided_sequence,
            decided_hash, created, mint_by, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'reserved')
            """,
            [
                .integer(id), .integer(draft.person.rawValue), .text(draft.cluster.rawValue),
                .text(draft.operation.rawValue), .text(draft.idempotencyKey), .text(draft.fingerprint),
                .integer(position.sequence), .text(position.hash), .integer(now.rawValue),
                .integer(draft.mintBy?.rawValue),
            ])
        return id
    }
}
