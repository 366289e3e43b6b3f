// SPDX-License-Identifier: Apache-2.0

/// Members of an object, in the order in which they are encoded.
struct KeyedEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: EncodingNode

    var codingPath: [any CodingKey] { [] }

    func encodeNil(forKey key: Key) throws { node.member(key.stringValue).content = .value(.null) }

    func encode(_ value: Bool, forKey key: Key) throws { node.member(key.stringValue).content = .value(.bool(value)) }
    func encode(_ value: String, forKey key: Key) throws {
        node.member(key.stringValue).content = .value(.string(value))
    }
    func encode(_ value: Double, forKey key: Key) throws {
        node.member(key.stringValue).content = .value(try EncodingNode.floating(value))
    }
    func encode(_ value: Float, forKey key: Key) throws {
        node.member(key.stringValue).content = .value(try EncodingNode.floating(value))
    }
    func encode(_ value: Int, forKey key: Key) throws { node.member(key.stringValue).content = .value(.integer(value)) }
    func encode(_ value: Int8, forKey key: Key) throws {
        node.member(key.stringValue).content = .value(.integer(value))
    }
    func encode(_ value: Int16, forKey key: Key) throws {
        node.member(key.stringValue).content = .value(.integer(value))
    }
    func encode(_ value: Int32, forKey key: Key) throws {
        node.member(key.stringValue).content = .value(.integer(value))
    }
    func encode(_ value: Int64, forKey key: Key) throws {
        node.member(key.stringValue).content = .value(.integer(value))
    }
    func encode(_ value: UInt, forKey key: Key) throws {
        node.member(key.stringValue).content = .value(.integer(value))
    }
    func encode(_ value: UInt8, forKey key: Key) throws {
        node.member(key.stringValue).content = .value(.integer(value))
    }
    func encode(_ value: UInt16, forKey key: Key) throws {
        node.member(key.stringValue).content = .value(.integer(value))
    }
    func encode(_ value: UInt32, forKey key: Key) throws {
        node.member(key.stringValue).content = .value(.integer(value))
    }
    func encode(_ value: UInt64, forKey key: Key) throws {
        node.member(key.stringValue).content = .value(.integer(value))
    }
    func encode<T: Encodable>(_ value: T, forKey key: Key) throws { try node.member(key.stringValue).box(value) }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        node.member(key.stringValue).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        node.member(key.stringValue).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { node.member("super") }
    func superEncoder(forKey key: Key) -> any Encoder { node.member(key.stringValue) }
}

/// Elements of an array.
struct UnkeyedEncoding: UnkeyedEncodingContainer {
    let node: EncodingNode

    var codingPath: [any CodingKey] { [] }
    var count: Int { node.elementCount }

    func encodeNil() throws { node.element().content = .value(.null) }

    func encode(_ value: Bool) throws { node.element().content = .value(.bool(value)) }
    func encode(_ value: String) throws { node.element().content = .value(.string(value)) }
    func encode(_ value: Double) throws { node.element().content = .value(try EncodingNode.floating(value)) }
    func encode(_ value: Float) throws { node.element().content = .value(try EncodingNode.floating(value)) }
    func encode(_ value: Int) throws { node.element().content = .value(.integer(value)) }
    func encode(_ value: Int8) throws { node.element().content = .value(.integer(value)) }
    func encode(_ value: Int16) throws { node.element().content = .value(.integer(value)) }
    func encode(_ value: Int32) throws { node.element().content = .value(.integer(value)) }
    func encode(_ value: Int64) throws { node.element().content = .value(.integer(value)) }
    func encode(_ value: UInt) throws { node.element().content = .value(.integer(value)) }
    func encode(_ value: UInt8) throws { node.element().content = .value(.integer(value)) }
    func encode(_ value: UInt16) throws { node.element().content = .value(.integer(value)) }
    func encode(_ value: UInt32) throws { node.element().content = .value(.integer(value)) }
    func encode(_ value: UInt64) throws { node.element().content = .value(.integer(value)) }
    func encode<T: Encodable>(_ value: T) throws { try node.element().box(value) }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> {
        node.element().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { node.element().unkeyedContainer() }
    func superEncoder() -> any Encoder { node.element() }
}

/// A value by itself.
struct SingleValueEncoding: SingleValueEncodingContainer {
    let node: EncodingNode

    var codingPath: [any CodingKey] { [] }

    func encodeNil() throws { node.content = .value(.null) }

    func encode(_ value: Bool) throws { node.content = .value(.bool(value)) }
    func encode(_ value: String) throws { node.content = .value(.string(value)) }
    func encode(_ value: Double) throws { node.content = .value(try EncodingNode.floating(value)) }
    func encode(_ value: Float) throws { node.content = .value(try EncodingNode.floating(value)) }
    func encode(_ value: Int) throws { node.content = .value(.integer(value)) }
    func encode(_ value: Int8) throws { node.content = .value(.integer(value)) }
    func encode(_ value: Int16) throws { node.content = .value(.integer(value)) }
    func encode(_ value: Int32) throws { node.content = .value(.integer(value)) }
    func encode(_ value: Int64) throws { node.content = .value(.integer(value)) }
    func encode(_ value: UInt) throws { node.content = .value(.integer(value)) }
    func encode(_ value: UInt8) throws { node.content = .value(.integer(value)) }
    func encode(_ value: UInt16) throws { node.content = .value(.integer(value)) }
    func encode(_ value: UInt32) throws { node.content = .value(.integer(value)) }
    func encode(_ value: UInt64) throws { node.content = .value(.integer(value)) }
    func encode<T: Encodable>(_ value: T) throws { try node.box(value) }
}
