// SPDX-License-Identifier: Apache-2.0

/// What time it is: the composition root passes the real one, tests a fixed one.
package protocol WallClock: Sendable {
    var now: Timestamp { get }
}

/// A file or variable that holds a secret; never the secret itself.
package enum SecretReference: Sendable, Equatable {
    /// A file that nobody but its owner can read.
    case file(path: String)
    case environment(variable: String)
}

/// A job's output stream.
package enum OutputStream: String, Sendable, Codable, CaseIterable {
    case standardOutput = "stdout"
    case standardError = "stderr"
}

/// How people become known to a cluster's machines.
package enum AccountMode: String, Sendable, Codable, CaseIterable {
    /// Every node has the account.
    case everywhere
    /// Only the controller has it: auth/slurm with use_client_ids, or nss_slurm.
    case controller
    /// No machine has it: the token carries the identity (AWS PCS, Slurm 26.05 use_jwt_client_ids).
    case none
    /// The site's directory has it: agreement of names and uids is checked, nothing is changed.
    case directory
}

/// Where a job's pending work goes when its owner leaves.
package enum LeaverJobs: String, Sendable, Codable, CaseIterable {
    case cancel
    case hold
    case leave
}
