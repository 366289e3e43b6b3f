// SPDX-License-Identifier: Apache-2.0

import Crypto
package import SallyModel

/// The gateway's own P-256 keys: the first signs, all verify, so that a key can be replaced without signing anybody out.
package struct SessionKeys: Sendable {
    struct Verifying: Sendable {
        /// `header.` of every session token of this key, in base64url. Tokens are compared with it, not parsed.
        var prefix: [UInt8]
        var key: P256.Signing.PublicKey
    }

    let signing: P256.Signing.PrivateKey
    let verifying: [Verifying]

    /// - Parameter pems: one private key in PEM each (PKCS #8 or SEC 1). The caller read them from files that nobody else
    ///   can read.
    /// - Throws: `SallyError(.misconfigured)` when there is none, or one is no P-256 key; it never repeats the text.
    package init(pems: [Secret<String>]) throws {
        let keys = try pems.enumerated().map { index, pem in
            do {
                return try P256.Signing.PrivateKey(pemRepresentation: pem.reveal())
            } catch {
                throw SallyError(
                    .misconfigured, "session key \(index + 1) is not a P-256 private key in PEM",
                    hint: "make one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`")
            }
        }
        guard let first = keys.first else { throw SallyError(.misconfigured, "there is no session key") }
        signing = first
        verifying = keys.map { Verifying(prefix: SessionKeys.prefix($0.publicKey), key: $0.publicKey) }
    }

    /// A new private key in PEM.
    package static func generateKeyPEM() -> Secret<String> { Secret(P256.Signing.PrivateKey().pemRepresentation) }

    private static func prefix(_ key: P256.Signing.PublicKey) -> [UInt8] {
        let kid = Base64URL.encode(SHA256.hash(data: key.x963Representation).prefix(12))
        let header = #"{"alg":"ES256","kid":"\#(kid)","typ":"sally+jwt"}"#
        return Array((Base64URL.encode(header.utf8) + ".").utf8)
    }
}
