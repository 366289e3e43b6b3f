// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

@testable import SlurmModel

/// The field table against what real daemons call the properties of a job description.
@Suite struct DescriptionTableTests {
    /// Names that a daemon's own description lists (scripts/record-job-fields), or Slurm's published sources.
    struct Known: Sendable, CustomTestStringConvertible {
        var release: String
        var version: Int
        var testDescription: String { "\(release) v0.0.\(version)" }

        func names(_ file: String = "job-fields") throws -> Set<String> {
            let folder = URL(filePath: #filePath).deletingLastPathComponent()
            let path = "Fixtures/slurmrestd/\(release)/v0.0.\(version)/\(file).txt"
            let text = String(decoding: try Data(contentsOf: folder.appending(path: path)), as: UTF8.self)
            return Set(text.split(separator: "\n").map(String.init))
        }
    }

    static let known =
        [36, 37, 38].map { Known(release: "22.05.8", version: $0) }
        + [40, 41, 42].map { Known(release: "24.11.5", version: $0) }
        + [43, 44, 45].map { Known(release: "published", version: $0) }

    private func spellings(_ version: Int) -> [(field: DescriptionField, name: String, spelling: FieldSpelling)] {
        jobDescriptionFields.flatMap { field in
            field.spellings.filter { $0.versions.contains(version) }.map { spelling in
                (field, String(spelling.name.prefix { $0 != "." }), spelling)
            }
        }
    }

    @Test(arguments: known) func everyPropertyHasARow(known: Known) throws {
        let names = try known.names()
        #expect(names.count > 70)
        #expect(names.subtracting(spellings(known.version).map(\.name)).isEmpty)
    }

    @Test(arguments: known.filter { $0.version >= 40 }) func noRowNamesWhatNoDaemonHas(known: Known) throws {
        #expect(Set(spellings(known.version).map(\.name)).subtracting(try known.names()).isEmpty)
    }

    /// v0.0.38 takes more than it describes: every option of srun, salloc and sbatch has an entry.
    @Test func everyOptionOfTheOldDaemonHasARow() throws {
        let options = try Known(release: "22.05.8", version: 38).names("job-options")
        #expect(Set(spellings(38).map(\.name)) == options)
    }

    @Test(arguments: known) func noNameStandsInTwoRows(known: Known) {
        var seen: [String: String] = [:]
        for (field, name, _) in spellings(known.version) where !name.hasPrefix("rlimits") {
            #expect(seen[name] == nil, "\(name) in \(field.key) and \(seen[name] ?? "")")
            seen[name] = field.key
        }
    }

    @Test func everyPieceOfARequestHasOneRow() {
        for part in DescriptionKey.allCases {
            #expect(jobDescriptionFields.count { $0.part == part } == 1, "\(part)")
        }
        for field in jobDescriptionFields {
            let isOffered = field.policy == .allowed || field.policy == .judged || field.policy == .normalised
            #expect((field.part != nil) == isOffered, "\(field.key)")
            guard field.part != nil else { continue }
            let others = ["script", "arguments", "environment", "priority", "no_requeue"]
            #expect(JobField(rawValue: field.key) != nil || others.contains(field.key), "\(field.key)")
            for version in 36...45 {
                #expect(field.spellings.count { $0.versions.contains(version) && $0.role == .canonical } <= 1)
            }
        }
    }

    /// What a request can say, v0.0.42 can carry.
    @Test func theNewestDaemonCarriesEveryField() {
        let table = DescriptionTable.of(APIVersion(rawValue: 42))
        for field in JobField.allCases where field != .gres {
            let rows = jobDescriptionFields.filter { $0.key == field.rawValue }
            #expect(rows.contains { $0.part.flatMap { table[$0] } != nil }, "\(field.rawValue)")
        }
    }

    /// As in docs/fields-replies.md: what begins with a version that no daemon was tried in has a mark of its own.
    @Test func whatWasNeverTriedIsMarked() {
        let rows = JobDescription.page.split(separator: "\n").filter { $0.hasPrefix("| `") }
        let untried = jobDescriptionFields.flatMap(\.spellings).count { $0.versions.lowerBound > 42 }
        #expect(untried > 0)
        #expect(rows.joined().count { $0 == "\u{2020}" } == untried)
        #expect(rows.contains { $0.contains("`container_type`, 45\u{2020} ") })
        #expect(rows.contains { $0.contains("`segment_size`, 41–45 ") })
    }

    @Test func thePageIsTheTable() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../docs/fields.md").standardized
        if ProcessInfo.processInfo.environment["SALLYPORT_WRITE_DOCS"] == "1" {
            try Data(JobDescription.page.utf8).write(to: file)
        }
        let page = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        let isEqual = page == JobDescription.page
        #expect(isEqual, "docs/fields.md is not the table: `make docs` writes it")
    }
}
