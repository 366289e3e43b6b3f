// SPDX-License-Identifier: Apache-2.0

/// application/x-www-form-urlencoded, with %20 for a space, so that the same text fits into a query (RFC 3986).
func formEncoded(_ fields: [(String, String)]) -> String {
    fields.map { "\(percentEncoded($0.0))=\(percentEncoded($0.1))" }.joined(separator: "&")
}

/// `url` with `fields` appended to its query.
func appending(_ fields: [(String, String)], to url: String) -> String {
    "\(url)\(url.utf8.contains(UInt8(ascii: "?")) ? "&" : "?")\(formEncoded(fields))"
}

/// Everything but the unreserved characters of RFC 3986 section 2.3 as %XX.
func percentEncoded(_ text: String) -> String {
    let hexadecimal = Array("0123456789ABCDEF".utf8)
    var result: [UInt8] = []
    for byte in text.utf8 {
        if isUnreserved(byte) {
            result.append(byte)
        } else {
            result += [UInt8(ascii: "%"), hexadecimal[Int(byte >> 4)], hexadecimal[Int(byte & 15)]]
        }
    }
    return String(decoding: result, as: UTF8.self)
}

func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: true
    default: false
    }
}
