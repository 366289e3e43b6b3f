// SPDX-License-Identifier: Apache-2.0

/// A value by itself.
struct SingleValueDecoding: SingleValueDecodingContainer {
    let node: DecodingNode

    var codingPath: [any CodingKey] { node.codingPath }
    func decodeNil() -> Bool { node.value.isNull }

    func decode(_ type: Bool.Type) throws -> Bool { try node.boolean() }
    func decode(_ type: String.Type) throws -> String { try node.string() }
    func decode(_ type: Double.Type) throws -> Double { try node.floating(Double.self) }
    func decode(_ type: Float.Type) throws -> Float { try node.floating(Float.self) }
    func decode(_ type: Int.Type) throws -> Int { try node.integer(Int.self) }
    func decode(_ type: Int8.Type) throws -> Int8 { try node.integer(Int8.self) }
    func decode(_ type: Int16.Type) throws -> Int16 { try node.integer(Int16.self) }
    func decode(_ type: Int32.Type) throws -> Int32 { try node.integer(Int32.self) }
    func decode(_ type: Int64.Type) throws -> Int64 { try node.integer(Int64.self) }
    func decode(_ type: UInt.Type) throws -> UInt { try node.integer(UInt.self) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try node.integer(UInt8.self) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try node.integer(UInt16.self) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try node.integer(UInt32.self) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try node.integer(UInt64.self) }
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try node.unbox(type) }
}
