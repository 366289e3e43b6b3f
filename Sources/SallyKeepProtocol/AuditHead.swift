// SPDX-License-Identifier: Apache-2.0

package import SallyModel

extension Countersignature {
    /// The bytes that are signed: `sallyport-audit-head`, sequence, hash and time (whole seconds since 1970, in
    /// decimal), one a line, no line feed at the end.
    package static func message(_ position: AuditPosition, at time: Timestamp) -> [UInt8] {
        Array("sallyport-audit-head\n\(position.sequence)\n\(position.hash)\n\(time.rawValue)".utf8)
    }
}

extension AuditPosition {
    /// Whether this can be the place of an event: a positive number and 64 lower-case hexadecimal digits.
    package var isWellFormed: Bool {
        sequence > 0 && hash.utf8.count == 64
            && hash.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
