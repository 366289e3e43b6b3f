// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyConfig
import Testing

@testable import SallyClusters

/// docs/clusters-config.md, the readers and the table of StarCluster's spellings say the same.
@Suite struct SettingsDocumentTests {
    /// The keys of the table under a heading.
    private func documented(_ title: String) throws -> Set<String> {
        let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let text = String(
            decoding: try Data(contentsOf: URL(filePath: "/\(root)/docs/clusters-config.md")), as: UTF8.self)
        let section = text.split(separator: "\n## ").first { $0.hasPrefix("\(title)\n") } ?? ""
        return Set(
            section.split(separator: "\n").compactMap { line in
                guard line.hasPrefix("| `") else { return nil }
                return line.dropFirst(3).split(separator: "`").first.map(String.init)
            })
    }

    private let empty = ConfigNode(line: 1, content: .section([]))

    @Test func templatesHaveTheDocumentedKeys() throws {
        let reader = ConfigReader(file: "f", files: .skip)
        _ = TemplateReader.read(reader.root(empty))
        let own: Set<String> = ["extends", "provider", "region", "plugins", "cluster_user", "cluster_shell"]
        #expect(try documented("Templates") == reader.knownKeys.union(own))
        #expect(Set(StarClusterKeys.cluster.map(\.native)) == reader.knownKeys.union(own))
    }

    @Test func createUsersHasTheDocumentedKeys() throws {
        let reader = ConfigReader(file: "f", files: .skip)
        let paths = PathExpansion(environment: [:], folder: "/")
        _ = CreateUsersReader(section: reader.root(empty), paths: paths, refused: []).read()
        #expect(try documented("The plugin createusers") == reader.knownKeys)
        #expect(Set(StarClusterKeys.createUsers.map(\.native)) == reader.knownKeys)
    }

    @Test func otherPluginsHaveTheDocumentedKeys() throws {
        let known: Set<String> = ["command", "timeout", "settings"]
        #expect(try documented("Other plugins") == known)
        let text = known.map { "\($0): \($0 == "timeout" ? "9" : $0 == "settings" ? "{}" : "/x")" }
        _ = try SettingsSamples.yaml("plugins:\n  p: {\(text.joined(separator: ", "))}").plugin("p")
    }
}
