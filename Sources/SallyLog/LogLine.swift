// SPDX-License-Identifier: Apache-2.0

/// One line of a log, as it is put together.
struct LogLine {
    private(set) var bytes: [UInt8] = []

    init(beginning: [UInt8]) {
        bytes.reserveCapacity(512)
        bytes.append(contentsOf: beginning)
    }

    /// Ends the line, cut off where it has more bytes than `limit` with its end.
    mutating func finish(within limit: Int) {
        let mark = Array("…\n".utf8)
        guard bytes.count >= limit else { return bytes.append(UInt8(ascii: "\n")) }
        var end = limit - mark.count
        // Not within a character.
        while bytes[end] & 0xc0 == 0x80 { end -= 1 }
        bytes.replaceSubrange(end..., with: mark)
    }

    /// What is ours.
    mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// A message: as it is, but for what would end the line or turn its text around.
    mutating func append(plain text: String) {
        guard !text.utf8.allSatisfy(LogLine.isPrintable) else { return append(text) }
        for scalar in text.unicodeScalars { append(escaping: scalar) }
    }

    /// Bytes of a value: a long one leaves room for those that tell whose request it was.
    private static let longestValue = 1024

    /// A value: in quotes unless it is one word, and cut off where it is long.
    mutating func append(value text: String) {
        if !text.isEmpty, text.utf8.count <= LogLine.longestValue, text.utf8.allSatisfy(LogLine.isOfWord) {
            return append(text)
        }
        bytes.append(UInt8(ascii: "\""))
        let limit = bytes.count + LogLine.longestValue
        for scalar in text.unicodeScalars {
            guard bytes.count < limit else {
                append("…")
                break
            }
            if scalar == "\"" || scalar == "\\" { bytes.append(UInt8(ascii: "\\")) }
            append(escaping: scalar)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func append(escaping scalar: Unicode.Scalar) {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator:
            append("\\u{\(String(scalar.value, radix: 16))}")
        default: bytes.append(contentsOf: UTF8.encode(scalar)!)  // a scalar has an encoding
        }
    }

    private static func isPrintable(_ byte: UInt8) -> Bool { byte >= 0x20 && byte < 0x7f }

    private static func isOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "="): false
        default: byte > 0x20 && byte < 0x7f
        }
    }
}
