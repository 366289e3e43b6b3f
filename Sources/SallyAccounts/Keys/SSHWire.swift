// SPDX-License-Identifier: Apache-2.0

/// Reads the data types of RFC 4251, section 5.
struct SSHReader {
    private var rest: ArraySlice<UInt8>
    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    /// - Returns: nil when fewer bytes are left than announced.
    mutating func string() -> [UInt8]? {
        guard rest.count >= 4 else { return nil }
        let length = rest.prefix(4).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard UInt64(rest.count - 4) >= length else { return nil }
        let start = rest.startIndex + 4
        let end = start + Int(length)
        defer { rest = rest[end...] }
        return Array(rest[start..<end])
    }

    mutating func number() -> UInt32? {
        guard rest.count >= 4 else { return nil }
        defer { rest = rest.dropFirst(4) }
        return rest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// A positive mpint in its shortest form, without the zero byte in front.
    mutating func positiveNumber() -> [UInt8]? {
        guard let bytes = string(), let first = bytes.first, first < 0x80 else { return nil }
        guard first == 0 else { return bytes }
        guard bytes.count > 1, bytes[1] >= 0x80 else { return nil }
        return Array(bytes.dropFirst())
    }
}

/// Writes the data types of RFC 4251, section 5.
struct SSHWriter {
    private(set) var bytes: [UInt8] = []

    mutating func raw(_ more: some Sequence<UInt8>) { bytes += more }

    mutating func number(_ value: UInt32) {
        for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    /// - Precondition: shorter than 4 GiB.
    mutating func string(_ more: [UInt8]) {
        number(UInt32(more.count))
        bytes += more
    }

    mutating func string(_ text: String) { string(Array(text.utf8)) }

    /// A positive mpint of these bytes, the highest first.
    mutating func positiveNumber(_ magnitude: some Sequence<UInt8>) {
        let shortest = Array(magnitude.drop { $0 == 0 })
        string(shortest.first.map { $0 >= 0x80 } == true ? [0] + shortest : shortest)
    }
}

/// How many bits a number has, its highest byte first and not zero.
func bitCount(_ magnitude: [UInt8]) -> Int {
    guard let first = magnitude.first else { return 0 }
    return magnitude.count * 8 - first.leadingZeroBitCount
}
