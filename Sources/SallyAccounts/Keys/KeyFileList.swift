// SPDX-License-Identifier: Apache-2.0

import Crypto
import SallyKeepProtocol
package import SallyModel

/// Which encrypted files of keys in a folder are ours: `.<cluster>-<region>.keys`, mode 0600, beside them. A line for each has
/// the user, the file, the SHA-256 of its content (base64) and the public key.
///
/// Nothing is a file of ours but what has this content still: another may have been put in its place.
package struct KeyFileList: Sendable {
    private struct Entry {
        var user: UserName
        var file: String
        var digest: String
        var key: PublicKey

        var line: String { "\(user) \(file) \(digest) \(key)\n" }
    }

    /// What became of files of people who are not wanted any more.
    package struct Swept: Sendable, Equatable {
        package var removed: [String] = []
        /// Whose these were.
        package var users: [UserName] = []
        /// Those that are not what we wrote; they stay.
        package var left: [String] = []
    }

    private static let sizeLimit = 16 << 20

    private let folder: String
    private let name: String

    /// - Parameters: as of `KeyArchive`.
    /// - Throws: `SallyError(.misconfigured)` for a region that cannot stand in the name of a file.
    package init(folder: String, cluster: ClusterName, region: String) throws {
        guard NodeName.accepts(region) else {
            throw SallyError(
                .misconfigured, "region \(quoted(region)) cannot stand in the name of a file",
                hint: "1-64 characters of A-Z a-z 0-9 - _ ., a letter or digit first")
        }
        self.folder = folder
        name = ".\(cluster)-\(region).keys"
    }

    /// The public halves of what lies in the folder to hand out.
    package func held() throws -> HeldKeys {
        guard let place = try existingFolder() else { return HeldKeys() }
        var held = HeldKeys()
        for entry in try entries(in: place) { held.handedOut[entry.user] = entry.key }
        return held
    }

    /// The list as it will be when these files are in the folder.
    ///
    /// - Precondition: the caller has the folder's `KeyFolderLock`.
    func file(
        with new: [(key: UserKey, name: String, bytes: [UInt8])], in place: KeyFolder
    ) throws -> (name: String, bytes: [UInt8]) {
        let names = Set(new.map(\.name))
        let entries =
            try entries(in: place).filter { !names.contains($0.file) }
            + new.map {
                Entry(
                    user: $0.key.user, file: $0.name, digest: KeyFileList.digest($0.bytes), key: $0.key.pair.publicKey)
            }
        return (name: name, bytes: KeyFileList.bytes(entries))
    }

    /// Removes our files of all but these people.
    ///
    /// - Throws: `SallyError`, as `KeyFolder`.
    package func sweep(for owners: KeyOwners) async throws -> Swept {
        guard let place = try existingFolder(),
            try entries(in: place).contains(where: { !owners.keeps($0.key, of: $0.user) })
        else { return Swept() }
        let lock = try await KeyFolderLock(place, patience: .seconds(30))
        defer { withExtendedLifetime(lock) {} }
        var swept = Swept()
        var rest: [Entry] = []
        for entry in try entries(in: place) {
            if owners.keeps(entry.key, of: entry.user) {
                rest.append(entry)
            } else if try isOurs(entry, in: place) {
                try place.remove(entry.file)
                swept.removed.append("\(place.path)/\(entry.file)")
                swept.users.append(entry.user)
            } else if place.has(entry.file) {
                swept.left.append("\(place.path)/\(entry.file)")
            }
        }
        if rest.isEmpty {
            try place.remove(name)
        } else {
            try place.replace([(name: name, bytes: KeyFileList.bytes(rest))]) { _ in }
        }
        return swept
    }

    /// Whatever cannot be read is not ours.
    private func isOurs(_ entry: Entry, in place: KeyFolder) throws -> Bool {
        do {
            return try place.read(entry.file, limit: KeyArchive.keyLimit * 2).map(KeyFileList.digest) == entry.digest
        } catch is SallyError {
            return false
        }
    }

    private func existingFolder() throws -> KeyFolder? {
        do {
            return try KeyFolder(folder, missing: .refuse)
        } catch let error as SallyError where error.code == .notFound {
            return nil
        }
    }

    /// Lines that are not ours are none: no file is named by anything but a user and a type of key.
    private func entries(in place: KeyFolder) throws -> [Entry] {
        guard let bytes = try place.read(name, limit: KeyFileList.sizeLimit) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ", maxSplits: 3).map(String.init)
            guard words.count == 4, let user = UserName(rawValue: words[0]),
                KeyAlgorithm.allCases.contains(where: { words[1] == "\(user).\($0.fileExtension).age" }),
                let key = try? PublicKey(words[3])  // no key of ours then
            else { return nil }
            return Entry(user: user, file: words[1], digest: words[2], key: key)
        }
    }

    private static func digest(_ bytes: [UInt8]) -> String { Base64.standard.encode(SHA256.hash(data: bytes)) }

    private static func bytes(_ entries: [Entry]) -> [UInt8] { Array(entries.map(\.line).joined().utf8) }
}
