// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
    /// Reads one JSON value and nothing after it (RFC 8259), and refuses what readers disagree about: doubled keys, a
    /// byte order mark, halves of surrogate pairs, leading zeros, NaN and Infinity.
    /// - Throws: `JSONError` with the byte offset and the key path.
    package init(parsing bytes: some Sequence<UInt8>, limits: JSONLimits = .request) throws(JSONError) {
        let result: Result<JSONValue, JSONError>? = bytes.withContiguousStorageIfAvailable {
            JSONParser.parse($0, limits: limits)
        }
        if let result {
            self = try result.get()
            return
        }
        var copied: [UInt8] = []
        for byte in bytes {
            guard copied.count < limits.maximumBytes else {
                throw JSONError(.tooLong(maximumBytes: limits.maximumBytes))
            }
            copied.append(byte)
        }
        self = try copied.withUnsafeBufferPointer { JSONParser.parse($0, limits: limits) }.get()
    }

    package init(parsing text: String, limits: JSONLimits = .request) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), limits: limits)
    }
}

/// A recursive-descent reader over one buffer. The depth limit bounds the recursion.
struct JSONParser {
    let bytes: UnsafeBufferPointer<UInt8>
    let maximumDepth: Int
    var index = 0
    var depth = 0

    static func parse(_ bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits) -> Result<JSONValue, JSONError> {
        guard bytes.count <= limits.maximumBytes else {
            return .failure(JSONError(.tooLong(maximumBytes: limits.maximumBytes)))
        }
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { return .failure(JSONError(.byteOrderMark, offset: 0)) }
        var parser = JSONParser(bytes: bytes, maximumDepth: limits.maximumDepth)
        do throws(JSONError) {
            parser.skipSpace()
            guard parser.index < bytes.count else { throw JSONError(.empty, offset: parser.index) }
            let value = try parser.value()
            parser.skipSpace()
            guard parser.index == bytes.count else { throw JSONError(.trailingBytes, offset: parser.index) }
            return .success(value)
        } catch {
            return .failure(error)
        }
    }

    /// - Precondition: white space before the value is skipped.
    private mutating func value() throws(JSONError) -> JSONValue {
        guard index < bytes.count else { throw ended("a value") }
        switch bytes[index] {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case let byte: throw JSONError(.unexpected(byte: byte, expected: "a value"), offset: index)
        }
    }

    private mutating func object() throws(JSONError) -> JSONValue {
        try enter()
        var object = JSONObject()
        skipSpace()
        if take(UInt8(ascii: "}")) { return leave(.object(object)) }
        while true {
            guard index < bytes.count else { throw ended("a key") }
            guard bytes[index] == UInt8(ascii: "\"") else {
                throw JSONError(.unexpected(byte: bytes[index], expected: "a key"), offset: index)
            }
            let start = index
            let key = try string()
            skipSpace()
            try expect(UInt8(ascii: ":"), "':'")
            skipSpace()
            let value: JSONValue
            do throws(JSONError) {
                value = try self.value()
            } catch {
                throw error.within(.key(key))
            }
            guard object.append(key, value) else {
                throw JSONError(.duplicateKey, at: JSONPath([.key(key)]), offset: start)
            }
            skipSpace()
            if take(UInt8(ascii: "}")) { return leave(.object(object)) }
            try expect(UInt8(ascii: ","), "',' or '}'")
            skipSpace()
        }
    }

    private mutating func array() throws(JSONError) -> JSONValue {
        try enter()
        var elements: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return leave(.array(elements)) }
        while true {
            do throws(JSONError) {
                elements.append(try value())
            } catch {
                throw error.within(.index(elements.count))
            }
            skipSpace()
            if take(UInt8(ascii: "]")) { return leave(.array(elements)) }
            try expect(UInt8(ascii: ","), "',' or ']'")
            skipSpace()
        }
    }

    private mutating func number() throws(JSONError) -> String {
        let start = index
        _ = take(UInt8(ascii: "-"))
        let whole = digits()
        guard whole > 0, whole == 1 || bytes[index - whole] != UInt8(ascii: "0") else {
            throw JSONError(.invalidNumber, offset: start)
        }
        if take(UInt8(ascii: ".")), digits() == 0 { throw JSONError(.invalidNumber, offset: start) }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard digits() > 0 else { throw JSONError(.invalidNumber, offset: start) }
        }
        return String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<index]), as: UTF8.self)
    }

    private mutating func digits() -> Int {
        let start = index
        while index < bytes.count, bytes[index] >= 0x30, bytes[index] <= 0x39 { index += 1 }
        return index - start
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for offset in 0..<text.utf8CodeUnitCount {
            try expect(text.utf8Start[offset], "\(text)")
        }
        return value
    }

    private mutating func enter() throws(JSONError) {
        depth += 1
        guard depth <= maximumDepth else { throw JSONError(.tooDeep(maximumDepth: maximumDepth), offset: index) }
        index += 1
    }

    private mutating func leave(_ value: JSONValue) -> JSONValue {
        depth -= 1
        return value
    }

    mutating func skipSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0a, 0x0d: index += 1
            default: return
            }
        }
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    mutating func expect(_ byte: UInt8, _ expected: String) throws(JSONError) {
        guard index < bytes.count else { throw ended(expected) }
        guard bytes[index] == byte else {
            throw JSONError(.unexpected(byte: bytes[index], expected: expected), offset: index)
        }
        index += 1
    }

    func ended(_ expected: String) -> JSONError { JSONError(.unexpectedEnd(expected: expected), offset: bytes.count) }
}
