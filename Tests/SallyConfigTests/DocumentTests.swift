// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyConfig
import Testing

/// The documents say what the readers read, no more and no less.
@Suite struct DocumentTests {
    private func document(_ name: String) throws -> Data {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return try Data(contentsOf: URL(filePath: "/\(root)/docs/\(name)"))
    }

    /// The keys of the tables under the heading that begins with `title`.
    private func keys(under title: String, of text: String) -> Set<String> {
        let section = text.split(separator: "\n## ").first { $0.hasPrefix(title) } ?? ""
        return Set(
            section.split(separator: "\n").compactMap { line in
                guard line.hasPrefix("| `") else { return nil }
                return line.dropFirst(3).split(separator: "`").first.map(String.init)
            })
    }

    @Test func configurationIsDocumentedKeyByKey() throws {
        let text = String(decoding: try document("config.md"), as: UTF8.self)
        #expect(try keys(under: "Gateway", of: text) == GatewayConfig.parseKnowingKeys(Full.gateway, file: "f").keys)
        #expect(try keys(under: "Signer", of: text) == SignerConfig.parseKnowingKeys(Full.signer, file: "f").keys)
        #expect(try keys(under: "Steward", of: text) == StewardConfig.parseKnowingKeys(Full.steward, file: "f").keys)
    }

    /// The part of a JSON Schema that is compared.
    private struct Schema: Decodable {
        var properties: [String: Schema]?
        var items: Box?
        var additionalProperties: Flag?
        var required: [String]?

        final class Box: Decodable {
            let schema: Schema
            init(from decoder: any Decoder) throws { schema = try Schema(from: decoder) }
        }

        /// False, or a schema.
        struct Flag: Decodable {
            let closed: Bool
            init(from decoder: any Decoder) throws {
                closed = (try? decoder.singleValueContainer().decode(Bool.self)) == false  // a schema is not closed
            }
        }

        /// Key paths as the reader writes them; sections that take any key are not `closed`.
        func keys(_ prefix: String) -> Set<String> {
            var found: Set<String> = []
            for (name, schema) in properties ?? [:] {
                let path = prefix.isEmpty ? name : "\(prefix).\(name)"
                found.insert(path)
                found.formUnion(schema.keys(path))
            }
            if let items { found.formUnion(items.schema.keys("\(prefix)[]")) }
            return found
        }

        var everythingClosed: Bool {
            (properties == nil || additionalProperties?.closed == true)
                && (properties ?? [:]).values.allSatisfy(\.everythingClosed) && items?.schema.everythingClosed ?? true
        }
    }

    /// Whoever runs ps(1) sees arguments: no page puts a token among them. What the shell's own printf gets is none.
    @Test func noPageShowsATokenOnACommandLine() throws {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let pages = try FileManager.default.contentsOfDirectory(atPath: "\(root)/docs").filter { $0.hasSuffix(".md") }
        #expect(pages.contains("api.md") && pages.contains("exactly-once.md"))
        for page in pages.map({ "docs/\($0)" }) + ["README.md", "SECURITY.md"] {
            let text = String(decoding: try Data(contentsOf: URL(filePath: "\(root)/\(page)")), as: UTF8.self)
            for line in text.split(separator: "\n")
            where line.contains("$(sally token") || line.contains("Bearer $") || line.contains("TOKEN: $") {
                #expect(line.contains("printf "), "\(page): \(line)")
            }
        }
    }

    @Test func theSchemaOfThePolicyHasTheReadersKeys() throws {
        let schema = try JSONDecoder().decode(Schema.self, from: document("policy.schema.json"))
        #expect(try schema.keys("") == PolicyFile.parseKnowingKeys(Full.policy, file: "f").keys)
        #expect(schema.everythingClosed)
    }
}
