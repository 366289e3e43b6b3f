// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

/// Package.swift, docs/architecture.md and the imports of every file say the same.
@Suite struct ArchitectureTests {
    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    private func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: "\(Self.root)/\(path)")), as: UTF8.self)
    }

    /// The list under `## Edges`: target to what it depends on.
    private func documentedEdges() throws -> [String: [String]] {
        let document = try text("docs/architecture.md")
        let section = try #require(document.split(separator: "\n## ").first { $0.hasPrefix("Edges") })
        var edges: [String: [String]] = [:]
        for line in section.split(separator: "\n") where line.hasPrefix("- ") {
            let sides = line.dropFirst(2).split(separator: "->", maxSplits: 1, omittingEmptySubsequences: false)
            try #require(sides.count == 2, "\(line)")
            let name = sides[0].trimmed
            #expect(edges[name] == nil, "\(name) stands twice")
            edges[name] = sides[1].split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
        }
        return edges
    }

    @Test func theDocumentHasTheEdgesOfThePackage() throws {
        let manifest = Manifest(try text("Package.swift"))
        let documented = try documentedEdges()
        #expect(manifest.targets.count > 30)
        #expect(manifest.targets.keys.sorted() == documented.keys.sorted())
        for (name, dependencies) in manifest.targets.sorted(by: { $0.key < $1.key }) {
            let wanted = dependencies.joined(separator: ", ")
            let found = documented[name]?.joined(separator: ", ")
            #expect(found == wanted, "docs/architecture.md: - \(name) -> \(wanted)")
        }
    }

    /// Module names that the Swift toolchain brings and that tier 0 may use.
    private static let toolchain: Set<String> = [
        "Synchronization", "Testing", "Glibc", "Darwin", "FoundationEssentials",
    ]

    private static func isForTests(_ target: String) -> Bool {
        target.hasSuffix("Tests") || ["SallyTestSupport", "SallyFuzz", "SlurmTestSupport"].contains(target)
    }

    @Test func tierZeroImportsNothingElse() throws {
        let manifest = Manifest(try text("Package.swift"))
        let tier = manifest.tier0.filter { !Self.isForTests($0) }
        #expect(tier.count == 6)
        for target in tier {
            for file in try sources(of: target) {
                let foreign = try imports(of: file).subtracting(tier).subtracting(Self.toolchain)
                #expect(foreign.isEmpty, "\(file) imports \(foreign.sorted().joined(separator: ", "))")
            }
        }
    }

    @Test func foundationStaysInTheStoreAndTheGateway() throws {
        for file in try allSources() {
            let names = try imports(of: file)
            #expect(!names.contains("FoundationNetworking"), "\(file)")
            let permitted = file.hasPrefix("Sources/SallyStore/") || file.hasPrefix("Sources/SallyGateway/")
            if !permitted { #expect(!names.contains("Foundation"), "\(file) imports Foundation") }
        }
    }

    @Test func theGatewayReachesNeitherKeysNorNodes() throws {
        let forbidden: Set<String> = ["SallyTransport", "SallyAccounts", "SallySigner", "SallySteward"]
        let manifest = Manifest(try text("Package.swift"))
        #expect(forbidden.isDisjoint(with: manifest.reachable(from: "SallyGateway")))
        for file in try sources(of: "SallyGateway") {
            #expect(forbidden.isDisjoint(with: try imports(of: file)), "\(file)")
        }
    }

    @Test func everySourceHasItsLicence() throws {
        let files = try allSources()
        #expect(files.count > 50)
        for file in files {
            #expect(try text(file).hasPrefix("// SPDX-License-Identifier: Apache-2.0\n"), "\(file)")
        }
    }

    @Test func targetsImportOnlyWhatTheirEdgesSay() throws {
        let manifest = Manifest(try text("Package.swift"))
        let ours = Set(manifest.targets.keys)
        for target in ours where !Self.isForTests(target) {
            let permitted = Set(manifest.targets[target] ?? []).union([target])
            for file in try sources(of: target) {
                let foreign = try imports(of: file).intersection(ours).subtracting(permitted)
                #expect(foreign.isEmpty, "\(file) imports \(foreign.sorted().joined(separator: ", "))")
            }
        }
    }

    private func allSources() throws -> [String] {
        try Manifest(text("Package.swift")).targets.keys.sorted()
            .filter { !Self.isForTests($0) }.flatMap(sources)
    }

    /// Paths from the root of every Swift file of a target.
    private func sources(of target: String) throws -> [String] {
        let folder = "\(Self.root)/Sources/\(target)"
        return try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".swift") }.sorted()
            .map { "Sources/\(target)/\($0)" }
    }

    /// The modules that a file imports, of `import M`, `package import M` and `import struct M.T`.
    private func imports(of file: String) throws -> Set<String> {
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
        var found: Set<String> = []
        for line in try text(file).split(separator: "\n") {
            let words = line.split(separator: " ").filter { !$0.hasPrefix("@") }
            guard let index = words.firstIndex(of: "import"), index <= 1, words.count > index + 1 else { continue }
            if index == 1, !["package", "internal", "private", "fileprivate", "public"].contains(words[0]) { continue }
            let name = kinds.contains(words[index + 1]) && words.count > index + 2 ? words[index + 2] : words[index + 1]
            found.insert(String(name.prefix { $0 != "." }))
        }
        return found
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
