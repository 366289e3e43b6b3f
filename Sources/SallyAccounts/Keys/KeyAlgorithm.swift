// SPDX-License-Identifier: Apache-2.0

/// Of what kind a key pair is that we make.
package enum KeyAlgorithm: String, Sendable, CaseIterable, Codable {
    case ed25519
    /// 3072 bits: for those who know `user007.rsa` from StarCluster, and for old SSH programs.
    case rsa

    /// What a file with such a private key is called after the dot: `user007.rsa`.
    package var fileExtension: String { rawValue }
}
