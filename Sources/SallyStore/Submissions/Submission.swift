// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// A job that went, or was about to go, to Slurm through the gateway.
package struct Submission: Sendable, Equatable {
    package var id: Int64
    package var person: PersonID
    package var user: UserName
    package var cluster: ClusterName
    package var operation: KeyedOperation
    /// Nil once it expired.
    package var idempotencyKey: String?
    package var fingerprint: String
    /// The decision that allowed it.
    package var position: AuditPosition
    package var created: Timestamp
    /// No token was or will be asked for after this; nil for rows of older versions.
    package var mintBy: Timestamp?
    package var state: State
    package var job: JobID?
    package var refusal: SlurmRefusal?
    package var finished: Timestamp?

    package enum State: String, Sendable, CaseIterable {
        /// Decided; whether Slurm has it is not known.
        case reserved
        case submitted
        case refused
        /// Slurm did not answer; it may have the job.
        case unknown
        /// It certainly never reached Slurm.
        case failed

        /// Whether nothing of it is open.
        var isSettled: Bool {
            switch self {
            case .submitted, .refused, .failed: true
            case .reserved, .unknown: false
            }
        }
    }

    static let select = """
        SELECT s.id, s.person, p.user_name, s.cluster, s.operation, s.idempotency_key, s.fingerprint, s.decided_sequence,
            s.decided_hash, s.created, s.mint_by, s.state, s.job, s.slurm_number, s.slurm_text, s.slurm_advice, s.finished
        FROM submissions s JOIN people p ON p.id = s.person
        """
}

extension Submission {
    init(row: StoreRow) throws {
        guard let state = State(rawValue: try row.text("state")) else { throw unreadable("state") }
        id = try row.integer("id")
        person = PersonID(rawValue: try row.integer("person"))
        user = try UserName(try row.text("user_name"))
        cluster = try ClusterName(try row.text("cluster"))
        guard let operation = KeyedOperation(rawValue: try row.text("operation")) else { throw unreadable("operation") }
        self.operation = operation
        idempotencyKey = row.textIfAny("idempotency_key")
        fingerprint = try row.text("fingerprint")
        position = AuditPosition(sequence: try row.integer("decided_sequence"), hash: try row.text("decided_hash"))
        created = try row.time("created")
        mintBy = row.timeIfAny("mint_by")
        self.state = state
        job = row.integerIfAny("job").flatMap { UInt32(exactly: $0) }.flatMap { JobID(rawValue: $0) }
        if let number = row.integerIfAny("slurm_number") {
            refusal = SlurmRefusal(
                number: Int(number), text: row.textIfAny("slurm_text") ?? "", advice: row.textIfAny("slurm_advice"))
        }
        finished = row.timeIfAny("finished")
    }
}

/// What became of a reservation.
package enum SubmissionOutcome: Sendable, Equatable {
    case submitted(JobID)
    case refused(SlurmRefusal)
    /// Slurm did not answer in time; reconciling finds out.
    case unknown
    /// It certainly never reached Slurm, and why, for the audit chain. The same key may be used again.
    case failed(String)
}
