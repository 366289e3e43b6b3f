// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// What a local cluster is: `STATE/NAME/cluster.json`, which other programs read to find slurmrestd and the nodes.
///
/// The document holds no secret and is readable by all:
///
///     {
///       "version": 1,                      // of this layout; a reader refuses others
///       "name": "demo",
///       "template": "demo",
///       "status": "running",               // "starting" while `start` runs, or when it was killed
///       "release": "debian12",
///       "slurm_version": "22.05",
///       "api_version": "v0.0.38",          // the newest that its slurmrestd serves
///       "containers": [                    // the controller first; not ready: being added, or being removed
///         {"name": "sallyport-demo-master", "role": "controller", "hostname": "master", "address": "10.231.0.10",
///          "ready": true}],
///       "network": {"name": "sallyport-demo", "subnet": "10.231.0.0/24"},
///       "socket": "/.../demo/run/slurmrestd/socket",  // slurmrestd's, on this host
///       "socket_group": 1000,              // gid that may connect
///       "token_key": {"algorithm": "HS256", "path": "/.../demo/keys/jwt_hs256.key", "kid": null},
///       "service_account": "sallyport",    // AdminLevel=Operator, MaxSubmitJobs=0
///       "accounts": ["gpu", "research"],
///       "default_account": "research",
///       "partitions": ["debug", "gpu"],    // the default first
///       "gpu_accounts": ["gpu"],           // who may use the partition gpu
///       "home": "/.../demo/home",          // mounted at /home on every node
///       "region": null                     // for names of key archives, where one was given
///     }
///
/// `token_key.path` is the HS256 secret, raw bytes, or the RSA private key, PEM; mode 0600, in a folder of mode 0700.
/// With RS256 `kid` is what tokens' headers must say.
package struct ClusterRecord: Sendable, Equatable {
    package enum Status: String, Sendable { case starting, running }
    package enum Role: String, Sendable { case controller, node }

    package struct Container: Sendable, Equatable {
        package var name: String
        package var role: Role
        package var hostname: NodeName
        package var address: String
        /// Whether Slurm may use it. A node that is not ready is being added or removed, or was when somebody was
        /// interrupted: the same command again goes on.
        package var isReady = true
    }

    package struct TokenKey: Sendable, Equatable {
        package var algorithm: TokenAlgorithm
        package var path: String
        package var kid: String?
    }

    package var name: ClusterName
    package var template: String
    package var status: Status
    package var release: DebianRelease
    package var containers: [Container]
    package var network: String
    package var subnet: Subnet
    package var socket: String
    package var socketGroup: UInt32
    package var tokenKey: TokenKey
    package var serviceAccount: String
    package var accounts: [AccountName]
    package var partitions: [PartitionName]
    package var gpuAccounts: [AccountName]
    package var home: String
    /// What stands for the region in names of key archives, where the template or the configuration says one.
    package var region: String? = nil

    package var controller: Container? { containers.first { $0.role == .controller } }
    package var computeNodes: [Container] { containers.filter { $0.role == .node } }
    /// Those that Slurm may use.
    package var readyNodes: [Container] { computeNodes.filter(\.isReady) }
    package var defaultAccount: AccountName? { accounts.first }
    package var nodeContainers: [NodeName: String] {
        Dictionary(containers.map { ($0.hostname, $0.name) }) { first, _ in first }
    }
}
