// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// A key in an archive.
struct ArchiveEntry: Sendable {
    var member: KeyArchive.Member
    var privateKey: Secret<String>

    init(_ key: UserKey) {
        let text = key.pair.privateKey
        member = KeyArchive.Member(
            user: key.user, algorithm: key.pair.algorithm, mode: 0o400, size: text.reveal().utf8.count,
            modified: Timestamp(0))
        privateKey = text
    }

    /// - Returns: nil for the folder `./`.
    /// - Throws: `TarFormat.Damage` for anything but `./NAME.rsa` or `./NAME.ed25519` with such a key in it.
    init?(_ member: TarFormat.Member) throws(TarFormat.Damage) {
        if member.kind == .folder, member.name == "./" { return nil }
        let parts = member.name.split(separator: ".", omittingEmptySubsequences: false)
        guard member.kind == .file, parts.count == 3, parts[0].isEmpty, parts[1].hasPrefix("/"),
            let user = UserName(rawValue: String(parts[1].dropFirst())),
            let algorithm = KeyAlgorithm.allCases.first(where: { $0.fileExtension == parts[2] })
        else {
            let name = quoted(member.name)
            throw TarFormat.Damage(
                reason: member.name.hasSuffix("users.txt")
                    ? "\(name) in it is StarCluster's file of passwords in clear text"
                    : "\(name) in it is no key of a user")
        }
        let begin = algorithm == .rsa ? "RSA" : "OPENSSH"
        let text = String(decoding: member.content, as: UTF8.self)
        guard member.content.allSatisfy({ (0x20..<0x7f).contains($0) || $0 == 0x0a }),
            text.hasPrefix("-----BEGIN \(begin) PRIVATE KEY-----\n"),
            text.hasSuffix("-----END \(begin) PRIVATE KEY-----\n")
        else { throw TarFormat.Damage(reason: "\(quoted(member.name)) in it is no private key of its type") }
        self.member = KeyArchive.Member(
            user: user, algorithm: algorithm, mode: member.mode, size: member.content.count, modified: member.modified)
        privateKey = Secret(text)
    }
}

extension [ArchiveEntry] {
    /// - Throws: `TarFormat.Damage` when somebody has two keys.
    func distinct() throws(TarFormat.Damage) -> [ArchiveEntry] {
        var seen: Set<UserName> = []
        for entry in self where !seen.insert(entry.member.user).inserted {
            throw TarFormat.Damage(reason: "\(entry.member.user) has two keys in it")
        }
        return self
    }
}

/// What goes into a new archive. Pure.
struct ArchivePlan {
    /// In the order of `wanted`, then others with new keys in theirs.
    let entries: [ArchiveEntry]
    let kept: [UserName]
    let dropped: [UserName]

    /// - Throws: `SallyError(.invalidRequest)` for two new keys of one user.
    init(new: [UserKey], wanted: [UserName], before: [ArchiveEntry]) throws {
        var users: Set<UserName> = []
        for key in new where !users.insert(key.user).inserted {
            throw SallyError(.invalidRequest, "\(key.user) would have two keys in the archive", hint: "one for each")
        }
        self.init(entries: new.map { ArchiveEntry($0) }, wanted: wanted, before: before)
    }

    /// - Parameter new: one for each user.
    init(entries new: [ArchiveEntry], wanted: [UserName], before: [ArchiveEntry]) {
        var keys: [UserName: ArchiveEntry] = [:]
        for entry in new { keys[entry.member.user] = entry }
        var kept: [UserName] = []
        var dropped: [UserName] = []
        let needed = Set(wanted)
        for entry in before where keys[entry.member.user] == nil {
            guard needed.contains(entry.member.user) else {
                dropped.append(entry.member.user)
                continue
            }
            keys[entry.member.user] = entry
            kept.append(entry.member.user)
        }
        entries = (wanted + new.map(\.member.user)).compactMap { keys.removeValue(forKey: $0) }
        self.kept = kept
        self.dropped = dropped
    }
}
