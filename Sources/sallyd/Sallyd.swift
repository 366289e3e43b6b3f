// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyModel

/// `sallyd`: the gateway and its two keepers.
@main
struct Sallyd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sallyd",
        abstract: "The gateway to Slurm clusters, and the keepers of their keys.",
        discussion: """
            Three daemons run as three OS users: `serve` faces the network, `signer` holds the key that Slurm trusts, `steward` \
            holds the way onto the nodes. `sallyd config init` writes a set of files to start from.
            """,
        version: "sallyd 0.1.0",
        subcommands: [
            ServeCommand.self, SignerCommand.self, StewardCommand.self, ConfigCommand.self, AdminCommand.self,
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error as SallyError {
            report(error)
        } catch {
            exit(withError: error)
        }
    }
}
