// SPDX-License-Identifier: Apache-2.0

/// A JSON value (RFC 8259). Numbers keep their text, so that nothing is rounded on the way.
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// The number as it was written, in the grammar of RFC 8259 section 6.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    package static func integer(_ value: some BinaryInteger) -> JSONValue { .number(String(value)) }

    package var isNull: Bool { if case .null = self { true } else { false } }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    package var object: JSONObject? { if case .object(let value) = self { value } else { nil } }

    /// The number as an `Integer`, if it is one: no fraction, no exponent, in range.
    package func integer<Integer: FixedWidthInteger>(_ type: Integer.Type = Int.self) -> Integer? {
        guard case .number(let text) = self else { return nil }
        return Integer(text)
    }

    /// The number as a finite `Double`.
    package var double: Double? {
        guard case .number(let text) = self, let value = Double(text), value.isFinite else { return nil }
        return value
    }

    /// The value at `key` of an object; nil for everything else.
    package subscript(key: String) -> JSONValue? {
        guard case .object(let object) = self else { return nil }
        return object[key]
    }

    /// What kind of value this is, for messages.
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
    package init(nilLiteral: ()) { self = .null }
}

extension JSONValue: Codable {
    /// Takes the value whole, with every key in it. Only from a `StrictDecoder`.
    package init(from decoder: any Decoder) throws {
        guard let node = decoder as? DecodingNode else {
            throw JSONError(.invalid("JSON values are read by StrictDecoder alone"))
        }
        self = node.takeWhole()
    }

    /// Only into a `StrictEncoder`.
    package func encode(to encoder: any Encoder) throws {
        guard let node = encoder as? EncodingNode else {
            throw JSONError(.invalid("JSON values are written by StrictEncoder alone"))
        }
        node.content = .value(self)
    }
}
