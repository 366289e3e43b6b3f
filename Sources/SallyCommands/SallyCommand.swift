// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient

/// `sally`.
struct SallyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sally",
        abstract: "Run jobs on Slurm clusters without an account on their machines.",
        discussion: """
            Start with:
              sally login https://GATEWAY     sign in with your company identity
              sally can-i submit job.sh       whether a job may run, and why not
              sally submit --follow job.sh    run it and see its output

            Data goes to standard output, talk to standard error. Every command takes --json.
            Shell completion: sally --generate-completion-script bash
            """,
        version: "sally \(Version.current)",
        groupedSubcommands: [
            CommandGroup(
                name: "Signing in:",
                subcommands: [
                    LoginCommand.self, LogoutCommand.self, WhoAmICommand.self, ContextCommand.self, TokenCommand.self,
                ]),
            CommandGroup(
                name: "Jobs:",
                subcommands: [
                    SubmitCommand.self, CanICommand.self, JobsCommand.self, JobCommand.self, LogsCommand.self,
                    CancelCommand.self,
                ]),
            CommandGroup(
                name: "Clusters:", subcommands: [PartitionsCommand.self, NodesCommand.self, ClusterCommand.self]),
            CommandGroup(name: "Administration:", subcommands: [AdminCommand.self]),
        ])
}
