// SPDX-License-Identifier: Apache-2.0

/// What is said wherever private keys are written to be handed out.
package enum KeyWarning {
    /// - Parameters:
    ///   - people: whose keys are in the archive.
    ///   - path: the archive.
    package static func archive(of people: Int, at path: String) -> String {
        let whose = people == 1 ? "the private key of 1 person" : "the private keys of \(people) people"
        let are = people == 1 ? "is this person" : "is each of these people"
        return """
            \(path) holds \(whose), without passphrase: whoever has the file \(are) on the whole cluster. Give everybody \
            their own key and nobody else's, by a way that others cannot read, then delete the file. (`encrypt_for` writes \
            an encrypted file for each person instead; with `public_keys` people keep keys that they made themselves.)
            """
    }
}
