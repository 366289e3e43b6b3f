// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
public import Logging
import SallyConfig
import SallyModel
import SallySigner
import SallySocket
import ServiceLifecycle
import UnixSignals

/// `sallyd signer`.
struct SignerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signer",
        abstract: "Hold the key that Slurm trusts, and mint tokens for managed accounts.",
        discussion: """
            Runs as an OS user of its own. It answers `serve` and the steward over unix sockets, each as the OS user that the \
            file permits, and mints only for names that the steward registered and nobody denied.
            """)

    @Option(help: "The signer's own file.") var config: String
    @Option(help: "trace, debug, info, notice, warning, error or critical.") var logLevel: Logger.Level = .info

    func run() async throws {
        let settings = try SignerSettings(loaded { () throws(ConfigError) in try SignerConfig.load(config) })
        let logger = makeLogger("signer", level: logLevel)
        let signer = try await Signer(settings, clock: SystemWallClock())
        let server = try SignerServer(settings, signer: signer, logger: logger)
        logger.info("signer starts", metadata: ["clusters": "\(settings.clusters.map(\.name.rawValue))"])
        try await ServiceGroup.daemon([server], logger: logger).run()
    }
}

extension SignerSettings {
    /// - Throws: `SallyError(.misconfigured)` when an OS user is unknown.
    init(_ file: SignerConfig) throws {
        self.init(
            stateFolder: file.stateFolder, singleUser: file.singleUser ? .permitted : .refused,
            serve: try KeeperSocket(file.serve), steward: try KeeperSocket(file.steward),
            administratorsSocket: file.adminSocket,
            clusters: file.clusters.map { cluster in
                SignerCluster(
                    name: cluster.name,
                    key: cluster.algorithm == .rs256
                        ? .rs256(path: cluster.key, kid: cluster.kid ?? "") : .hs256(path: cluster.key),
                    uids: cluster.uids.first.rawValue...cluster.uids.last.rawValue,
                    service: ServiceAccount(name: cluster.serviceAccount, uid: nil))
            },
            mintsPerMinute: file.mintsPerNameAndMinute)
    }
}

extension KeeperSocket {
    init(_ socket: PeerSocket) throws {
        self.init(path: socket.path, peer: try socket.peer.resolve())
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}

extension ServiceGroup {
    /// Runs `services` until SIGTERM or SIGINT, then gives them 20 seconds to end by themselves.
    static func daemon(_ services: [any Service], logger: Logger) -> ServiceGroup {
        var configuration = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(20)
        return ServiceGroup(configuration: configuration)
    }
}
