// SPDX-License-Identifier: Apache-2.0

import SallyModel

extension SallyError {
    /// The number and text that Slurm has for it (slurm/slurm_errno.h); -1, "Unspecified error", where it has none.
    var inSlurmsWords: SlurmRefusal {
        if let slurm { return slurm }
        return switch code {
        case .invalidRequest, .tooLarge, .unsupportedMediaType: .parsing
        case .unauthenticated: SlurmRefusal(number: 9008, text: "Authentication failure")
        case .denied: SlurmRefusal(number: 2002, text: "Access/permission denied")
        case .limitExceeded:
            SlurmRefusal(
                number: 2050,
                text: "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)")
        case .notFound: SlurmRefusal(number: 9006, text: "Unable to find requested URL")
        case .rateLimited: SlurmRefusal(number: 1804, text: "Rate limit exceeded, please retry momentarily")
        case .unavailable: SlurmRefusal(number: 1800, text: "Unable to contact slurm controller (connect failure)")
        case .timeout: SlurmRefusal(number: 5004, text: "Socket timed out on send/recv operation")
        case .unsupported: SlurmRefusal(number: 2036, text: "Requested operation not supported")
        case .conflict, .keyReused, .slurmRefused, .misconfigured, .internal:
            SlurmRefusal(number: -1, text: "Unspecified error")
        }
    }

    /// The same error with a number of Slurm's, where it has none yet.
    func saying(_ refusal: SlurmRefusal, for wanted: Code) -> SallyError {
        guard slurm == nil, code == wanted else { return self }
        var error = self
        error.slurm = refusal
        return error
    }
}

extension SlurmRefusal {
    static let parsing = SlurmRefusal(number: 9001, text: "Failure during parsing")
    static let invalidJob = SlurmRefusal(number: 2017, text: "Invalid job id specified")
    static let invalidPartition = SlurmRefusal(number: 2000, text: "Invalid partition name specified")
    static let invalidNode = SlurmRefusal(number: 2018, text: "Invalid node name specified")
    static let alreadyDone = SlurmRefusal(number: 2021, text: "Job/step already completing or completed")
    static let notSupported = SlurmRefusal(number: 2036, text: "Requested operation not supported")
}
