// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A range of IP addresses in CIDR notation (RFC 4632, RFC 4291 section 2.3), or one address.
package struct AddressRange: Sendable, Equatable, CustomStringConvertible {
    /// 4 or 16 bytes in network order; what `bits` does not cover is zero.
    package let bytes: [UInt8]
    package let bits: Int

    /// Nil unless `text` is `ADDRESS` or `ADDRESS/BITS` with no bit set outside the prefix.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let bytes = AddressRange.bytes(of: String(parts[0])) else { return nil }
        var bits = bytes.count * 8
        if parts.count == 2 {
            guard let given = Int(parts[1]), String(given) == parts[1], (0...bits).contains(given) else { return nil }
            bits = given
        }
        self.bytes = bytes
        self.bits = bits
        guard masked(bytes) == bytes else { return nil }
    }

    /// Whether `address`, in text, lies in the range. An IPv4 address mapped into IPv6 counts as IPv4.
    package func contains(_ address: String) -> Bool {
        guard let other = AddressRange.bytes(of: address), other.count == bytes.count else { return false }
        return masked(other) == bytes
    }

    private func masked(_ address: [UInt8]) -> [UInt8] {
        address.enumerated().map { index, byte in
            let covered = min(8, max(0, bits - index * 8))
            return covered == 0 ? 0 : byte & (0xff << UInt8(8 - covered))
        }
    }

    /// 4 or 16 bytes; nil for what is no address (inet_pton(3)).
    static func bytes(of text: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
        var sixteen = in6_addr()
        guard inet_pton(AF_INET6, text, &sixteen) == 1 else { return nil }
        let bytes = withUnsafeBytes(of: sixteen) { Array($0) }
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
        return bytes.starts(with: mapped) ? Array(bytes[12...]) : bytes
    }

    /// Whether `address` is 127.0.0.0/8 or ::1.
    package static func isLoopback(_ address: String) -> Bool {
        guard let bytes = bytes(of: address) else { return false }
        return bytes.count == 4 ? bytes[0] == 127 : bytes == Array(repeating: 0, count: 15) + [1]
    }

    package var description: String {
        var bytes = bytes
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, &bytes, &buffer, socklen_t(buffer.count))
        let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "\(text)/\(bits)"
    }
}
