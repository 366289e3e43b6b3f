// SPDX-License-Identifier: Apache-2.0

import Crypto
import SallyModel

extension PublicKey.Kind {
    /// Checks that `blob` is a key of this type and nothing else, and returns its bits.
    ///
    /// ssh-ed25519: RFC 8709, section 4. ecdsa-sha2-*: RFC 5656, section 3.1. ssh-rsa: RFC 4253, section 6.6. sk-*:
    /// OpenSSH's PROTOCOL.u2f.
    /// - Throws: `SallyError(.invalidRequest)`.
    func check(_ blob: [UInt8]) throws -> Int {
        var reader = SSHReader(blob)
        guard let inner = reader.string() else { throw damaged }
        guard inner == Array(rawValue.utf8) else {
            throw SallyError(
                .invalidRequest, "this public key says it is \(rawValue), but holds another type",
                hint: "copy the whole line of the .pub file")
        }
        let bits: Int
        switch self {
        case .ed25519, .securityEd25519:
            guard reader.string()?.count == 32 else { throw damaged }
            bits = 256
        case .ecdsa256, .securityECDSA256:
            let point = try readPoint(&reader, on: "nistp256")
            try onCurve { _ = try P256.Signing.PublicKey(x963Representation: point) }
            bits = 256
        case .ecdsa384:
            let point = try readPoint(&reader, on: "nistp384")
            try onCurve { _ = try P384.Signing.PublicKey(x963Representation: point) }
            bits = 384
        case .ecdsa521:
            let point = try readPoint(&reader, on: "nistp521")
            try onCurve { _ = try P521.Signing.PublicKey(x963Representation: point) }
            bits = 521
        case .rsa:
            bits = try rsa(&reader)
        }
        switch self {
        case .securityEd25519, .securityECDSA256:
            // The application that the key is bound to, such as `ssh:`.
            guard let application = reader.string(), (1...255).contains(application.count),
                application.allSatisfy({ (0x21..<0x7f).contains($0) })
            else { throw damaged }
        case .ed25519, .ecdsa256, .ecdsa384, .ecdsa521, .rsa: break
        }
        guard reader.isAtEnd else { throw damaged }
        return bits
    }

    /// An uncompressed point; that it is on the curve, Crypto says.
    private func readPoint(_ reader: inout SSHReader, on curve: String) throws -> [UInt8] {
        guard reader.string() == Array(curve.utf8), let point = reader.string(), point.first == 0x04 else {
            throw damaged
        }
        return point
    }

    private func onCurve(_ check: () throws -> Void) throws {
        do { try check() } catch { throw damaged }
    }

    private func rsa(_ reader: inout SSHReader) throws -> Int {
        guard let exponent = reader.positiveNumber(), let modulus = reader.positiveNumber(),
            exponent.last.map({ !$0.isMultiple(of: 2) }) == true, exponent != [1], bitCount(exponent) <= 64,
            modulus.last.map({ !$0.isMultiple(of: 2) }) == true
        else { throw damaged }
        let bits = bitCount(modulus)
        guard PublicKey.rsaBits.contains(bits) else {
            throw SallyError(
                .invalidRequest,
                "an RSA key has \(PublicKey.rsaBits.lowerBound) to \(PublicKey.rsaBits.upperBound) bits, this has \(bits)",
                hint: "make one with ssh-keygen -t ed25519")
        }
        return bits
    }

    private var damaged: SallyError {
        SallyError(
            .invalidRequest, "this is not a sound \(rawValue) key", hint: "copy the whole line of the .pub file")
    }
}
