// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser

/// `sally-cluster`, which `sally cluster` runs.
package struct ClusterCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "sally-cluster",
        abstract: "Start, list and terminate local Slurm clusters, and work on the machines of any.",
        subcommands: [
            StartCommand.self, ListCommand.self, TerminateCommand.self, SSHMasterCommand.self, SSHNodeCommand.self,
            PutCommand.self, GetCommand.self,
        ])

    package init() {}
}
