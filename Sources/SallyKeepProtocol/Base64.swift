// SPDX-License-Identifier: Apache-2.0

/// RFC 4648: the two alphabets that the messages use. Decoding takes exactly what encoding makes.
package enum Base64: Sendable {
    /// Section 4, with padding.
    case standard
    /// Section 5, without padding.
    case url

    package func encode(_ bytes: some Sequence<UInt8>) -> String {
        let alphabet = alphabet
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[Int(bits >> UInt32(count) & 63)])
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << UInt32(6 - count) & 63)]) }
        if self == .standard {
            while !text.count.isMultiple(of: 4) { text.append(padding) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// - Returns: nil for other characters, wrong padding, or bits set that stand for nothing.
    package func decode(_ text: some StringProtocol) -> [UInt8]? {
        var digits = Array(text.utf8)
        if self == .standard {
            guard digits.count.isMultiple(of: 4) else { return nil }
            let pads = digits.reversed().prefix { $0 == padding }.count
            guard pads <= 2 else { return nil }
            digits.removeLast(pads)
        }
        guard digits.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count * 3 / 4)
        var bits: UInt32 = 0
        var count = 0
        for digit in digits {
            guard let value = value(of: digit) else { return nil }
            bits = bits << 6 | value
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bits & (1 << UInt32(count) - 1) == 0 ? bytes : nil
    }

    private var alphabet: [UInt8] {
        let common = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        return Array((common + (self == .url ? "-_" : "+/")).utf8)
    }

    private func value(of digit: UInt8) -> UInt32? {
        switch digit {
        case 0x41...0x5a: UInt32(digit - 0x41)
        case 0x61...0x7a: UInt32(digit - 0x61 + 26)
        case 0x30...0x39: UInt32(digit - 0x30 + 52)
        case 0x2d where self == .url, 0x2b where self == .standard: 62
        case 0x5f where self == .url, 0x2f where self == .standard: 63
        default: nil
        }
    }
}

private let padding: UInt8 = 0x3d
