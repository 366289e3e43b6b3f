// SPDX-License-Identifier: Apache-2.0

package import SallyConfig
package import SallyModel

/// What the plugin `createusers` is to do, checked.
package struct CreateUsersSettings: Sendable, Equatable {
    /// The most users that one plugin makes.
    package static let maximumUsers = 10_000

    /// In the order of the file, none twice, at least one.
    package var users: [UserName]
    package var downloadKeys: Bool
    /// Absolute.
    package var downloadKeysDirectory: String
    package var keyType: KeyType
    /// A file of `NAME KEY` lines or a folder of `NAME.pub`; absolute.
    package var publicKeys: String?
    package var encryptFor: EncryptFor?
    package var expires: AccountExpiry?
    package var scratch: ScratchSettings?
    /// Whether a home that is there already gives its owner's uid to a new user of that name.
    package var adoptHomes: Bool
    /// Where uids are chosen from.
    package var uids: UIDRange
    /// Absolute; nil is the cluster's shell.
    package var shell: String?
    /// Slurm accounts, the default first; empty is the cluster's default.
    package var accounts: [AccountName]

    /// Of what kind a key is that is handed out.
    package enum KeyType: String, Sendable, CaseIterable {
        case ed25519
        /// RSA with 3072 bits.
        case rsa3072 = "rsa"
    }

    /// Who can open a private key in the archive.
    package enum EncryptFor: Sendable, Equatable {
        /// A public key of `ssh-ed25519` or `ssh-rsa` for each of these users, on one line.
        case keys([UserName: String])
        /// One passphrase for all, asked for when the archive is made.
        case passphrase
    }
}

/// Scratch folders on every node: `FOLDER/USER`, and a link `LINKS/USER` to it.
package struct ScratchSettings: Sendable, Equatable {
    package var folder: String
    package var links: String?

    /// As the document has it.
    package static let documented = ScratchSettings(folder: "/mnt", links: "/scratch")
}
