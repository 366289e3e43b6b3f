// SPDX-License-Identifier: Apache-2.0

func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
}

/// RFC 3986 section 2.1: everything but unreserved characters as %XX.
package func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var result: [UInt8] = []
    for byte in text.utf8 {
        if isLetterOrDigit(byte) || "-._~".utf8.contains(byte) {
            result.append(byte)
        } else {
            result += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: result, as: UTF8.self)
}

/// A value of a query as the browser sent it: %XX and + undone.
/// - Returns: nil when it is not well formed or not UTF-8.
func percentDecoded(_ text: some StringProtocol) -> String? {
    var result: [UInt8] = []
    var bytes = Array(text.utf8)[...]
    while let byte = bytes.popFirst() {
        switch byte {
        case 0x25:
            guard bytes.count >= 2, let value = UInt8(String(decoding: bytes.prefix(2), as: UTF8.self), radix: 16)
            else {
                return nil
            }
            result.append(value)
            bytes = bytes.dropFirst(2)
        case 0x2b: result.append(0x20)
        default: result.append(byte)
        }
    }
    return String(validating: result, as: UTF8.self)
}

/// `?name=value&...` of the pairs that have a value; empty when none has.
package func query(_ pairs: KeyValuePairs<String, String?>) -> String {
    let parts = pairs.compactMap { name, value in value.map { "\(percentEncoded(name))=\(percentEncoded($0))" } }
    return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
}

/// Text of the gateway, or of a job, as it may be shown on a terminal: control characters and those that turn the
/// direction of writing are escaped, so that nobody's job name can drive another person's terminal.
package func printable(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069:
            result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
