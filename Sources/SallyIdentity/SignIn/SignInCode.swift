// SPDX-License-Identifier: Apache-2.0

import Crypto

/// The one-time code between the browser and the CLI.
///
/// What is stored is SHA-256 over the CLI's PKCE challenge and the code: who redeems needs the code *and* the verifier,
/// and guessing codes without the verifier finds, and uses up, nothing.
struct SignInCode {
    let text: String

    /// For a loopback redirect: 256 bits.
    static func redirected(using generator: inout some RandomNumberGenerator) -> SignInCode {
        SignInCode(text: "sgc_" + randomText(using: &generator))
    }

    /// To be typed: XXXX-XXXX of 30 letters and digits that cannot be mistaken for one another, 39 bits.
    static func typed(using generator: inout some RandomNumberGenerator) -> SignInCode {
        let characters = (0..<8).map { _ in alphabet[Int.random(in: alphabet.indices, using: &generator)] }
        return SignInCode(text: String(characters[..<4]) + "-" + String(characters[4...]))
    }

    private static let alphabet = Array("23456789ABCDEFGHJKMNPQRSTVWXYZ")

    private init(text: String) { self.text = text }

    /// As somebody typed it: any case, spaces and dashes anywhere. Nil for what cannot be a code.
    init?(given: String) {
        guard given.utf8.count <= 64 else { return nil }
        if given.hasPrefix("sgc_") {
            guard Base64URL.decode(given.utf8.dropFirst(4))?.count == 32 else { return nil }
            text = given
            return
        }
        let characters = given.uppercased().filter { $0 != "-" && !$0.isWhitespace }
        guard characters.count == 8, characters.allSatisfy(SignInCode.alphabet.contains) else { return nil }
        text = "\(characters.prefix(4))-\(characters.suffix(4))"
    }

    func hash(challenge: String) -> [UInt8] {
        Array(SHA256.hash(data: Array("sallyport sign-in code 1\n\(challenge)\n\(text)".utf8)))
    }
}
