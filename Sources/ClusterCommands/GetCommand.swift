// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `get CLUSTER PATH... DESTINATION`: files and folders of a node to this host.
struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Copy files and folders from a node of a cluster.",
        usage: "sally-cluster get [-u USER] [-n NODE] [-c FILE] [--json] CLUSTER PATH... DESTINATION",
        discussion: """
            Reads as USER on the node (root, if not given); a relative PATH begins at that user's home. Files appear \
            whole or not at all; modes are kept.
            """)

    @OptionGroup var copy: CopyOptions

    func run() async throws { try await copy.run(.get) }
}
