// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy

extension StoreTransaction {
    /// How long an idempotency key names its request.
    static let keyLife = Duration.seconds(24 * 3600)

    /// See `DecisionTransaction.reserve`. A key whose outcome is not known does not expire.
    func reserve(_ draft: SubmissionDraft, decidedAt position: AuditPosition) throws -> ReservationOutcome {
        guard (1...200).contains(draft.idempotencyKey.utf8.count) else {
            throw SallyError(.invalidRequest, "the idempotency key is not valid", hint: "1 to 200 bytes")
        }
        guard let found = try submission(draft.person, draft.cluster, key: draft.idempotencyKey) else {
            return .reserved(id: try insert(draft, position))
        }
        if found.created <= now - Self.keyLife, found.state.isSettled {
            try execute("UPDATE submissions SET idempotency_key = NULL WHERE id = ?", [.integer(found.id)])
            return .reserved(id: try insert(draft, position))
        }
        guard found.fingerprint == draft.fingerprint else {
            throw SallyError(
                .conflict, "idempotency key was used for another request",
                hint: "use a new key for a new request; keys are kept for 24 hours")
        }
        switch found.state {
        case .reserved, .unknown:
            return .outcomeUnknown(id: found.id)
        case .submitted:
            guard let job = found.job else { throw unreadable("job") }
            return .answered(job)
        case .refused:
            guard let refusal = found.refusal else { throw unreadable("slurm_number") }
            return .refused(refusal)
        case .failed:
            try execute(
                """
                UPDATE submissions SET state = 'reserved', decided_sequence = ?, decided_hash = ?, created = ?,
                finished = NULL WHERE id = ?
                """,
                [.integer(position.sequence), .text(position.hash), .integer(now.rawValue), .integer(found.id)])
            return .reserved(id: found.id)
        }
    }

    func submission(_ person: PersonID, _ cluster: ClusterName, key: String) throws -> Submission? {
        try row(
            Submission.select + " WHERE s.person = ? AND s.cluster = ? AND s.idempotency_key = ?",
            [.integer(person.rawValue), .text(cluster.rawValue), .text(key)]
        ).map { try Submission(row: $0) }
    }

    private func insert(_ draft: SubmissionDraft, _ position: AuditPosition) throws -> Int64 {
        let id = try next("submission")
        try execute(
            """
            INSERT INTO submissions (id, person, cluster, idempotency_key, fingerprint, decided_sequence, decided_hash,
            created, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'reserved')
            """,
            [
                .integer(id), .integer(draft.person.rawValue), .text(draft.cluster.rawValue),
                .text(draft.idempotencyKey), .text(draft.fingerprint), .integer(position.sequence),
                .text(position.hash), .integer(now.rawValue),
            ])
        return id
    }
}
