// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import StrictJSON
import Testing

@testable import SlurmModel

/// The properties that a version of slurmrestd says that it writes: `noun path kind` by line, with `!` where it promises to.
/// Those of v0.0.40 to v0.0.42 are recorded from daemons, the later ones come from the published descriptions.
struct DescribedProperty: Hashable, Sendable {
    var noun: SlurmNoun
    /// Beside the list, in the answer itself.
    var isAround: Bool
    var path: String
    var kind: String
    var isRequired: Bool

    static func all(_ version: Int) throws -> [DescribedProperty] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let file = folder.appending(path: "Fixtures/slurmrestd/properties/v0.0.\(version).txt")
        let nouns = Dictionary(uniqueKeysWithValues: SlurmNoun.allCases.map { ("\($0)", $0) })
        return try String(decoding: Data(contentsOf: file), as: UTF8.self).split(separator: "\n").map { line in
            let words = line.split(separator: " ")
            let name = words[0].split(separator: ".")
            let path = words[1..<(words.count - 1)].joined(separator: " ")
            let kind = words[words.count - 1]
            return DescribedProperty(
                noun: try #require(nouns[String(name[0])]), isAround: name.count > 1, path: path,
                kind: String(kind.prefix { $0 != "!" }), isRequired: kind.hasSuffix("!"))
        }
    }
}

@Suite struct NounTableTests {
    static let versions = [40, 41, 42, 43, 44, 45]

    /// Nothing that a version writes is unknown, and nothing is written that it does not.
    @Test(arguments: versions) func everyPropertyHasARow(version: Int) throws {
        let described = try DescribedProperty.all(version).filter { !$0.isAround }
        for noun in SlurmNoun.allCases {
            let theirs = Set(
                described.filter { $0.noun == noun }.map { NounTable.Property(path: $0.path, kind: $0.kind) })
            guard !theirs.isEmpty else { continue }
            // v0.0.40 does not describe what is in its list of nodes.
            let open = theirs.filter { $0.kind == "list" }.map { $0.path + "[]." }
            var ours = Set(noun.table.properties(version))
            // Nor what is in a list without a kind, where words were seen.
            for property in theirs where property.kind == "list" {
                let words = NounTable.Property(path: property.path, kind: "words")
                if ours.remove(words) != nil { ours.insert(property) }
            }
            for path in open where ours.contains(where: { $0.path.hasPrefix(path) }) {
                ours = ours.filter { !$0.path.hasPrefix(path) }
                ours.insert(NounTable.Property(path: String(path.dropLast(3)), kind: "list"))
            }
            for property in theirs.subtracting(ours) {
                Issue.record("v0.0.\(version) \(noun): no row says \(property.path) as \(property.kind)")
            }
            for property in ours.subtracting(theirs) {
                Issue.record("v0.0.\(version) \(noun): \(property.path) as \(property.kind) is nothing that it writes")
            }
        }
    }

    /// v0.0.38's own description is not what it writes, so what it wrote decides.
    @Test(arguments: [
        ("jobs", SlurmNoun.job), ("nodes", .node), ("partitions", .partition), ("ping", .ping),
        ("accounting-jobs", .accountingJob), ("reservations", .reservation), ("qos", .qos), ("accounts", .account),
        ("associations", .association), ("users", .user),
    ]) func everyRecordedPropertyOfTheOldVersionHasARow(
        file: String, noun: SlurmNoun
    ) throws {
        let reply = try Fixture.reply(file, Fixture.old)
        let known = Set(noun.table.properties(38).map(\.path))
        for object in try #require(reply.json[noun.listKey(Fixture.old.version) ?? ""]?.array) {
            for path in leaves(object)
            where !known.contains(path)
                && !known.contains(where: { path.hasPrefix($0 + ".") || $0.hasPrefix(path + "[].") })
            {
                Issue.record("\(noun): no row says \(path)")
            }
        }
    }

    /// A client made of a version's description refuses a word that came later.
    @Test(arguments: versions) func wordsOfLaterVersionsAreNotWritten(version: Int) {
        var count = 0
        for noun in SlurmNoun.allCases {
            for field in noun.table.fields where !field.laterWords.isEmpty {
                guard let form = field.forms.first(where: { $0.versions.contains(version) }) else { continue }
                var record = SlurmRecord(noun, version: APIVersion(rawValue: 45))
                record[field.key] = .words(["KNOWN"] + field.laterWords.keys.sorted())
                var json = record.json(APIVersion(rawValue: version))
                for step in form.path { json = json[step] ?? .null }
                let written = Set((json.array ?? []).compactMap(\.string))
                let known = Set(field.laterWords.filter { $0.value <= version }.keys)
                #expect(written == known.union(["KNOWN"]), "\(noun) \(field.key)")
                count += 1
            }
        }
        #expect(count >= 8)
    }

    @Test func statesHaveTheWordsOfTheVersion() {
        let states = ["PENDING", "EXPEDITING"]
        #expect(APIVersion(rawValue: 43).sayable(jobStates: states) == ["PENDING"])
        #expect(APIVersion(rawValue: 44).sayable(jobStates: states) == states)
        #expect(APIVersion(rawValue: 40).sayable(jobStates: []) == [])
    }

    @Test func neutralKeysAreUnique() {
        for noun in SlurmNoun.allCases {
            let keys = noun.table.fields.map(\.key)
            #expect(Set(keys).count == keys.count, "\(noun)")
            #expect(noun.identity.allSatisfy { noun.table.slot($0) != nil })
            for field in noun.table.fields {
                #expect(!field.forms.isEmpty, "\(noun) \(field.key)")
                if let fallback = field.fallback { #expect(noun.table.slot(fallback) != nil, "\(noun) \(field.key)") }
            }
        }
    }

    private func leaves(_ json: JSONValue, _ path: String = "") -> Set<String> {
        switch json {
        case .object(let object):
            object.reduce(into: []) { $0.formUnion(leaves($1.value, path.isEmpty ? $1.key : "\(path).\($1.key)")) }
        case .array(let elements) where elements.contains { $0.object != nil }:
            elements.reduce(into: []) { $0.formUnion(leaves($1, path + "[]")) }
        case .null, .bool, .number, .string, .array: [path]
        }
    }
}

@Suite struct FieldsPageTests {
    @Test func thePageIsTheTables() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../docs/fields-replies.md").standardized
        if ProcessInfo.processInfo.environment["SALLYPORT_WRITE_DOCS"] == "1" {
            try Data(SlurmNoun.documentation.utf8).write(to: file)
        }
        let isEqual = String(decoding: try Data(contentsOf: file), as: UTF8.self) == SlurmNoun.documentation
        #expect(isEqual, "docs/fields-replies.md is not the tables: `make docs` writes it")
    }
}
