// SPDX-License-Identifier: Apache-2.0

import StrictJSON

/// How one field of a noun is spelt and encoded in a range of API versions.
struct FieldRow<Key: Hashable & Sendable>: Sendable {
    let key: Key
    /// From the object's top, such as `time.limit` in a job of slurmdbd's.
    let path: [String]
    let versions: ClosedRange<Int>
    let encoding: FieldEncoding

    init(_ key: Key, _ path: String, _ versions: ClosedRange<Int>, _ encoding: FieldEncoding) {
        self.key = key
        self.path = path.split(separator: ".").map(String.init)
        self.versions = versions
        self.encoding = encoding
    }
}

enum FieldEncoding: Sendable {
    case text
    case integer
    case flag
    /// `{"set": true, "infinite": false, "number": 5}`, plain numbers before v0.0.39.
    case number
    case list
    /// One text or several, in upper case.
    case words
    /// `{"PATH": "/bin"}`
    case map
    /// `["PATH=/bin"]`
    case assignments
    /// A moment as sbatch's --begin takes it. Moments without a zone would be read in slurmrestd's own.
    case relativeTime
}

/// The rows of one noun that hold for one API version.
struct FieldTable<Key: Hashable & Sendable>: Sendable {
    private let rows: [Key: FieldRow<Key>]

    init(_ rows: [FieldRow<Key>], for version: APIVersion) {
        self.rows = Dictionary(
            rows.filter { $0.versions.contains(version.rawValue) }.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
    }

    subscript(key: Key) -> FieldRow<Key>? { rows[key] }

    func value(_ key: Key, in json: JSONValue) -> JSONValue? {
        guard let row = rows[key] else { return nil }
        var value = json
        for step in row.path {
            guard let next = value[step] else { return nil }
            value = next
        }
        return value.isNull ? nil : value
    }

    func text(_ key: Key, in json: JSONValue) -> String? {
        guard let text = value(key, in: json)?.string, !text.isEmpty else { return nil }
        return text
    }

    func words(_ key: Key, in json: JSONValue) -> [String] {
        switch value(key, in: json) {
        case .string(let text): text.isEmpty ? [] : [text.uppercased()]
        case .array(let elements): elements.compactMap { $0.string?.uppercased() }
        case .null, .bool, .number, .object, nil: []
        }
    }

    /// Texts as they are: a list, or one text with commas.
    func list(_ key: Key, in json: JSONValue) -> [String] {
        switch value(key, in: json) {
        case .string(let text): text.split(separator: ",").map(String.init)
        case .array(let elements): elements.compactMap(\.string)
        case .null, .bool, .number, .object, nil: []
        }
    }

    func flag(_ key: Key, in json: JSONValue) -> Bool? { value(key, in: json)?.bool }

    func quantity(_ key: Key, in json: JSONValue) -> Quantity {
        value(key, in: json).map(Quantity.init) ?? .unset
    }

    func number(_ key: Key, in json: JSONValue) -> Int64? { quantity(key, in: json).number }
    func count(_ key: Key, in json: JSONValue) -> Int? { number(key, in: json).flatMap { Int(exactly: $0) } }
}
