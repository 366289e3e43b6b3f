// SPDX-License-Identifier: Apache-2.0

/// Every field of a job description, in the order of docs/fields.md.
///
/// Sources: tag slurm-22-05-8-1, src/plugins/openapi/v0.0.38/jobs.c (`job_params`) and src/common/slurm_opt.c; JOB_DESC_MSG in
/// src/plugins/data_parser/v0.0.40 to v0.0.45/parsers.c. The names of v0.0.36 to v0.0.42 were read from Debian's daemons
/// 22.05.8 and 24.11.5 and are tested against them; those of v0.0.43 to v0.0.45 are from the published sources.
let jobDescriptionFields: [DescriptionField] =
    identityFields + placementFields + resourceFields + timeFields + runningFields + deviceFields + localFields

/// The fields that hold for one API version.
struct DescriptionTable: Sendable {
    /// What is sent.
    private let written: [DescriptionKey: FieldSpelling]
    /// By every name that is read.
    private let read: [String: Named]

    struct Named: Sendable {
        let field: DescriptionField
        let spelling: FieldSpelling
    }

    /// The table of a version, made once: every submission needs it.
    static func of(_ version: APIVersion) -> DescriptionTable { made[version] ?? DescriptionTable(for: version) }

    private static let made = Dictionary(
        uniqueKeysWithValues: (36...45).map(APIVersion.init(rawValue:)).map { ($0, DescriptionTable(for: $0)) })

    private init(for version: APIVersion) {
        var written: [DescriptionKey: FieldSpelling] = [:]
        var read: [String: Named] = [:]
        for field in jobDescriptionFields {
            for spelling in field.spellings where spelling.versions.contains(version.rawValue) {
                if let part = field.part, spelling.role == .canonical { written[part] = spelling }
                let name = String(spelling.name.prefix { $0 != "." })
                read[name] = Named(field: field, spelling: spelling)
            }
        }
        self.written = written
        self.read = read
    }

    subscript(part: DescriptionKey) -> FieldSpelling? { written[part] }
    subscript(name: String) -> Named? { read[name] }

    /// The versions of a name that is not of this table's version.
    static func versions(of name: String) -> [Int] {
        let ranges = jobDescriptionFields.flatMap(\.spellings).filter { $0.name == name }.map(\.versions)
        return (36...45).filter { version in version != 39 && ranges.contains { $0.contains(version) } }
    }
}
