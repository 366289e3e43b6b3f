// SPDX-License-Identifier: Apache-2.0

extension JSONParser {
    /// - Precondition: the next byte is the opening quote.
    mutating func string() throws(JSONError) -> String {
        index += 1
        let start = index
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                let text = try decoded(UnsafeBufferPointer(rebasing: bytes[start..<index]), offset: start)
                index += 1
                return text
            case UInt8(ascii: "\\"): return try stringWithEscapes(from: start)
            case 0..<0x20: throw JSONError(.controlCharacter, offset: index)
            default: index += 1
            }
        }
        throw ended("the end of a string")
    }

    private mutating func stringWithEscapes(from start: Int) throws(JSONError) -> String {
        var text = Array(bytes[start..<index])
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index += 1
                let result = text.withUnsafeBufferPointer { String(validating: $0, as: UTF8.self) }
                guard let result else { throw JSONError(.invalidUTF8, offset: start) }
                return result
            case UInt8(ascii: "\\"):
                let scalar = try escape()
                text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            case 0..<0x20: throw JSONError(.controlCharacter, offset: index)
            case let byte:
                text.append(byte)
                index += 1
            }
        }
        throw ended("the end of a string")
    }

    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let start = index
        index += 1
        guard index < bytes.count else { throw ended("an escape") }
        defer { index += 1 }
        switch bytes[index] {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape(from: start)
        default: throw JSONError(.invalidEscape, offset: start)
        }
    }

    /// Reads `uXXXX`, and a second one after the first half of a pair. Leaves `index` on the last digit.
    private mutating func unicodeEscape(from start: Int) throws(JSONError) -> Unicode.Scalar {
        let first = try fourDigits(from: start)
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xdc00, index + 2 < bytes.count, bytes[index + 1] == UInt8(ascii: "\\"),
            bytes[index + 2] == UInt8(ascii: "u")
        else { throw JSONError(.loneSurrogate, offset: start) }
        index += 2
        let second = try fourDigits(from: start)
        guard second >= 0xdc00, second <= 0xdfff,
            let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xd800) << 10 + (UInt32(second) - 0xdc00))
        else { throw JSONError(.loneSurrogate, offset: start) }
        return scalar
    }

    private mutating func fourDigits(from start: Int) throws(JSONError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            index += 1
            guard index < bytes.count else { throw ended("an escape") }
            guard let digit = hexDigit(bytes[index]) else { throw JSONError(.invalidEscape, offset: start) }
            value = value << 4 | UInt16(digit)
        }
        return value
    }

    private func decoded(_ text: UnsafeBufferPointer<UInt8>, offset: Int) throws(JSONError) -> String {
        guard let result = String(validating: text, as: UTF8.self) else {
            throw JSONError(.invalidUTF8, offset: offset)
        }
        return result
    }
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
}
