// SPDX-License-Identifier: Apache-2.0

/// What people see when something is refused or fails.
///
/// `message` and `hint` are safe for the person who asked: lower case, no final period, naming the thing, the rule or
/// limit. `cause` goes to the log only. None of the three ever holds a secret.
package struct SallyError: Error, Sendable, CustomStringConvertible {
    package let code: Code
    package let message: String
    /// What to do next.
    package let hint: String?
    /// For the log.
    package let cause: String?
    /// Slurm's own error number and text, when Slurm refused (slurm/slurm_errno.h).
    package var slurm: SlurmRefusal?
    package let file: String
    package let line: UInt

    package init(
        _ code: Code, _ message: String, hint: String? = nil, cause: String? = nil, slurm: SlurmRefusal? = nil,
        file: String = #fileID, line: UInt = #line
    ) {
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause
        self.slurm = slurm
        self.file = file
        self.line = line
    }

    package var description: String {
        hint.map { "\(message) (\($0))" } ?? message
    }

    /// The closed list of what can be wrong. HTTP status and exit status follow from it.
    package enum Code: String, Sendable, CaseIterable, Codable {
        /// The request breaks a rule of form: unknown field, wrong type, bad name.
        case invalidRequest = "invalid-request"
        /// More bytes than permitted.
        case tooLarge = "too-large"
        /// Not a media type that this endpoint takes.
        case unsupportedMediaType = "unsupported-media-type"
        /// No session, or one that is not valid any more.
        case unauthenticated
        /// Known, and not allowed: no rule, or a deny rule.
        case denied
        /// Allowed, but over a limit or quota.
        case limitExceeded = "limit-exceeded"
        case notFound = "not-found"
        /// Contradicts what is there: a name taken, a job already finished.
        case conflict
        /// An idempotency key came back with another request.
        case keyReused = "key-reused"
        /// Too many requests; try later.
        case rateLimited = "rate-limited"
        /// Slurm said no; `slurm` has number and text.
        case slurmRefused = "slurm-refused"
        /// Slurm, the provider, signer or steward does not answer, or not sensibly.
        case unavailable
        /// A deadline passed and the outcome is not known.
        case timeout
        /// The configuration or policy is wrong.
        case misconfigured
        /// Not offered here.
        case unsupported
        /// A broken promise of our own.
        case `internal`
    }
}

/// Slurm's number and text for a refusal.
package struct SlurmRefusal: Sendable, Equatable, Codable {
    package var number: Int
    package var text: String
    /// What the gateway found out about it, told as the hint: no part of Slurm's own words.
    package var advice: String?

    package init(number: Int, text: String, advice: String? = nil) {
        self.number = number
        self.text = text
        self.advice = advice
    }

    private enum CodingKeys: String, CodingKey {
        case number, text
    }
}

extension SallyError.Code {
    /// The HTTP status of a problem document (RFC 9110 section 15).
    package var httpStatus: Int {
        switch self {
        case .invalidRequest: 400
        case .tooLarge: 413
        case .unsupportedMediaType: 415
        case .unauthenticated: 401
        case .denied: 403
        case .limitExceeded: 403
        case .notFound: 404
        case .conflict: 409
        case .keyReused: 422
        case .rateLimited: 429
        case .slurmRefused: 422
        case .unavailable: 503
        case .timeout: 504
        case .misconfigured: 500
        case .unsupported: 501
        case .internal: 500
        }
    }

    /// The exit status of our programs: sysexits.h where it has one.
    package var exitStatus: Int32 {
        switch self {
        case .invalidRequest, .unsupportedMediaType, .tooLarge: 64
        case .unauthenticated: 77
        case .denied, .limitExceeded: 2
        case .notFound: 4
        case .conflict, .keyReused: 5
        case .rateLimited: 75
        case .slurmRefused: 3
        case .unavailable, .timeout: 69
        case .misconfigured: 78
        case .unsupported: 6
        case .internal: 70
        }
    }
}
