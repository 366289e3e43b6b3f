// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyModel
import SallyTestSupport
import Testing

@testable import ClusterCommands

@Suite struct RunPluginTests {
    private func said(_ arguments: [String]) async -> SallyError? {
        do {
            var command = try #require(try ClusterCommand.parseAsRoot(arguments) as? any AsyncParsableCommand)
            try await command.run()
            return nil
        } catch {
            return error as? SallyError
        }
    }

    /// A cluster whose one machine refuses connections, and a plugin.
    private func withClusters(_ body: (String) async throws -> Void) async throws {
        try await withScratchFolder { folder in
            try await SSHNode.makeKey("\(folder)/key", passphrase: "")
            try writeFile("\(folder)/known", "")
            try writeFile(
                "\(folder)/clusters.yaml",
                """
                plugins:
                  users: {type: createusers, usernames: [linus]}
                  keys: {type: createusers, usernames: [linus], download_keys: true, download_keys_dir: \(folder)/known}
                clusters:
                  inv-test-lab:
                    provider: inventory
                    login: root
                    identity_file: \(folder)/key
                    known_hosts: \(folder)/known
                    networks: [10.1.0.0/24]
                    nodes: [{name: master, address: 127.0.0.1, port: 1, role: controller}]
                """)
            try await body("\(folder)/clusters.yaml")
        }
    }

    /// A misspelt plugin costs no call of any machine.
    @Test func thePluginIsLookedUpBeforeAnyMachine() async throws {
        try await withClusters { file in
            let misspelt = await said(["runplugin", "-c", file, "user", "inv-test-lab"])
            #expect(misspelt?.code == .notFound && misspelt?.message == "Plugin \"user\" not found in config")
            let unknown = await said(["runplugin", "-c", file, "users", "nope"])
            #expect(unknown?.message == "cluster 'nope' does not exist")
            let down = await said(["runplugin", "-c", file, "users", "inv-test-lab"])
            #expect(down?.code == .unavailable)
        }
    }

    /// Where keys cannot lie, no machine is asked.
    @Test func theFolderOfKeysIsLookedAtBeforeAnyMachine() async throws {
        try await withClusters { file in
            let error = await said(["runplugin", "-c", file, "keys", "inv-test-lab"])
            #expect(
                error?.code == .misconfigured && error?.message.contains("is a link or no folder") == true,
                "\(String(describing: error))")
        }
    }

    /// No menu, and nothing is read from a terminal or a script.
    @Test func aFileThatIsMissingIsOneError() async throws {
        try await withScratchFolder { folder in
            let missing = await said(["runplugin", "-c", "\(folder)/none", "users", "lab"])
            #expect(missing?.code == .misconfigured && missing?.message == "config file \(folder)/none does not exist")
        }
    }
}
