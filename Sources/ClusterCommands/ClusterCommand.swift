// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser

/// `sally-cluster`, which `sally cluster` runs.
package struct ClusterCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "sally-cluster", abstract: "Start, list and terminate local Slurm clusters in containers.",
        subcommands: [StartCommand.self, ListCommand.self, TerminateCommand.self])

    package init() {}
}
