// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyConfig
import SallyModel

/// `sallyd config`.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Write, check and show configuration files.",
        subcommands: [ConfigInitCommand.self, ConfigCheckCommand.self, ConfigShowCommand.self])
}

/// Which file a command is about.
enum ConfigKind: String, CaseIterable, ExpressibleByArgument {
    case serve
    case signer
    case steward
    case policy
}

/// `sallyd config show`.
struct ConfigShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a file as the daemon reads it, defaults filled in, secrets left out.")

    @Option(help: "The file.") var config: String
    @Option(name: .customLong("for"), help: "Whose file it is: serve, signer or steward.") var kind: ConfigKind = .serve

    func run() async throws {
        switch kind {
        case .serve: print(try loaded { () throws(ConfigError) in try GatewayConfig.showFile(config) })
        case .signer: print(try loaded { () throws(ConfigError) in try SignerConfig.showFile(config) })
        case .steward: print(try loaded { () throws(ConfigError) in try StewardConfig.showFile(config) })
        case .policy:
            throw SallyError(
                .unsupported, "a policy has no defaults to show",
                hint: "read \(config), or `sallyd config check --for policy`")
        }
    }
}
