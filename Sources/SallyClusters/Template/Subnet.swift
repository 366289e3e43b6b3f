// SPDX-License-Identifier: Apache-2.0

/// An IPv4 network in CIDR notation (RFC 4632): `10.231.7.0/24`.
package struct Subnet: Sendable, Hashable, CustomStringConvertible {
    package let base: UInt32
    package let prefix: Int

    /// nil unless `text` is four octets, `/`, a length of 1 to 30, and no host bits are set.
    package init?(_ text: String) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, let prefix = Int(halves[1]), (1...30).contains(prefix),
            let base = Subnet.address(String(halves[0])), base & ~Subnet.mask(prefix) == 0
        else { return nil }
        self.base = base
        self.prefix = prefix
    }

    package init(base: UInt32, prefix: Int) {
        self.base = base & Subnet.mask(prefix)
        self.prefix = prefix
    }

    package var description: String { "\(Subnet.text(base))/\(prefix)" }

    package func overlaps(_ other: Subnet) -> Bool {
        let common = Subnet.mask(min(prefix, other.prefix))
        return base & common == other.base & common
    }

    /// The numbers that hosts may have, the gateway's included.
    package var hostNumbers: ClosedRange<Int> { 1...((1 << (32 - prefix)) - 2) }

    /// The host with this number, such as 1 for the gateway, as text.
    package func host(_ number: Int) -> String { Subnet.text(base + UInt32(number)) }

    /// The first /24 of this pool (or the whole pool, if it is smaller) that overlaps none of `taken`.
    package func firstFree(besides taken: [Subnet]) -> Subnet? {
        let size = max(prefix, 24)
        return (0..<(1 << (size - prefix))).lazy
            .map { Subnet(base: base + UInt32($0) << UInt32(32 - size), prefix: size) }
            .first { candidate in !taken.contains { $0.overlaps(candidate) } }
    }

    /// The networks that the kernel routes to, after the text of /proc/net/route (proc(5)): addresses in hexadecimal,
    /// bytes in reverse. The default route is none of them.
    package static func routed(_ table: String) -> [Subnet] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            guard fields.count > 7, let base = UInt32(fields[1], radix: 16), let mask = UInt32(fields[7], radix: 16),
                mask != 0
            else { return nil }
            return Subnet(base: base.byteSwapped, prefix: mask.nonzeroBitCount)
        }
    }

    static func address(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var result: UInt32 = 0
        for part in parts {
            guard part.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), part.count <= 3, let octet = UInt8(part) else {
                return nil
            }
            result = result << 8 | UInt32(octet)
        }
        return result
    }

    private static func mask(_ prefix: Int) -> UInt32 { prefix == 0 ? 0 : ~UInt32(0) << UInt32(32 - prefix) }

    private static func text(_ address: UInt32) -> String {
        [24, 16, 8, 0].map { String(address >> UInt32($0) & 0xff) }.joined(separator: ".")
    }
}
