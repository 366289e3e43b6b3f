// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// An address, or a prefix of one: `10.1.0.0/24`, `fd00::/8`.
struct Network: Sendable, Hashable {
    private let bytes: [UInt8]
    private let bits: Int

    /// nil for anything else; a prefix has at least one bit.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let address = parts.first, parts.count <= 2, let bytes = Network.bytes(of: String(address)) else {
            return nil
        }
        self.bytes = bytes
        guard parts.count == 2 else {
            bits = bytes.count * 8
            return
        }
        guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let bits = Int(parts[1]),
            (1...bytes.count * 8).contains(bits)
        else { return nil }
        self.bits = bits
    }

    func contains(_ other: Network) -> Bool {
        guard bytes.count == other.bytes.count, other.bits >= bits else { return false }
        return (0..<bits).allSatisfy { bit in
            (bytes[bit / 8] ^ other.bytes[bit / 8]) & (0x80 >> UInt8(bit % 8)) == 0
        }
    }

    /// 127.0.0.0/8 and ::1, where a machine calls itself alone.
    var isLoopback: Bool { bytes.count == 4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } }

    /// inet_pton(3): no abbreviations, no octal numbers.
    private static func bytes(of text: String) -> [UInt8]? {
        guard !text.utf8.contains(0) else { return nil }
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if inet_pton(family, text, &bytes) == 1 { return bytes }
        }
        return nil
    }
}
