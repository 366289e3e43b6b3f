// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// Who can open an encrypted private key: the owner of an SSH key, or who knows a passphrase.
package struct AgeRecipient: Sendable {
    enum Way: Sendable {
        case key(PublicKey)
        case passphrase(Secret<String>)
    }

    let way: Way

    /// - Throws: `SallyError(.invalidRequest)` for a key that age(1) cannot encrypt for: it takes ssh-ed25519 and ssh-rsa.
    package static func key(_ key: PublicKey) throws -> AgeRecipient {
        switch key.type {
        case .ed25519, .rsa: AgeRecipient(way: .key(key))
        case .ecdsa256, .ecdsa384, .ecdsa521, .securityEd25519, .securityECDSA256:
            throw SallyError(
                .invalidRequest, "age cannot encrypt for a key of type \(key.type.rawValue)",
                hint: "encrypt_for takes ssh-ed25519 and ssh-rsa keys, or `passphrase`")
        }
    }

    /// - Throws: `SallyError(.invalidRequest)` for less than 8 characters, more than 512 bytes, or control characters.
    package static func passphrase(_ passphrase: Secret<String>) throws -> AgeRecipient {
        let text = passphrase.reveal()
        guard text.count >= 8, text.utf8.count <= 512,
            text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            throw SallyError(
                .invalidRequest,
                "the passphrase for the keys is not 8 characters to 512 bytes without control characters",
                hint: "choose some words")
        }
        return AgeRecipient(way: .passphrase(passphrase))
    }
}
