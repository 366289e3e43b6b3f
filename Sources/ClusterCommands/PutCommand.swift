// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `put CLUSTER PATH... DESTINATION`: files and folders of this host to a node.
struct PutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Copy files and folders to a node of a cluster.",
        usage: "sally-cluster put [-u USER] [-n NODE] [-c FILE] [--json] CLUSTER PATH... DESTINATION",
        discussion: """
            Writes as USER on the node (root, if not given); a relative DESTINATION begins at that user's home. Files \
            appear whole or not at all; modes are kept.
            """)

    @OptionGroup var copy: CopyOptions

    func run() async throws { try await copy.run(.put) }
}
