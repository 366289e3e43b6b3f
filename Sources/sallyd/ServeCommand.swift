// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import SallyConfig
import SallyModel
import ServiceLifecycle
import UnixSignals

/// `sallyd serve`.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the gateway.",
        discussion: """
            The only part that faces the network. It holds neither the key that Slurm trusts nor a way onto the nodes: it asks the \
            signer and the steward. SIGHUP reads policy and certificate again; SIGTERM drains what is under way.
            """)

    @Option(help: "The gateway's file.") var config: String
    @Option(help: "trace, debug, info, notice, warning, error or critical.") var logLevel: Logger.Level = .info

    func run() async throws {
        let file = try loaded { () throws(ConfigError) in try GatewayConfig.load(config) }
        let logger = makeLogger("serve", level: logLevel)
        let gateway = try await GatewayBuild(file, logger: logger)
        if file.singleUser { logger.warning("single_user is on: serve, signer and steward may be one OS user") }
        var group = ServiceGroupConfiguration(
            services: gateway.services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        // A submission may wait for Slurm: its outcome is recorded before the end.
        group.maximumGracefulShutdownDuration = .seconds(45)
        do {
            try await ServiceGroup(configuration: group).run()
        } catch {
            try await gateway.close()
            throw error
        }
        try await gateway.close()
    }
}
