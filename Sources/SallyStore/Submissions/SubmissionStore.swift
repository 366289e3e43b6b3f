// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// Submissions after their reservation: outcomes, owners of jobs, and what is to be reconciled.
package struct SubmissionStore: Sendable {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// Records what became of a reservation, with its chained event `job.submit`. The same outcome again changes nothing.
    ///
    /// Durable when it returns, a few milliseconds later than it could be: it goes along with the next decision, if one
    /// comes. Durable also when the caller is cancelled meanwhile.
    /// - Parameter request: the request id, for the event.
    /// - Returns: the event's place; nil when this outcome was recorded before.
    /// - Throws: `SallyError(.notFound)` for no reservation, `SallyError(.conflict)` when another outcome is recorded or the
    ///   same key was decided anew, at another place of the audit chain than `position`.
    @discardableResult
    package func recordOutcome(
        reservation: Int64, decidedAt position: AuditPosition, outcome: SubmissionOutcome, request: String?
    ) async throws -> AuditPosition? {
        try await database.write(.withNext) { transaction in
            let row = try transaction.row(Submission.select + " WHERE s.id = ?", [.integer(reservation)])
            guard let submission = try row.map({ try Submission(row: $0) }) else {
                throw SallyError(.notFound, "there is no reservation \(reservation)")
            }
            guard try submission.takes(outcome, decidedAt: position) else { return nil }
            let values = outcome.row
            try transaction.execute(
                """
                UPDATE submissions SET state = ?, job = ?, slurm_number = ?, slurm_text = ?, slurm_advice = ?, finished = ?
                WHERE id = ?
                """,
                [
                    .text(values.state.rawValue), .integer(values.job.map { Int64($0.rawValue) }),
                    .integer(values.refusal.map { Int64($0.number) }), .text(values.refusal?.text),
                    .text(values.refusal?.advice), .integer(transaction.now.rawValue), .integer(reservation),
                ])
            return try transaction.append(
                AuditDraft(
                    actor: "person:\(submission.person):\(submission.user)", action: "job.submit",
                    cluster: submission.cluster, target: values.job.map { "\($0)" },
                    outcome: values.state == .submitted ? .completed : .failed, request: request,
                    details: [
                        .init("reservation", "\(reservation)"), .init("decision", "\(submission.position.sequence)"),
                    ] + outcome.details))
        }
    }

    /// The submission that a key names now.
    package func submission(
        person: PersonID, cluster: ClusterName, operation: KeyedOperation, key: String
    ) async throws -> Submission? {
        try database.glance { try $0.submission(person, cluster, operation, key: key) }
    }

    /// The newest submission with this job id (Slurm begins again after MaxJobId); its `person` and `user` own the job.
    package func submission(job: JobID, cluster: ClusterName) async throws -> Submission? {
        try database.glance { transaction in
            try transaction.row(
                Submission.select + " WHERE s.cluster = ? AND s.job = ? ORDER BY s.id DESC LIMIT 1",
                [.text(cluster.rawValue), .integer(Int64(job.rawValue))]
            ).map { try Submission(row: $0) }
        }
    }

    /// Takes the names away from submissions of a cluster whose keys have expired. The rows stay: they say whose job it was.
    /// A key whose outcome is not known stays, however old it is.
    ///
    /// - Returns: how many keys went.
    @discardableResult
    package func purgeKeys(cluster: ClusterName) async throws -> Int {
        try await database.write { transaction in
            try transaction.execute(
                """
                UPDATE submissions SET idempotency_key = NULL WHERE cluster = ? AND idempotency_key IS NOT NULL
                AND created <= ? AND state IN ('submitted', 'refused', 'failed')
                """,
                [.text(cluster.rawValue), .integer((transaction.now - Submission.keyLife).rawValue)])
        }
    }

    /// Reservations whose outcome is not known, oldest first: what a start has to reconcile. A row that cannot be read is an
    /// error here, because leaving it out could double a job.
    package func withoutOutcome(cluster: ClusterName) async throws -> [Submission] {
        try await database.read { transaction in
            try transaction.rows(
                Submission.select + " WHERE s.state IN ('reserved', 'unknown') AND s.cluster = ? ORDER BY s.id",
                [.text(cluster.rawValue)]
            ).map { try Submission(row: $0) }
        }
    }
}

extension SubmissionOutcome {
    fileprivate var details: [AuditEvent.Detail] {
        switch self {
        case .submitted(let job): [.init("job", "\(job)")]
        case .refused(let refusal):
            [.init("slurm-error", "\(refusal.number)"), .init("slurm-text", String(refusal.text.prefix(200)))]
        case .unknown: [.init("outcome", "unknown")]
        case .failed(let why): [.init("reason", String(why.prefix(200)))]
        }
    }
}
