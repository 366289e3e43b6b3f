// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
package import SallyModel
package import SallySocket

/// What the signer's own file says.
package struct SignerSettings: Sendable {
    /// Where accounts, denials, mints and the countersigning key are kept: a folder of the signer's user alone.
    package var stateFolder: String
    package var singleUser: SingleUser
    package var serve: KeeperSocket
    package var steward: KeeperSocket
    /// For root and the signer's own user.
    package var administratorsSocket: String
    package var clusters: [SignerCluster]
    /// Tokens per name and minute.
    package var mintsPerMinute: Int
    /// Tokens of the service account per cluster and minute.
    package var serviceMintsPerMinute: Int

    package init(
        stateFolder: String, singleUser: SingleUser, serve: KeeperSocket, steward: KeeperSocket,
        administratorsSocket: String, clusters: [SignerCluster], mintsPerMinute: Int = 600,
        serviceMintsPerMinute: Int = 600
    ) {
        self.stateFolder = stateFolder
        self.singleUser = singleUser
        self.serve = serve
        self.steward = steward
        self.administratorsSocket = administratorsSocket
        self.clusters = clusters
        self.mintsPerMinute = mintsPerMinute
        self.serviceMintsPerMinute = serviceMintsPerMinute
    }
}

/// A Slurm cluster that tokens are minted for.
package struct SignerCluster: Sendable {
    package var name: ClusterName
    package var key: SlurmKeyFile
    /// uids that managed accounts may have.
    package var uids: ClosedRange<UInt32>
    package var service: ServiceAccount
    /// How long a token to submit lives; never above 15 s.
    package var submitLife: Duration
    /// How long any other token lives; never above 120 s.
    package var otherLife: Duration

    package init(
        name: ClusterName, key: SlurmKeyFile, uids: ClosedRange<UInt32>, service: ServiceAccount,
        submitLife: Duration = .seconds(15), otherLife: Duration = .seconds(60)
    ) {
        self.name = name
        self.key = key
        self.uids = uids
        self.service = service
        self.submitLife = submitLife
        self.otherLife = otherLife
    }

    func life(_ purpose: MintPurpose) -> Duration {
        switch purpose {
        case .submit, .update: min(max(submitLife, .seconds(1)), .seconds(15))
        case .cancel, .read: serviceLife
        }
    }

    var serviceLife: Duration { min(max(otherLife, .seconds(1)), .seconds(120)) }
}

/// Where the key lies that Slurm's auth/jwt trusts.
package enum SlurmKeyFile: Sendable, Equatable {
    /// The bytes of slurm.conf's `jwt_key`.
    case hs256(path: String)
    /// An RSA private key, PEM; its public half is in slurm.conf's `jwks` under this `kid`.
    case rs256(path: String, kid: String)
}

/// The cluster's service account (DESIGN: AdminLevel=Operator, may submit nothing).
package struct ServiceAccount: Sendable, Equatable {
    package var name: String
    /// Only for clusters where the token carries the identity.
    package var uid: UInt32?

    package init(name: String, uid: UInt32?) {
        self.name = name
        self.uid = uid
    }
}
