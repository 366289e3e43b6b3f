// SPDX-License-Identifier: Apache-2.0

/// Reads one JSON object that comes in pieces, and hands out the elements of one of its lists as soon as they are whole.
///
/// As strict as `JSONValue(parsing:)`: every element and every other member goes through the same parser. What is held is one
/// element and the other members, however long the list is.
package struct JSONListStream {
    /// Elements that were longer than an element may be, and were not parsed: always 0 where those are refused.
    package private(set) var passedOver = 0
    /// Bytes of the value that is being read.
    var held: Int { pending.count }
    /// Beyond them `read` throws.
    package var bounds = JSONListBounds()
    private let list: String
    private let element: JSONLimits
    private let oversize: Oversize
    private let total: Int
    private var place = Place.start
    private var capture: Capture?
    private var isPassing = false
    private var pending: [UInt8] = []
    private var depth = 0
    private var escaped = false
    private var inString = false
    private var key = ""
    private var rest = JSONObject()
    private var offset = 0
    private var count = 0
    /// Bytes of keys and other members so far.
    private var memberBytes = 0
    /// White space since the last value or sign.
    private var blanks = 0

    /// What may stand next, between two values.
    private enum Place {
        case start, keyOrEnd, key, colon, value, commaOrEnd, elementOrEnd, element, commaOrListEnd, end
    }

    /// How the end of a value is told.
    private enum Capture { case text, container, scalar }

    /// What becomes of an element that is longer than an element may be.
    package enum Oversize: Sendable {
        /// The object is refused.
        case refused
        /// Its end is looked for, nothing of it is held, and it is counted.
        case passedOver
    }

    /// - Parameters:
    ///   - list: the key of the list.
    ///   - element: of one element, and of one other member.
    ///   - oversize: of elements alone; another member that is too long is always refused.
    ///   - total: bytes of it all, elements that are passed over included.
    package init(list: String, element: JSONLimits, oversize: Oversize = .refused, total: Int) {
        self.list = list
        self.element = element
        self.oversize = oversize
        self.total = total
    }

    /// Takes the next bytes.
    /// - Returns: the elements that they complete.
    package mutating func read(_ bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) -> [JSONValue] {
        guard offset + bytes.count <= total else { throw JSONError(.tooLong(maximumBytes: total)) }
        var found: [JSONValue] = []
        var index = 0
        while index < bytes.count {
            guard let capture else {
                try between(bytes[index], at: offset + index)
                // The first byte of a value is read again, as a part of it.
                if self.capture == nil { index += 1 }
                continue
            }
            let (end, isWhole) = scan(bytes, from: index, capture)
            try hold(UnsafeBufferPointer(rebasing: bytes[index..<end]), at: offset + index)
            index = end
            if isWhole { try finish(&found) }
        }
        offset += bytes.count
        return found
    }

    /// Adds to the value that is being read, or gives it up.
    private mutating func hold(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) throws(JSONError) {
        guard !isPassing else { return }
        guard pending.count + bytes.count > element.maximumBytes else {
            pending.append(contentsOf: bytes)
            return
        }
        guard place == .element, oversize == .passedOver else {
            throw JSONError(.tooLong(maximumBytes: element.maximumBytes), offset: position)
        }
        isPassing = true
        pending = []
    }

    /// - Returns: the other members; the list is empty in it.
    /// - Throws: when the object is not whole.
    package mutating func end() throws(JSONError) -> JSONObject {
        guard offset > 0 else { throw JSONError(.empty, offset: 0) }
        guard place == .end, capture == nil else {
            throw JSONError(.unexpectedEnd(expected: "the end of the object"), offset: offset)
        }
        return rest
    }

    /// One byte between values, white space included.
    private mutating func between(_ byte: UInt8, at position: Int) throws(JSONError) {
        switch byte {
        case 0x20, 0x09, 0x0a, 0x0d: return try blank(at: position)
        default: blanks = 0
        }
        switch (place, byte) {
        case (.start, UInt8(ascii: "{")): place = .keyOrEnd
        case (.start, 0xef): throw JSONError(.byteOrderMark, offset: position)
        case (.keyOrEnd, UInt8(ascii: "\"")), (.key, UInt8(ascii: "\"")):
            place = .key
            begin(byte)
        case (.keyOrEnd, UInt8(ascii: "}")), (.commaOrEnd, UInt8(ascii: "}")): place = .end
        case (.colon, UInt8(ascii: ":")): place = .value
        case (.value, UInt8(ascii: "[")) where key == list:
            guard rest.append(key, .array([])) else {
                throw JSONError(.duplicateKey, at: JSONPath([.key(key)]), offset: position)
            }
            place = .elementOrEnd
        case (.commaOrEnd, UInt8(ascii: ",")): place = .key
        case (.elementOrEnd, UInt8(ascii: "]")), (.commaOrListEnd, UInt8(ascii: "]")): place = .commaOrEnd
        case (.commaOrListEnd, UInt8(ascii: ",")): place = .element
        case (.elementOrEnd, _), (.element, _):
            place = .element
            begin(byte)
        case (.value, _): begin(byte)
        case (.end, _): throw JSONError(.trailingBytes, offset: position)
        default: throw JSONError(.unexpected(byte: byte, expected: expected), offset: position)
        }
    }

    private var expected: String {
        switch place {
        case .start: "'{'"
        case .keyOrEnd, .key: "a key"
        case .colon: "':'"
        case .value, .element, .elementOrEnd: "a value"
        case .commaOrEnd: "',' or '}'"
        case .commaOrListEnd: "',' or ']'"
        case .end: "nothing more"
        }
    }

    private mutating func begin(_ byte: UInt8) {
        (depth, escaped, inString) = (0, false, false)
        switch byte {
        case UInt8(ascii: "\""): capture = .text
        case UInt8(ascii: "{"), UInt8(ascii: "["): capture = .container
        default: capture = .scalar
        }
    }

    /// Where the value ends, or the piece.
    private mutating func scan(
        _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, _ capture: Capture
    ) -> (end: Int, isWhole: Bool) {
        var index = start
        switch capture {
        case .scalar:
            while index < bytes.count {
                switch bytes[index] {
                case 0x20, 0x09, 0x0a, 0x0d, UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"):
                    // A delimiter where a value belongs is none: the parser says so of the empty text.
                    return (index, true)
                default: index += 1
                }
            }
        case .text, .container:
            while index < bytes.count {
                let byte = bytes[index]
                index += 1
                if inString {
                    if escaped {
                        escaped = false
                    } else if byte == UInt8(ascii: "\\") {
                        escaped = true
                    } else if byte == UInt8(ascii: "\"") {
                        inString = false
                        if capture == .text { return (index, true) }
                    }
                    continue
                }
                switch byte {
                case UInt8(ascii: "\""): inString = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    depth -= 1
                    if depth == 0 { return (index, true) }
                default: break
                }
            }
        }
        return (index, false)
    }

    private mutating func blank(at position: Int) throws(JSONError) {
        blanks += 1
        guard blanks <= bounds.blanks else {
            throw JSONError(.tooMany("bytes of white space", maximum: bounds.blanks), offset: position)
        }
    }

    /// Before a value that is whole is made of what was taken.
    private mutating func admit() throws(JSONError) {
        guard place != .element else {
            guard count < bounds.elements else {
                throw JSONError(.tooMany("elements", maximum: bounds.elements), at: JSONPath([.key(list)]))
            }
            return
        }
        memberBytes += pending.count
        guard memberBytes <= bounds.memberBytes else {
            throw JSONError(.tooMany("bytes beside the list", maximum: bounds.memberBytes))
        }
        guard rest.count < bounds.members else {
            throw JSONError(.tooMany("members", maximum: bounds.members))
        }
    }

    private mutating func finish(_ found: inout [JSONValue]) throws(JSONError) {
        try admit()
        guard !isPassing else {
            isPassing = false
            capture = nil
            passedOver += 1
            count += 1
            place = .commaOrListEnd
            return
        }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: pending, limits: element)
        } catch {
            throw place == .element ? error.within(.index(count)).within(.key(list)) : error
        }
        pending.removeAll(keepingCapacity: true)
        capture = nil
        switch place {
        case .key:
            key = value.string ?? ""
            place = .colon
        case .element:
            found.append(value)
            count += 1
            place = .commaOrListEnd
        case .value, .start, .keyOrEnd, .colon, .commaOrEnd, .elementOrEnd, .commaOrListEnd, .end:
            guard rest.append(key, value) else {
                throw JSONError(.duplicateKey, at: JSONPath([.key(key)]), offset: offset)
            }
            place = .commaOrEnd
        }
    }
}
