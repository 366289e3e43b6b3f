// SPDX-License-Identifier: Apache-2.0

/// A distribution release that local clusters are made of, and what follows from it.
package enum DebianRelease: String, Sendable, CaseIterable {
    /// bookworm: Slurm 22.05.8.
    case debian12
    /// trixie: Slurm 24.11.5.
    case debian13

    /// Debian's name for it, and ours for the image.
    package var suite: String {
        switch self {
        case .debian12: "bookworm"
        case .debian13: "trixie"
        }
    }

    package var slurmVersion: String {
        switch self {
        case .debian12: "22.05"
        case .debian13: "24.11"
        }
    }

    /// The newest API version that its slurmrestd serves.
    package var apiVersion: String {
        switch self {
        case .debian12: "v0.0.38"
        case .debian13: "v0.0.42"
        }
    }

    package var tokenAlgorithm: TokenAlgorithm {
        switch self {
        case .debian12: .hs256
        case .debian13: .rs256
        }
    }

    /// slurmrestd's options that choose its API versions: those that the gateway speaks. Both are lists with commas; `-d` exists
    /// since 23.11 (slurmrestd(8)).
    var restPlugins: String {
        switch self {
        case .debian12: "-s v0.0.38,dbv0.0.38"
        case .debian13: "-s slurmctld,slurmdbd -d v0.0.40,v0.0.41,v0.0.42"
        }
    }

    /// Whether slurmctld must be started again to know another NodeName: since 23.11 `scontrol reconfigure` does.
    var needsRestartForNodes: Bool {
        switch self {
        case .debian12: true
        case .debian13: false
        }
    }

    /// cgroup.conf(5); `disabled` exists since 23.11, before that nothing loads the plugin unless it is asked for.
    var cgroupConfiguration: String? {
        switch self {
        case .debian12: nil
        case .debian13: "CgroupPlugin=disabled\n"
        }
    }
}

/// How Slurm's tokens are signed (RFC 7518 section 3.1).
package enum TokenAlgorithm: String, Sendable {
    /// A secret that Slurm's daemons share with us.
    case hs256 = "HS256"
    /// A key pair; Slurm's daemons have the public half alone, as a JWKS file.
    case rs256 = "RS256"
}
