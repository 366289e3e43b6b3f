// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// Why slurmrestd gave no result.
package enum SlurmError: Error, Sendable, Equatable {
    /// Slurm said no, with its own number and text (slurm/slurm_errno.h). The number decides, never the HTTP status:
    /// slurmrestd up to 25.05 answers 500 for nearly every mistake of a user.
    case refused(SlurmRefusal)
    /// The request has a field that this API version cannot carry; nothing was sent.
    case notOffered(message: String, hint: String?)
    /// No connection: nothing was sent.
    case unreachable(reason: String)
    /// No connection became free, and none could be made beside those in use, until it gave up: nothing was sent, and whether the
    /// daemon is at fault cannot be told.
    case noFreeConnection
    /// The deadline passed. `sent` tells whether the request may have been carried out.
    case timeout(sent: RequestFate)
    /// The connection ended, or what came was not what slurmrestd answers. The request may have been carried out.
    case badReply(status: Int?, reason: String)
    /// slurmrestd or slurmctld did not take our token: key, clock or configuration are wrong.
    case authentication(reason: String)
    /// No API version that both sides speak.
    case noCommonVersion(served: [String])

    /// What may have become of a request that got no answer.
    package enum RequestFate: Sendable, Equatable {
        case neverSent
        case maybeDone
    }

    /// Whether Slurm may have done what was asked although no answer says so.
    package var outcomeIsUnknown: Bool {
        switch self {
        case .refused(let refusal): refusal.leavesOutcomeOpen
        case .notOffered, .unreachable, .noFreeConnection, .authentication, .noCommonVersion: false
        case .timeout(let fate): fate == .maybeDone
        case .badReply: true
        }
    }

    /// The same of a question that came before the request proper, which then was never sent.
    var unsent: SlurmError {
        switch self {
        case .badReply(_, let reason): .unreachable(reason: reason)
        case .timeout: .timeout(sent: .neverSent)
        case .refused(let word) where word.leavesOutcomeOpen: .unreachable(reason: word.text)
        case .refused, .notOffered, .unreachable, .noFreeConnection, .authentication, .noCommonVersion: self
        }
    }

    /// Whether slurmrestd gave a sign of life, which any answer is, whatever it says.
    var signOfLife: CircuitBreaker.Outcome {
        switch self {
        case .refused, .notOffered, .authentication, .noCommonVersion, .badReply(_?, _): .answered
        case .unreachable(let reason), .badReply(nil, let reason): .failed(why: reason)
        case .timeout: .failed(why: "no answer in time")
        case .noFreeConnection: .abandoned
        }
    }
}
