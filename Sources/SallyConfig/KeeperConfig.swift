// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// A unix socket and the only OS user, beside root, that may connect to it.
package struct PeerSocket: Sendable, Equatable {
    package var path: String
    package var peer: OSUser

    package init(path: String, peer: OSUser) {
        self.path = path
        self.peer = peer
    }
}

/// An OS user as a file names it: a name, looked up at start, or a uid.
package enum OSUser: Sendable, Equatable, CustomStringConvertible {
    case name(String)
    case uid(UInt32)

    package var description: String {
        switch self {
        case .name(let name): name
        case .uid(let uid): "uid \(uid)"
        }
    }
}

/// What `sallyd signer` is configured with.
package struct SignerConfig: Sendable, Equatable {
    /// From `serve`.
    package var serve: PeerSocket
    /// From the steward.
    package var steward: PeerSocket
    /// From administrators: root only.
    package var adminSocket: String
    /// The write-once list, the deny list, what was minted, the key that countersigns.
    package var stateFolder: String
    /// Names are unique; at least one.
    package var clusters: [SignerCluster]
    /// Tokens for one name in one minute.
    package var mintsPerNameAndMinute: Int
    package var singleUser: Bool

    package init(
        serve: PeerSocket, steward: PeerSocket, adminSocket: String, stateFolder: String, clusters: [SignerCluster],
        mintsPerNameAndMinute: Int, singleUser: Bool
    ) {
        self.serve = serve
        self.steward = steward
        self.adminSocket = adminSocket
        self.stateFolder = stateFolder
        self.clusters = clusters
        self.mintsPerNameAndMinute = mintsPerNameAndMinute
        self.singleUser = singleUser
    }

    package struct SignerCluster: Sendable, Equatable {
        package var name: ClusterName
        package var algorithm: SigningAlgorithm
        /// The signing key, a private file: raw bytes for HS256, PEM for RS256.
        package var key: String
        /// RS256 needs one: the `kid` of the cluster's jwks.
        package var kid: String?
        package var uids: UIDRange
        package var serviceAccount: String
        /// Of a token to submit; 1 s to 15 s.
        package var submitLife: Duration
        /// Of any other token; 1 s to 120 s.
        package var readLife: Duration

        package init(
            name: ClusterName, algorithm: SigningAlgorithm, key: String, kid: String?, uids: UIDRange,
            serviceAccount: String, submitLife: Duration, readLife: Duration
        ) {
            self.name = name
            self.algorithm = algorithm
            self.key = key
            self.kid = kid
            self.uids = uids
            self.serviceAccount = serviceAccount
            self.submitLife = submitLife
            self.readLife = readLife
        }
    }
}

/// What Slurm's auth/jwt accepts.
package enum SigningAlgorithm: String, Sendable, CaseIterable {
    case hs256 = "HS256"
    case rs256 = "RS256"
}

/// What `sallyd steward` is configured with.
package struct StewardConfig: Sendable, Equatable {
    /// From `serve`.
    package var serve: PeerSocket
    /// From administrators: root only.
    package var adminSocket: String
    /// The signer's socket for the steward.
    package var signerSocket: String
    package var stateFolder: String
    /// Names are unique; at least one.
    package var clusters: [StewardCluster]
    package var singleUser: Bool

    package init(
        serve: PeerSocket, adminSocket: String, signerSocket: String, stateFolder: String, clusters: [StewardCluster],
        singleUser: Bool
    ) {
        self.serve = serve
        self.adminSocket = adminSocket
        self.signerSocket = signerSocket
        self.stateFolder = stateFolder
        self.clusters = clusters
        self.singleUser = singleUser
    }

    package struct StewardCluster: Sendable, Equatable {
        package var name: ClusterName
        package var mode: AccountMode
        package var transport: TransportConfig
        package var uids: UIDRange
        /// The folder of home folders, on storage that the nodes share.
        package var homes: String
        package var shell: String
        /// The folder of sacctmgr, scontrol and sacct on the controller; nil leaves it to PATH.
        package var slurmCommands: String?
        package var profiles: [ProfileName: StewardProfile]
        /// What an adopted account has.
        package var adoptProfile: ProfileName
        package var output: OutputSettings

        package init(
            name: ClusterName, mode: AccountMode, transport: TransportConfig, uids: UIDRange, homes: String,
            shell: String, slurmCommands: String?, profiles: [ProfileName: StewardProfile], adoptProfile: ProfileName,
            output: OutputSettings
        ) {
            self.name = name
            self.mode = mode
            self.transport = transport
            self.uids = uids
            self.homes = homes
            self.shell = shell
            self.slurmCommands = slurmCommands
            self.profiles = profiles
            self.adoptProfile = adoptProfile
            self.output = output
        }
    }

    /// What an account gets. The first of `accounts` is the default.
    package struct StewardProfile: Sendable, Equatable {
        /// Groups on the machines, beside the account's own.
        package var groups: [String]
        package var accounts: [AccountName]

        package init(groups: [String], accounts: [AccountName]) {
            self.groups = groups
            self.accounts = accounts
        }
    }

    package struct OutputSettings: Sendable, Equatable {
        package var enabled: Bool
        /// The most bytes of one piece.
        package var limit: Int64

        package init(enabled: Bool, limit: Int64) {
            self.enabled = enabled
            self.limit = limit
        }
    }

    /// The way onto the nodes.
    package enum TransportConfig: Sendable, Equatable {
        /// Container names, the controller's and those of the compute nodes.
        case podman(controller: String, nodes: [NodeName: String])
        /// Machines that run sshd.
        case openSSH(OpenSSHConfig)
        /// This host is the whole cluster.
        case local
    }

    /// How the steward signs in on machines: with a key of its own, and trusting host keys that it was given.
    package struct OpenSSHConfig: Sendable, Equatable {
        /// Root, or a user who may run everything with `sudo -n`.
        package var login: LoginName
        /// Without a passphrase; a private file.
        package var identityFile: String
        /// ssh_known_hosts of sshd(8), by address.
        package var knownHosts: String
        package var controller: SSHAddress
        package var nodes: [NodeName: SSHAddress]
        /// Which of the nodes has the homes as a local file system; nil is the controller.
        package var homeServer: NodeName?

        package init(
            login: LoginName, identityFile: String, knownHosts: String, controller: SSHAddress,
            nodes: [NodeName: SSHAddress], homeServer: NodeName?
        ) {
            self.login = login
            self.identityFile = identityFile
            self.knownHosts = knownHosts
            self.controller = controller
            self.nodes = nodes
            self.homeServer = homeServer
        }
    }

    package struct SSHAddress: Sendable, Hashable {
        package var host: HostAddress
        package var port: UInt16

        package init(host: HostAddress, port: UInt16 = 22) {
            self.host = host
            self.port = port
        }
    }
}
