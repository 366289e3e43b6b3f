// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyAccounts
import SallyConfig
import SallyModel
import SallySocket
import SallySteward
import SallyTransport

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The steward from its file: settings, transports, and its line to the signer.
func makeSteward(
    _ file: StewardConfig, logger: Logger
) async throws -> (settings: StewardSettings, steward: Steward, signer: SignerClient) {
    let settings = try StewardSettings(file)
    var transports: [ClusterName: any Transport] = [:]
    for cluster in file.clusters {
        transports[cluster.name] = try LoggedTransport(
            transport(cluster.transport), cluster: cluster.name, logger: logger)
    }
    let signer = SignerClient(path: file.signerSocket, keeperUser: nil)
    let steward = try Steward(
        settings, transports: transports, registry: signer, clock: SystemWallClock(), logger: logger)
    return (settings, steward, signer)
}

private func transport(_ config: StewardConfig.TransportConfig) throws -> any Transport {
    switch config {
    case .local: return LocalTransport(node: .controller, environment: [:])
    case .podman(let controller, let nodes):
        return PodmanTransport(
            containers: nodes.merging([.controller: controller]) { $1 },
            podman: try PodmanEnvironment.detect(environment: environment(["CONTAINERS_CONF", "XDG_RUNTIME_DIR"])))
    case .openSSH(let config):
        // Each conversation is a connection of its own: no socket stays behind through which others would be root.
        return OpenSSHTransport(
            addresses: config.nodes.merging([.controller: config.controller]) { $1 }.mapValues {
                OpenSSHAddress(host: $0.host.rawValue, port: $0.port)
            },
            settings: OpenSSHSettings(
                login: config.login == .root ? .root : .sudo(user: config.login.rawValue),
                identityFile: config.identityFile, knownHostsFile: config.knownHosts, hostKeyNaming: .address),
            environment: environment([]))
    }
}

/// Of our own environment what programs need, and `more`.
private func environment(_ more: [String]) -> [String: String] {
    var environment: [String: String] = [:]
    for name in ["HOME", "PATH"] + more {
        if let value = getenv(name) { environment[name] = String(cString: value) }
    }
    return environment
}

extension StewardSettings {
    /// - Throws: `SallyError(.misconfigured)` when the OS user of serve is unknown.
    init(_ file: StewardConfig) throws {
        self.init(
            stateFolder: file.stateFolder, singleUser: file.singleUser ? .permitted : .refused,
            serve: try KeeperSocket(file.serve), administratorsSocket: file.adminSocket,
            clusters: try file.clusters.map { try StewardCluster($0) })
    }
}

extension StewardCluster {
    init(_ file: StewardConfig.StewardCluster) throws {
        let nodes: [NodeName]
        var homeServer = NodeName.controller
        switch file.transport {
        case .local: nodes = [.controller]
        case .podman(_, let containers): nodes = containers.keys.sorted()
        case .openSSH(let config):
            nodes = config.nodes.keys.sorted()
            homeServer = config.homeServer ?? .controller
        }
        self.init(
            name: file.name,
            layout: ClusterLayout(
                mode: file.mode, controller: .controller, nodes: nodes, homeServer: homeServer,
                slurmCommands: file.slurmCommands),
            uids: file.uids.first.rawValue...file.uids.last.rawValue,
            profiles: file.profiles.mapValues { profile in
                AccountProfile(
                    homes: file.homes, shell: file.shell, groups: profile.groups, accounts: profile.accounts)
            },
            adoptionProfile: file.adoptProfile,
            output: file.output.enabled ? .permitted(limit: Int(min(file.output.limit, 1 << 20))) : .refused)
    }
}

/// Notes every call to a node in the log: what a second submission must not cost.
private struct LoggedTransport: Transport {
    private let inner: any Transport
    private let cluster: ClusterName
    private let logger: Logger

    init(_ inner: any Transport, cluster: ClusterName, logger: Logger) {
        self.inner = inner
        self.cluster = cluster
        self.logger = logger
    }

    func run(_ invocation: Invocation, on node: NodeName) async throws -> Completion {
        logger.info("node call", metadata: ["cluster": "\(cluster)", "node": "\(node)"])
        return try await inner.run(invocation, on: node)
    }

    func converse<Answer: Sendable>(
        on node: NodeName, limits: ConversationLimits, _ body: (NodeShell) async throws -> Answer
    ) async throws -> Answer {
        logger.info("node call", metadata: ["cluster": "\(cluster)", "node": "\(node)"])
        return try await inner.converse(on: node, limits: limits, body)
    }
}
