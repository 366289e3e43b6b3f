// SPDX-License-Identifier: Apache-2.0

import StrictJSON

/// The fields of a noun, or of an object inside one, and how each API version writes them. One table drives decoding,
/// encoding, the packed form, the typed views and docs/fields-replies.md.
final class NounTable: Sendable {
    let fields: [NounField]
    private let slots: [String: Int]
    private let layouts: [Layout]

    /// What one version writes.
    private struct Layout: Sendable {
        var members: [Member] = []
        /// What a record says that speaks of nothing else, by slot.
        var usual: [FieldValue] = []
    }

    private indirect enum Member: Sendable {
        case field(key: String, slot: Int, NounEncoding, fallback: Int?)
        case group(key: String, [Member])
    }

    init(_ fields: [NounField]) {
        self.fields = fields
        let slots = Dictionary(uniqueKeysWithValues: fields.enumerated().map { ($1.key, $0) })
        self.slots = slots
        layouts = NounField.versions.map { NounTable.layout(fields, slots, $0) }
    }

    func slot(_ key: String) -> Int? { slots[key] }

    /// What is left out of the packed form of a record that came from `version`.
    func usual(version: Int) -> [FieldValue] { layouts[place(version)].usual }

    func values(_ json: JSONObject, version: Int) -> [FieldValue] {
        let layout = layouts[place(version)]
        var values = [FieldValue](repeating: .unsaid, count: fields.count)
        read(layout.members, json, version, &values)
        return values
    }

    func json(_ values: [FieldValue], version: Int) -> JSONValue {
        .object(write(layouts[place(version)].members, values, version))
    }

    /// The object that `json` writes, as a JSON schema.
    /// - Parameter isComplete: whether it always has every member.
    func schema(_ schemas: SlurmSchemas, isComplete: Bool) -> JSONValue {
        let left = NounTable.paths(layouts[place(schemas.newest.rawValue)].members, "")
        let members = layouts[place(schemas.version.rawValue)].members
        return NounTable.schema(members, "", left, schemas, isComplete)
    }

    /// - Parameter left: what the newest version has.
    private static func schema(
        _ members: [Member], _ path: String, _ left: Set<String>, _ schemas: SlurmSchemas, _ isComplete: Bool
    ) -> JSONValue {
        var properties = JSONObject()
        for member in members {
            let (key, inner): (String, JSONValue)
            switch member {
            case .field(let name, _, let encoding, _): (key, inner) = (name, encoding.schema(schemas))
            case .group(let name, let members):
                (key, inner) = (name, schema(members, "\(path)/\(name)", left, schemas, isComplete))
            }
            properties[key] = left.contains("\(path)/\(key)") ? inner : SlurmSchemas.deprecated(inner)
        }
        return SlurmSchemas.object(properties, required: isComplete ? properties.map(\.key) : [])
    }

    private static func paths(_ members: [Member], _ path: String) -> Set<String> {
        members.reduce(into: []) { paths, member in
            switch member {
            case .field(let key, _, _, _): paths.insert("\(path)/\(key)")
            case .group(let key, let members):
                paths.insert("\(path)/\(key)")
                paths.formUnion(NounTable.paths(members, "\(path)/\(key)"))
            }
        }
    }

    private func read(_ members: [Member], _ json: JSONObject, _ version: Int, _ values: inout [FieldValue]) {
        for member in members {
            switch member {
            case .field(let key, let slot, let encoding, _):
                guard let json = json[key] else { continue }
                var value = encoding.value(json, version: version)
                // What is no structure cannot say that it is not set: then it says what is usual.
                if value == .unset, encoding.isPlain { value = fields[slot].usual }
                switch (values[slot], value) {
                case (.unsaid, _), (.unset, _): values[slot] = value
                case (.words(let first), .words(let second)):
                    values[slot] = .words(first + second.filter { !first.contains($0) })
                // Said twice: the first holds.
                default: break
                }
            case .group(let key, let members):
                if case .object(let object) = json[key] { read(members, object, version, &values) }
            }
        }
    }

    private func write(_ members: [Member], _ values: [FieldValue], _ version: Int) -> JSONObject {
        var object = JSONObject()
        for member in members {
            switch member {
            case .field(let key, let slot, let encoding, let fallback):
                let usual = fields[slot].usual
                var value = values[slot]
                if value == .unsaid, let fallback { value = values[fallback] }
                if value == .unsaid { value = usual }
                value = fields[slot].sayable(value, in: version)
                object[key] = encoding.json(value, usual: usual, version: version)
            case .group(let key, let members): object[key] = .object(write(members, values, version))
            }
        }
        return object
    }

    /// Where the layout of a version stands: that of the nearest that is covered, the older family for the older.
    private func place(_ version: Int) -> Int {
        version <= 38 ? 0 : min(max(version, 40) - 39, NounField.versions.count - 1)
    }

    private static func layout(_ fields: [NounField], _ slots: [String: Int], _ version: Int) -> Layout {
        var layout = Layout()
        for (slot, field) in fields.enumerated() {
            let forms = field.forms.filter { $0.versions.contains(version) }
            layout.usual.append(forms.isEmpty ? .unsaid : field.usual)
            let fallback = field.fallback.flatMap { slots[$0] }
            for form in forms {
                insert(
                    form.path[...], { .field(key: $0, slot: slot, form.encoding, fallback: fallback) }, &layout.members)
            }
        }
        return layout
    }

    private static func insert(
        _ path: ArraySlice<String>, _ leaf: (String) -> Member, _ members: inout [Member]
    ) {
        guard let key = path.first else { return }
        guard path.count > 1 else {
            members.append(leaf(key))
            return
        }
        for (index, member) in members.enumerated() {
            if case .group(key, var inner) = member {
                insert(path.dropFirst(), leaf, &inner)
                members[index] = .group(key: key, inner)
                return
            }
        }
        var inner: [Member] = []
        insert(path.dropFirst(), leaf, &inner)
        members.append(.group(key: key, inner))
    }
}
