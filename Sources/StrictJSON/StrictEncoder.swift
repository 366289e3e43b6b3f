// SPDX-License-Identifier: Apache-2.0

/// Encodes `Encodable` types: keys in the order in which they are declared, nil optionals left out, dictionaries by key.
package enum StrictEncoder {
    /// - Throws: `JSONError` for numbers that JSON cannot hold, and whatever `value` throws.
    package static func encode(_ value: some Encodable, layout: JSONLayout = .compact) throws -> [UInt8] {
        try json(value).bytes(layout)
    }

    package static func json(_ value: some Encodable) throws -> JSONValue {
        let root = EncodingNode()
        try root.box(value)
        return root.result
    }
}

/// One value while it is encoded. Used within one call of `StrictEncoder.json`, never shared.
final class EncodingNode: Encoder {
    enum Content {
        case nothing
        case value(JSONValue)
        case object([(key: String, node: EncodingNode)])
        case array([EncodingNode])
    }

    var content = Content.nothing

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .object = content {} else { content = .object([]) }
        return KeyedEncodingContainer(KeyedEncoding<Key>(node: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .array = content {} else { content = .array([]) }
        return UnkeyedEncoding(node: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { SingleValueEncoding(node: self) }

    func box(_ value: some Encodable) throws {
        try value.encode(to: self)
        if value is any KeyedByString, case .object(let members) = content {
            content = .object(members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
        }
    }

    /// The member of that key; a new one at the end unless it is there.
    func member(_ key: String) -> EncodingNode {
        guard case .object(var members) = content else { return EncodingNode() }
        if let member = members.first(where: { $0.key == key }) { return member.node }
        let node = EncodingNode()
        content = .nothing
        members.append((key, node))
        content = .object(members)
        return node
    }

    var elementCount: Int { if case .array(let elements) = content { elements.count } else { 0 } }

    func element() -> EncodingNode {
        guard case .array(var elements) = content else { return EncodingNode() }
        let node = EncodingNode()
        content = .nothing
        elements.append(node)
        content = .array(elements)
        return node
    }

    /// A type that encodes nothing becomes an empty object.
    var result: JSONValue {
        switch content {
        case .nothing: .object(JSONObject())
        case .value(let value): value
        case .object(let members): .object(JSONObject(members.map { ($0.key, $0.node.result) }))
        case .array(let elements): .array(elements.map(\.result))
        }
    }

    static func floating(_ value: some BinaryFloatingPoint & LosslessStringConvertible) throws -> JSONValue {
        guard value.isFinite else { throw JSONError(.outOfRange(value.description)) }
        return .number(value.description)
    }
}

/// Dictionaries have no order of their own; they are written by key, so that equal values give equal bytes.
private protocol KeyedByString {}
extension Dictionary: KeyedByString where Key == String {}
