// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser

/// `sally-cluster`, which `sally cluster` runs.
package struct ClusterCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "sally-cluster",
        abstract: "Start, stop and list Slurm clusters, and work on their machines.",
        subcommands: [
            StartCommand.self, StopCommand.self, RestartCommand.self, ListCommand.self, TerminateCommand.self,
            AddNodeCommand.self, RemoveNodeCommand.self,
            RunPluginCommand.self, UsersCommand.self, SSHMasterCommand.self, SSHNodeCommand.self, PutCommand.self,
            GetCommand.self, ConfigCommand.self,
        ])

    package init() {}
}
