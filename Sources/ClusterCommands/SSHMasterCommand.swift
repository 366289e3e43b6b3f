// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClusters
import SallyModel

/// `sshmaster CLUSTER [COMMAND...]`: a shell or a command on the controller.
struct SSHMasterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sshmaster", abstract: "Sign in on a cluster's controller, or run a command there.",
        usage: "sally-cluster sshmaster [-u USER] [-X] [-A] [-t] [-c FILE] CLUSTER [COMMAND...]",
        discussion: """
            Signs in as the cluster's administrator and becomes USER there (root, if not given). One word as COMMAND is \
            a line for that user's shell; several are a program and its arguments, which arrive as they are. The exit \
            status is the command's.
            """,
        aliases: ["sm"])

    @OptionGroup var session: SessionOptions

    @Argument(parsing: .captureForPassthrough, help: "The cluster, and what to run there.")
    var words: [String] = []

    func run() async throws {
        try SessionOptions.refuseOption(words.first, of: SSHMasterCommand.self)
        guard let cluster = words.first else { throw SallyError(.invalidRequest, "please specify a cluster") }
        try await session.run(Array(words.dropFirst()), in: cluster) { $0.controller }
    }
}
