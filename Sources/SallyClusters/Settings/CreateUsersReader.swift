// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel

/// Reads the settings of `createusers`: everything that is wrong at once, in StarCluster's words where it has some.
struct CreateUsersReader {
    let section: ConfigSection
    /// What relative paths begin with, and what `~` is.
    let paths: PathExpansion
    /// Keys that were found wrong before.
    let refused: Set<String>

    /// What nobody asked for afterwards is unknown.
    ///
    /// - Returns: nil only after something was reported, or was `refused`.
    func read() -> CreateUsersSettings? {
        let users = readUsers()
        let download = section.optional("download_keys")?.bool() ?? false
        let folder = readPath(section.optional("download_keys_dir"), or: "~/.starcluster/user_keys")
        let keyType = section.optional("key_type").map { $0.choice(CreateUsersSettings.KeyType.self) } ?? .ed25519
        let publicKeys = section.optional("public_keys").map { readPath($0, or: nil) } ?? nil
        let encryptFor = section.optional("encrypt_for").flatMap { readRecipients($0, users ?? []) }
        let expires = section.optional("expires").flatMap(readExpiry)
        let scratch = section.optional("scratch").map(readScratch) ?? .documented
        let adopt = section.optional("adopt_homes")?.bool() ?? false
        let uids = readUIDs(section.optional("uids"), users: users?.count ?? 0)
        let shell = section.optional("shell").flatMap(readShell)
        let accounts = section.optional("accounts").map(readAccounts) ?? []
        guard let users, let folder, let keyType, let uids else { return nil }
        return CreateUsersSettings(
            users: users, downloadKeys: download, downloadKeysDirectory: folder, keyType: keyType,
            publicKeys: publicKeys, encryptFor: encryptFor, expires: expires, scratch: scratch, adoptHomes: adopt,
            uids: uids, shell: shell, accounts: accounts)
    }

    // MARK: - Names

    private func readUsers() -> [UserName]? {
        let number = section.optional("num_users")
        let texts = section.optional("usernames").flatMap(readNames)
        if number == nil, texts == nil {
            guard refused.isDisjoint(with: ["num_users", "usernames"]) else { return nil }
            if section.optional("usernames") == nil {
                section.report("you must provide num_users or usernames or both")
            }
            return nil
        }
        let count = number.flatMap(readCount)
        guard let texts else { return count.map(UserNameList.numbered) }
        if let count, texts.count < count {
            section.report("only \(texts.count) usernames provided - \(count) required", lineOf: "usernames")
        } else if let count, texts.count > count {
            section.report(
                "only \(texts.count) usernames provided - \(count) required: give as many as num_users says, or leave"
                    + " num_users away", lineOf: "usernames")
        } else if texts.count > CreateUsersSettings.maximumUsers {
            section.report("\(texts.count) usernames are more than \(maximum)", lineOf: "usernames")
        }
        let (names, problems) = UserNameList.check(texts)
        for problem in problems { section.report("usernames: \(problem)", lineOf: "usernames") }
        return names
    }

    private var maximum: Int { CreateUsersSettings.maximumUsers }

    /// nil where none are given, or after something was reported.
    private func readNames(_ value: ConfigValue) -> [String]? {
        if case .empty = value.node.content { return nil }
        guard let items = value.list() else { return nil }
        guard !items.isEmpty else {
            section.report("you must provide num_users or usernames or both", lineOf: "usernames")
            return nil
        }
        return items.compactMap { item in
            switch item.node.content {
            case .scalar(let text), .text(let text): return text
            case .empty: return ""
            case .list, .section: return item.fail("a name is wanted")
            }
        }
    }

    private func readCount(_ value: ConfigValue) -> Int? {
        func refuse(_ message: String) -> Int? {
            section.report(message, lineOf: "num_users")
            return nil
        }
        let text: String
        switch value.node.content {
        case .scalar(let found), .text(let found): text = found
        case .empty, .list, .section: return refuse("num_users must be an integer")
        }
        let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return refuse("num_users must be an integer")
        }
        // What Int cannot hold is too much, or too little.
        let number = Int(text) ?? (text.hasPrefix("-") ? Int.min : Int.max)
        guard number >= 1 else { return refuse("num_users is \(text.prefix(20)); at least 1 is wanted") }
        guard number <= maximum else { return refuse("num_users is \(text.prefix(20)); at most \(maximum) are made") }
        return number
    }

    // MARK: - Keys

    private func readRecipients(_ value: ConfigValue, _ users: [UserName]) -> CreateUsersSettings.EncryptFor? {
        switch value.node.content {
        case .scalar("passphrase"), .text("passphrase"): return .passphrase
        case .section:
            guard let entries = value.section()?.named(), !entries.isEmpty else {
                return value.fail("at least one USER: PUBLIC KEY is wanted")
            }
            var keys: [UserName: String] = [:]
            for (key, value) in entries {
                guard let name = UserName(rawValue: key), users.isEmpty || users.contains(name) else {
                    value.report("\(quoted(key)) is not one of the users")
                    continue
                }
                guard let text = value.string() else { continue }
                guard isPublicKey(text) else {
                    value.report("an SSH public key is wanted that age takes: ssh-ed25519 or ssh-rsa, on one line")
                    continue
                }
                keys[name] = text
            }
            return .keys(keys)
        case .scalar, .text, .empty, .list:
            return value.fail("passphrase, or a section of USER: PUBLIC KEY (in YAML), is wanted")
        }
    }

    /// Roughly: whoever encrypts looks at every byte. What is none is not shown, for it may be a private key.
    private func isPublicKey(_ text: String) -> Bool {
        let words = text.split(separator: " ")
        return words.count >= 2 && ["ssh-ed25519", "ssh-rsa"].contains(words[0]) && words[1].hasPrefix("AAAA")
            && text.utf8.count <= 8192
    }

    // MARK: - Accounts

    private func readExpiry(_ value: ConfigValue) -> AccountExpiry? {
        guard let text = value.string() else { return nil }
        return AccountExpiry.parse(text)
            ?? value.fail(
                "\(quoted(text)) is neither a time from 60s to 3650d, such as 3d, nor a day, such as 2027-01-31")
    }

    private func readUIDs(_ value: ConfigValue?, users: Int) -> UIDRange? {
        guard let value else { return range("30000-39999", users: users) { section.report($0) } }
        guard let text = value.string() else { return nil }
        return range(text, users: users, report: value.report)
    }

    private func range(_ text: String, users: Int, report: (String) -> Void) -> UIDRange? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt32($0) }
        guard parts.count == 2, let low = parts[0], let high = parts[1], low <= high,
            let first = UserID(rawValue: low), let last = UserID(rawValue: high),
            high < 65534 || low > 65535
        else {
            report(
                "\(quoted(text)) is no range of uids such as 30000-39999, from 1000 to 2147483647 and without 65534 and"
                    + " 65535")
            return nil
        }
        guard Int(high - low) + 1 >= users else {
            report("uids \(text) are \(high - low + 1), too few for \(users) users; give a wider range in uids")
            return nil
        }
        return UIDRange(first: first, last: last)
    }

    private func readShell(_ value: ConfigValue) -> String? {
        guard let path = value.absolutePath() else { return nil }
        return isPlain(path) ? path : value.fail("\(quoted(path)) is not of A-Z a-z 0-9 . _ -")
    }

    private func readAccounts(_ value: ConfigValue) -> [AccountName] {
        var result: [AccountName] = []
        for item in value.list() ?? [] {
            guard let name = item.name(AccountName.self) else { continue }
            if result.contains(name) { item.report("\(name) is given more than once") } else { result.append(name) }
        }
        return result
    }

    // MARK: - Paths

    private func readPath(_ value: ConfigValue?, or usual: String?) -> String? {
        guard let text = value.map({ $0.string() }) ?? usual else { return nil }
        let paths = value?.node.file.map { self.paths.beside($0) } ?? self.paths
        do {
            return try paths.expand(text)
        } catch {
            if let value { value.report(error.message) } else { section.report("download_keys_dir: \(error.message)") }
            return nil
        }
    }

    private static let systemFolders: Set<String> = [
        "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/usr",
        "/var",
    ]

    /// nil for none, and after something was reported.
    private func readScratch(_ value: ConfigValue) -> ScratchSettings? {
        if case .empty = value.node.content { return nil }
        guard let items = value.list() else { return nil }
        let folders = items.compactMap { item -> String? in
            guard let path = item.absolutePath() else { return nil }
            guard isPlain(path) else { return item.fail("\(quoted(path)) is not of A-Z a-z 0-9 . _ -") }
            return CreateUsersReader.systemFolders.contains(path)
                ? item.fail("\(path) is a folder of the system and not for users' data") : path
        }
        guard folders.count == items.count, let first = folders.first else { return nil }
        guard folders.count <= 2, Set(folders).count == folders.count else {
            return value.fail("a folder is wanted, and another for links to it: [/mnt, /scratch]")
        }
        return ScratchSettings(folder: first, links: folders.count == 2 ? folders[1] : nil)
    }

    private func isPlain(_ path: String) -> Bool {
        path.utf8.count <= 200
            && path.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
                    || "-._/".utf8.contains($0)
            }
    }
}
