// SPDX-License-Identifier: Apache-2.0

import Crypto
import SallyModel

/// A refresh token: `srt_` and 256 random bits. Only its SHA-256 is stored.
///
/// The successor is stored sealed (ChaCha20-Poly1305, RFC 8439) under a key derived (HKDF, RFC 5869) from the token that it
/// replaces: who still holds that one gets the same successor again within the grace time, and the store never can.
package struct RefreshToken: Sendable, Equatable {
    let text: String

    private static let prefix = "srt_"

    static func random(using generator: inout some RandomNumberGenerator) -> RefreshToken {
        RefreshToken(unchecked: prefix + randomText(using: &generator))
    }

    /// Nil for what was never a refresh token.
    package init?(_ text: String) {
        guard text.hasPrefix(RefreshToken.prefix),
            Base64URL.decode(text.utf8.dropFirst(RefreshToken.prefix.utf8.count))?.count == 32
        else { return nil }
        self.text = text
    }

    private init(unchecked text: String) { self.text = text }

    /// SHA-256 of the text.
    package var hash: [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    func seal(_ successor: RefreshToken) throws -> [UInt8] {
        Array(try ChaChaPoly.seal(Array(successor.text.utf8), using: key).combined)
    }

    /// - Throws: when `sealed` was not sealed under this token.
    func open(_ sealed: [UInt8]) throws -> RefreshToken {
        let text = try ChaChaPoly.open(ChaChaPoly.SealedBox(combined: sealed), using: key)
        guard let token = RefreshToken(String(decoding: text, as: UTF8.self)) else {
            throw SallyError(.internal, "a stored successor is not a refresh token")
        }
        return token
    }

    private var key: SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: Array(text.utf8)), info: Array("sallyport refresh successor 1".utf8),
            outputByteCount: 32)
    }
}
