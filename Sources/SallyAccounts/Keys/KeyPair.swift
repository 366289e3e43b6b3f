// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import FoundationEssentials
import SallyKeepProtocol
package import SallyModel

/// A key pair that we made for somebody. Only the public half ever goes to a cluster.
package struct KeyPair: Sendable {
    package let algorithm: KeyAlgorithm
    package let publicKey: PublicKey
    /// The text of the file that `ssh -i` takes, without passphrase: PEM of PKCS#1 (RFC 8017, appendix A.1.2) for RSA,
    /// OpenSSH's own form (PROTOCOL.key) for Ed25519.
    package let privateKey: Secret<String>

    /// Makes a pair. RSA takes a second or more of one core: see `KeyForge`.
    ///
    /// - Parameter comment: stands in the public key, and in the private one where its form has a place for it.
    /// - Throws: `SallyError(.internal)` when the library makes no key.
    package static func make(_ algorithm: KeyAlgorithm, comment: String) throws -> KeyPair {
        switch algorithm {
        case .ed25519: ed25519(comment)
        case .rsa: try rsa(comment)
        }
    }

    private static func rsa(_ comment: String) throws -> KeyPair {
        do {
            let key = try _RSA.Signing.PrivateKey(keySize: .bits3072)
            let numbers = try key.publicKey.getKeyPrimitives()
            var blob = SSHWriter()
            blob.string(PublicKey.Kind.rsa.rawValue)
            blob.positiveNumber(numbers.publicExponent)
            blob.positiveNumber(numbers.modulus)
            return KeyPair(
                algorithm: .rsa,
                publicKey: PublicKey(type: .rsa, blob: blob.bytes, bits: key.keySizeInBits, comment: comment),
                privateKey: Secret(key.pemRepresentation + (key.pemRepresentation.hasSuffix("\n") ? "" : "\n")))
        } catch {
            throw SallyError(.internal, "no RSA key could be made", hint: "try again", cause: "\(type(of: error))")
        }
    }

    private static func ed25519(_ comment: String) -> KeyPair {
        let key = Curve25519.Signing.PrivateKey()
        let seed = Array(key.rawRepresentation)
        let point = Array(key.publicKey.rawRepresentation)
        var blob = SSHWriter()
        blob.string(PublicKey.Kind.ed25519.rawValue)
        blob.string(point)
        let text = openSSHForm(blob: blob.bytes, point: point, seed: seed, comment: comment)
        return KeyPair(
            algorithm: .ed25519,
            publicKey: PublicKey(type: .ed25519, blob: blob.bytes, bits: 256, comment: comment),
            privateKey: Secret(text))
    }

    /// OpenSSH's PROTOCOL.key with cipher `none`.
    private static func openSSHForm(blob: [UInt8], point: [UInt8], seed: [UInt8], comment: String) -> String {
        var secret = SSHWriter()
        // The same number twice: whoever decrypts with a wrong passphrase sees two.
        let check = UInt32.random(in: .min ... .max)
        secret.number(check)
        secret.number(check)
        secret.string(PublicKey.Kind.ed25519.rawValue)
        secret.string(point)
        secret.string(seed + point)
        secret.string(comment)
        var padding: UInt8 = 0
        while !secret.bytes.count.isMultiple(of: 8) {
            padding += 1
            secret.raw([padding])
        }
        var file = SSHWriter()
        file.raw("openssh-key-v1\0".utf8)
        file.string("none")
        file.string("none")
        file.string("")
        file.number(1)
        file.string(blob)
        file.string(secret.bytes)
        var lines = ["-----BEGIN OPENSSH PRIVATE KEY-----"]
        var digits = Base64.standard.encode(file.bytes)[...]
        while !digits.isEmpty {
            lines.append(String(digits.prefix(70)))
            digits = digits.dropFirst(70)
        }
        lines.append("-----END OPENSSH PRIVATE KEY-----\n")
        return lines.joined(separator: "\n")
    }
}

/// A key pair and whose it is.
package struct UserKey: Sendable {
    package let user: UserName
    package let pair: KeyPair

    package init(user: UserName, pair: KeyPair) {
        self.user = user
        self.pair = pair
    }

    /// `user007.rsa`.
    package var fileName: String { "\(user).\(pair.algorithm.fileExtension)" }
}
