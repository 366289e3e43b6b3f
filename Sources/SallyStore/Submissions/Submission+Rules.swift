// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyPolicy

/// The rules of one reservation: pure, so that they can be tried in every order.
extension Submission {
    /// How long an idempotency key names its request.
    package static let keyLife = Duration.seconds(24 * 3600)

    /// What the key says to a request that comes with it.
    package enum KeyVerdict: Sendable, Equatable {
        /// Its day is over and nothing of it is open: it may name another submission.
        case expired
        /// It never reached Slurm: this reservation is used again.
        case again
        case known(ReservationOutcome)
    }

    /// A key whose outcome is not known does not expire.
    ///
    /// - Throws: `SallyError(.keyReused)` when it was used for another request.
    package func verdict(on fingerprint: String, at now: Timestamp) throws -> KeyVerdict {
        if created <= now - Self.keyLife, state.isSettled { return .expired }
        guard self.fingerprint == fingerprint else {
            throw SallyError(
                .keyReused, "idempotency key was used for another request",
                hint: "use a new key for a new request; keys are kept for 24 hours")
        }
        switch state {
        case .reserved, .unknown: return .known(.outcomeUnknown(id: id))
        case .failed: return .again
        case .submitted:
            guard let job else { throw unreadable("job") }
            return .known(.answered(job))
        case .refused:
            guard let refusal else { throw unreadable("slurm_number") }
            return .known(.refused(refusal))
        }
    }

    /// Whether an outcome is to be written down; false when it was before.
    ///
    /// - Throws: `SallyError(.conflict)` when it is the outcome of an older decision, or another one is written down.
    package func takes(_ outcome: SubmissionOutcome, decidedAt position: AuditPosition) throws -> Bool {
        guard self.position == position else {
            throw SallyError(.conflict, "reservation \(id) was decided anew", hint: "this outcome is not that one's")
        }
        switch state {
        case .reserved: return true
        case .unknown: return outcome != .unknown
        case .submitted, .refused, .failed:
            let other = outcome.row
            guard other.state == state, other.job == job, other.refusal == refusal else {
                throw SallyError(.conflict, "reservation \(id) has another outcome: \(state.rawValue)")
            }
            return false
        }
    }
}

extension SubmissionOutcome {
    /// As it is written down.
    package var row: (state: Submission.State, job: JobID?, refusal: SlurmRefusal?) {
        switch self {
        case .submitted(let job): (.submitted, job, nil)
        case .refused(let refusal): (.refused, nil, refusal)
        case .unknown: (.unknown, nil, nil)
        case .failed: (.failed, nil, nil)
        }
    }
}
