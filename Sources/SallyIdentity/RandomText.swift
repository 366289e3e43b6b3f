// SPDX-License-Identifier: Apache-2.0

/// `count` random bytes in base64url. 32 bytes are the 256 bits of every secret here.
func randomText(bytes count: Int = 32, using generator: inout some RandomNumberGenerator) -> String {
    Base64URL.encode((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
}
