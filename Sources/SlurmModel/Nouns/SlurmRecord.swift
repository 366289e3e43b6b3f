// SPDX-License-Identifier: Apache-2.0

package import StrictJSON

/// All that one object of a reply says, in neutral keys and forms (docs/fields-replies.md), whichever version it came from.
package struct SlurmRecord: Sendable, Equatable {
    package let noun: SlurmNoun
    /// The version that it came in.
    package let version: APIVersion
    /// By the slots of the noun's table.
    var values: [FieldValue]

    init(noun: SlurmNoun, version: APIVersion, values: [FieldValue]) {
        self.noun = noun
        self.version = version
        self.values = values
    }

    /// Reads an object of a reply. What is not known is left out; what is of another kind than any version writes counts as
    /// not set.
    /// - Returns: nil for what is no object, or lacks what names it (a job: its id and state).
    package init?(_ json: JSONValue, noun: SlurmNoun, version: APIVersion) {
        guard case .object(let object) = json else { return nil }
        let table = noun.table
        self.init(noun: noun, version: version, values: table.values(object, version: version.rawValue))
        guard noun.identity.allSatisfy({ self[$0].names }) else { return nil }
        complete()
    }

    /// A record that says nothing yet, to be filled with `self[key]`.
    package init(_ noun: SlurmNoun, version: APIVersion) {
        self.init(noun: noun, version: version, values: noun.table.usual(version: version.rawValue))
    }

    /// The object as `version` writes it, for clients made from that version's OpenAPI document: every field is there, and
    /// what is not known stands as that version writes "not set". Meant for v0.0.40 and later.
    package func json(_ version: APIVersion) -> JSONValue { noun.table.json(values, version: version.rawValue) }

    /// What is said under a neutral key.
    package subscript(key: String) -> FieldValue {
        get {
            let slot = noun.table.slot(key)
            assert(slot != nil, "\(noun) has no field \(key)")
            return slot.map { values[$0] } ?? .unsaid
        }
        set {
            let slot = noun.table.slot(key)
            assert(slot != nil, "\(noun) has no field \(key)")
            if let slot { values[slot] = newValue }
        }
    }

    /// Whether it is of the cluster that Slurm knows by this name, in lower case; what does not say of which it is, is of none.
    /// One slurmdbd serves several clusters.
    package func isOf(_ slurmName: String) -> Bool { text("cluster")?.lowercased() == slurmName }

    package func text(_ key: String) -> String? { self[key].text }
    package func words(_ key: String) -> [String] { self[key].words }
    package func flag(_ key: String) -> Bool? { self[key].flag }
    package func number(_ key: String) -> Int64? { self[key].integer }
    package func count(_ key: String) -> Int? { self[key].integer.flatMap { Int(exactly: $0) } }
}

extension SlurmReply {
    /// Every object of a list.
    /// - Throws: `Malformed` without the list, or if any entry is none: half a list is none.
    package func records(_ noun: SlurmNoun) throws(Malformed) -> [SlurmRecord] {
        guard let key = noun.listKey(version) else { throw Malformed("a \(noun) is no list") }
        var records: [SlurmRecord] = []
        for row in try list(key) {
            guard let record = SlurmRecord(row, noun: noun, version: version) else {
                throw Malformed("an entry of \(key) without \(noun.identity.joined(separator: " or "))")
            }
            records.append(record)
        }
        return records
    }
}
