// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

/// Documents that name tests name tests that there are.
@Suite struct NamedTestsTests {
    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    /// `Target/Suite.test`, as the documents write it between backquotes.
    private struct Name: Hashable, CustomStringConvertible {
        var target: Substring
        var suite: Substring
        var test: Substring
        var description: String { "\(target)/\(suite).\(test)" }

        init?(_ text: Substring) {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].hasSuffix("Tests") else { return nil }
            let names = parts[1].split(separator: ".", omittingEmptySubsequences: false)
            guard names.count == 2, names.allSatisfy({ $0.allSatisfy { $0.isLetter || $0.isNumber } }) else {
                return nil
            }
            target = parts[0]
            suite = names[0]
            test = names[1]
        }
    }

    private func names(in document: String) throws -> [Name] {
        let data = try Data(contentsOf: URL(filePath: "\(Self.root)/docs/\(document)"))
        return String(decoding: data, as: UTF8.self).split(separator: "`").compactMap { Name($0) }
    }

    /// Texts of the files of a target's tests.
    private func sources(of target: Substring) throws -> [String] {
        let folder = "\(Self.root)/Tests/\(target)"
        return try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".swift") }.map {
            String(decoding: try Data(contentsOf: URL(filePath: "\(folder)/\($0)")), as: UTF8.self)
        }
    }

    /// Whether one of the files has the suite, and in it, before the next suite, the test.
    private func isThere(_ name: Name, in texts: [String]) -> Bool {
        texts.contains { text in
            text.split(separator: "\n@Suite").dropFirst().contains { suite in
                let lines = suite.split(separator: "\n")
                guard lines.contains(where: { $0.contains("struct \(name.suite) {") }) else { return false }
                return zip(lines, lines.dropFirst()).contains { before, line in
                    let isTest = line.contains("@Test") || line.hasPrefix("    ])") || before.hasSuffix(")")
                    return isTest && line.contains("func \(name.test)(")
                }
            }
        }
    }

    @Test func everyTestThatIsNamedIsThere() throws {
        let names = try names(in: "coming-from-starcluster.md")
        var sources: [Substring: [String]] = [:]
        for name in Set(names) {
            if sources[name.target] == nil { sources[name.target] = try self.sources(of: name.target) }
            #expect(isThere(name, in: sources[name.target, default: []]), "\(name)")
        }
    }

    /// Each numbered fault has a row, and each row names a test.
    @Test(arguments: [("Faults", 21), ("Security", 13)]) func everyFaultHasATest(_ title: String, _ count: Int) throws {
        let data = try Data(contentsOf: URL(filePath: "\(Self.root)/docs/coming-from-starcluster.md"))
        let section =
            String(decoding: data, as: UTF8.self).split(separator: "\n## ").first { $0.hasPrefix(title) } ?? ""
        let rows = section.split(separator: "\n").filter {
            $0.hasPrefix("| ") && $0.dropFirst(2).first?.isNumber == true
        }
        #expect(rows.map { Int($0.split(separator: " ")[1]) } == (1...count).map(Int?.some))
        for row in rows { #expect(row.split(separator: "`").contains { Name($0) != nil }, "\(row)") }
    }
}
