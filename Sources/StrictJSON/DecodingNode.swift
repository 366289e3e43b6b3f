// SPDX-License-Identifier: Apache-2.0

/// One value while it is decoded, and which of its keys were asked for.
///
/// There is one node for a place in the text, however often it is decoded, so that a type that tries two forms is
/// judged by all the keys that it knows. Used within one call of `StrictDecoder.decode`, never shared.
final class DecodingNode: Decoder {
    let value: JSONValue
    let path: JSONPath
    private var asked: Set<String> = []
    private var isTakenWhole = false
    private var children: [JSONPath.Step: DecodingNode] = [:]

    init(_ value: JSONValue, at path: JSONPath) {
        self.value = value
        self.path = path
    }

    var codingPath: [any CodingKey] { path.steps.map(PathKey.init) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let object) = value else { throw wrongType("an object") }
        return KeyedDecodingContainer(KeyedDecoding<Key>(node: self, object: object))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let elements) = value else { throw wrongType("an array") }
        return UnkeyedDecoding(node: self, elements: elements)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { SingleValueDecoding(node: self) }

    func takeWhole() -> JSONValue {
        isTakenWhole = true
        return value
    }

    func ask(_ key: String) { asked.insert(key) }

    func child(_ step: JSONPath.Step, _ value: JSONValue) -> DecodingNode {
        if let node = children[step] { return node }
        let node = DecodingNode(value, at: path.appending(step))
        children[step] = node
        return node
    }

    func collectUnknown(into paths: inout [JSONPath]) {
        guard !isTakenWhole else { return }
        switch value {
        case .object(let object):
            for member in object {
                let step = JSONPath.Step.key(member.key)
                if !asked.contains(member.key) {
                    paths.append(path.appending(step))
                } else {
                    children[step]?.collectUnknown(into: &paths)
                }
            }
        case .array(let elements):
            for index in elements.indices { children[.index(index)]?.collectUnknown(into: &paths) }
        case .null, .bool, .number, .string: break
        }
    }

    /// Lets `type` decode itself, and gives the standard library's own errors our form.
    func unbox<T: Decodable>(_ type: T.Type) throws -> T {
        do {
            return try type.init(from: self)
        } catch let error as DecodingError {
            throw translated(error, allowed: acceptedTexts(of: type))
        }
    }

    func wrongType(_ expected: String) -> JSONError {
        JSONError(.wrongType(found: value.kind, expected: expected), at: path)
    }

    func boolean() throws -> Bool {
        guard case .bool(let value) = value else { throw wrongType("a boolean") }
        return value
    }

    func string() throws -> String {
        guard case .string(let text) = value else { throw wrongType("a string") }
        return text
    }

    func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) throws -> Integer {
        guard case .number(let text) = value else { throw wrongType("a whole number") }
        guard !text.utf8.contains(where: { $0 == 0x2e || $0 | 0x20 == 0x65 }) else {
            throw JSONError(.notAnInteger(text), at: path)
        }
        guard let number = Integer(text) else { throw JSONError(.outOfRange(text), at: path) }
        return number
    }

    func floating<Number: BinaryFloatingPoint & LosslessStringConvertible>(_ type: Number.Type) throws -> Number {
        guard case .number(let text) = value else { throw wrongType("a number") }
        guard let number = Number(text), number.isFinite else { throw JSONError(.outOfRange(text), at: path) }
        return number
    }

    private func translated(_ error: DecodingError, allowed: [String]) -> JSONError {
        switch error {
        case .dataCorrupted(let context):
            switch value {
            case .string(let text), .number(let text): JSONError(.notAccepted(text, allowed: allowed), at: path)
            default: JSONError(.invalid(context.debugDescription), at: path)
            }
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context):
            JSONError(.invalid(context.debugDescription), at: path)
        @unknown default: JSONError(.invalid("not a value of the expected form"), at: path)
        }
    }
}

/// The texts of a string enumeration that lists its cases.
private func acceptedTexts(of type: any Decodable.Type) -> [String] {
    guard let listed = type as? any CaseIterable.Type else { return [] }
    return texts(listed)
}

private func texts<T: CaseIterable>(_ type: T.Type) -> [String] {
    type.allCases.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
}

/// A step of a path as the standard library wants it.
struct PathKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ step: JSONPath.Step) {
        switch step {
        case .key(let key):
            stringValue = key
            intValue = nil
        case .index(let index):
            stringValue = "\(index)"
            intValue = index
        }
    }

    init?(stringValue: String) { self.init(.key(stringValue)) }
    init?(intValue: Int) { self.init(.index(intValue)) }
}
