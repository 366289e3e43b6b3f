// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import SallyAccounts
import SallyConfig
import SallyModel
import SallySocket
import SallySteward
import SallyTransport
import ServiceLifecycle

/// `sallyd steward`.
struct StewardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "steward",
        abstract: "Hold the way onto the nodes: make and lock accounts, read jobs' output as their users.",
        discussion: """
            Runs as an OS user of its own; with Podman as the containers' owner. `serve` may ask it to ensure, lock and read; \
            removing, unlocking and adopting are asked over the administrators' socket.
            """)

    @Option(help: "The steward's own file.") var config: String
    @Option(help: "trace, debug, info, notice, warning, error or critical.") var logLevel: Logger.Level = .info

    func run() async throws {
        let file = try loaded { () throws(ConfigError) in try StewardConfig.load(config) }
        let logger = makeLogger("steward", level: logLevel)
        logger.info("steward starts", metadata: ["clusters": "\(file.clusters.map(\.name.rawValue))"])
        let (settings, steward, signer) = try await makeSteward(file, logger: logger)
        let server = try StewardServer(settings, steward: steward, logger: logger)
        try await ServiceGroup.daemon([server], logger: logger).run()
        await signer.close()
    }
}
