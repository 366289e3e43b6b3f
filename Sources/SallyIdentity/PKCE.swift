// SPDX-License-Identifier: Apache-2.0

import Crypto

/// Proof Key for Code Exchange (RFC 7636), method S256 alone.
enum PKCE {
    /// 43 to 128 unreserved characters (section 4.1).
    static func isVerifier(_ text: String) -> Bool {
        (43...128).contains(text.utf8.count) && text.utf8.allSatisfy(isUnreserved)
    }

    /// base64url of 32 bytes (section 4.2).
    static func isChallenge(_ text: String) -> Bool {
        text.utf8.count == 43 && Base64URL.decode(text.utf8) != nil
    }

    static func challenge(for verifier: String) -> String {
        Base64URL.encode(SHA256.hash(data: Array(verifier.utf8)))
    }
}
