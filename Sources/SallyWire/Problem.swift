// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// A problem document (RFC 9457), media type `application/problem+json`.
package struct Problem: Sendable, Codable, Equatable {
    /// `urn:sallyport:problem:CODE`.
    package var type: String
    package var title: String
    package var status: Int
    /// What was refused and the limit.
    package var detail: String
    /// What to do next.
    package var hint: String?
    package var code: SallyError.Code
    /// For the administrator: find it in log and audit.
    package var request: String
    package var slurm: SlurmRefusal?

    package init(_ error: SallyError, request: String) {
        type = "urn:sallyport:problem:\(error.code.rawValue)"
        title = error.code.title
        status = error.code.httpStatus
        detail = error.message
        hint = error.hint
        code = error.code
        self.request = request
        slurm = error.slurm
    }

    /// The error as the CLI shows it.
    package var error: SallyError {
        SallyError(code, detail, hint: hint, cause: "request \(request)", slurm: slurm)
    }
}

extension SallyError.Code {
    /// The `title` of a problem document: the same for every problem of the type (RFC 9457 section 3.1.4).
    package var title: String {
        switch self {
        case .invalidRequest: "invalid request"
        case .tooLarge: "too large"
        case .unsupportedMediaType: "unsupported media type"
        case .unauthenticated: "not signed in"
        case .denied: "not allowed"
        case .limitExceeded: "limit exceeded"
        case .notFound: "not found"
        case .conflict: "conflict"
        case .keyReused: "idempotency key reused"
        case .rateLimited: "too many requests"
        case .slurmRefused: "refused by Slurm"
        case .unavailable: "unavailable"
        case .timeout: "timed out"
        case .misconfigured: "misconfigured"
        case .unsupported: "not offered"
        case .internal: "internal error"
        }
    }
}
