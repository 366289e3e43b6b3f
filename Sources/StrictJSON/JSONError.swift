// SPDX-License-Identifier: Apache-2.0

/// Why a text is not the JSON that was expected.
///
/// `description` may be shown to the person who sent the text: it names the key path, what was found and what was
/// expected, in lower case and without a final period, and it never repeats values longer than 64 characters.
package struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    package let reason: Reason
    /// Where, from the outermost value on.
    package private(set) var path: JSONPath
    /// Byte offset in the text, where the text itself is wrong. Nil where its meaning is.
    package let offset: Int?

    package init(_ reason: Reason, at path: JSONPath = JSONPath(), offset: Int? = nil) {
        self.reason = reason
        self.path = path
        self.offset = offset
    }

    package enum Reason: Sendable, Equatable {
        /// No JSON at all.
        case empty
        case tooLong(maximumBytes: Int)
        case tooDeep(maximumDepth: Int)
        /// More of something than is believed.
        case tooMany(String, maximum: Int)
        case byteOrderMark
        /// The text stops in the middle.
        case unexpectedEnd(expected: String)
        case unexpected(byte: UInt8, expected: String)
        case trailingBytes
        case duplicateKey
        case controlCharacter
        case invalidUTF8
        case invalidEscape
        case loneSurrogate
        case invalidNumber
        /// All keys that nobody asked for, in the order of the text.
        case unknownKeys([JSONPath])
        case missingKey
        case wrongType(found: String, expected: String)
        case notAnInteger(String)
        case outOfRange(String)
        /// A value outside a closed list.
        case notAccepted(String, allowed: [String])
        case invalid(String)
    }

    /// Whether the text ended before the value did, as when a connection breaks.
    package var isTruncation: Bool {
        switch reason {
        case .unexpectedEnd, .empty: true
        default: false
        }
    }

    package var description: String {
        let text = path.isEmpty ? explanation : "\(path): \(explanation)"
        return offset.map { "\(text) (byte \($0))" } ?? text
    }

    /// The same error, seen from one level further out.
    func within(_ step: JSONPath.Step) -> JSONError {
        var error = self
        error.path = path.within(step)
        return error
    }

    private var explanation: String {
        switch reason {
        case .empty: "no JSON value"
        case .tooLong(let limit): "more than \(limit) bytes"
        case .tooDeep(let limit): "nested deeper than \(limit) levels"
        case .tooMany(let what, let limit): "more than \(limit) \(what)"
        case .byteOrderMark: "a byte order mark is not allowed"
        case .unexpectedEnd(let expected): "the text ends where \(expected) was expected"
        case .unexpected(let byte, let expected): "found \(name(of: byte)) where \(expected) was expected"
        case .trailingBytes: "bytes after the end of the value"
        case .duplicateKey: "the key is given twice"
        case .controlCharacter: "a control character in a string"
        case .invalidUTF8: "a string is not UTF-8"
        case .invalidEscape: "an escape in a string is not valid"
        case .loneSurrogate: "half of a surrogate pair in a string"
        case .invalidNumber: "a number is not valid"
        case .unknownKeys(let paths):
            (paths.count == 1 ? "unknown key " : "unknown keys ")
                + paths.prefix(20).map(\.description).joined(separator: ", ") + (paths.count > 20 ? ", …" : "")
        case .missingKey: "the key is missing"
        case .wrongType(let found, let expected): "expected \(expected), found \(found)"
        case .notAnInteger(let text): "\(shortened(text)) is not a whole number"
        case .outOfRange(let text): "\(shortened(text)) is out of range"
        case .notAccepted(let text, let allowed):
            shortened(text) + " is not accepted"
                + (allowed.isEmpty ? "" : ", only " + allowed.prefix(40).joined(separator: ", "))
        case .invalid(let text): text
        }
    }
}

private func name(of byte: UInt8) -> String {
    byte > 0x20 && byte < 0x7f ? "'\(Unicode.Scalar(byte))'" : "byte 0x\(String(byte, radix: 16))"
}

/// In double quotes, printable, at most 64 characters.
func shortened(_ text: String) -> String {
    var result = "\""
    for (index, scalar) in text.unicodeScalars.enumerated() {
        if index == 64 { return result + "…\"" }
        if scalar == "\"" || scalar == "\\" {
            result += "\\\(scalar)"
        } else if scalar.value < 0x20 || scalar.value >= 0x7f {
            result += "\\u{\(String(scalar.value, radix: 16))}"
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
