// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClusters
import SallyModel

/// `sshnode CLUSTER NODE [COMMAND...]`: a shell or a command on any machine of a cluster.
struct SSHNodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sshnode", abstract: "Sign in on a node of a cluster, or run a command there.",
        usage: "sally-cluster sshnode [-u USER] [-X] [-A] [-t] [-c FILE] CLUSTER NODE [COMMAND...]",
        discussion: """
            NODE is a name, an id, an address, or a number: 0 is the controller, 1 is node001. Signs in as the \
            cluster's administrator and becomes USER there (root, if not given). One word as COMMAND is a line for \
            that user's shell; several are a program and its arguments, which arrive as they are. The exit status is \
            the command's.
            """,
        aliases: ["sn"])

    @OptionGroup var session: SessionOptions

    @Argument(parsing: .captureForPassthrough, help: "The cluster, the node, and what to run there.")
    var words: [String] = []

    func run() async throws {
        for word in words.prefix(2) { try SessionOptions.refuseOption(word, of: SSHNodeCommand.self) }
        guard words.count >= 2 else {
            throw SallyError(.invalidRequest, "please specify a cluster and node to connect to")
        }
        let node = words[1]
        try await session.run(Array(words.dropFirst(2)), in: words[0]) { try $0.machine(named: node) }
    }
}
