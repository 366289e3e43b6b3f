// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel

/// What a managed account must look like before the signer ever mints for it, whatever the steward says.
enum AccountRules {
    /// Folders that no home lies in.
    static let systemFolders: Set<String> = [
        "bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "lost+found", "proc", "root", "run", "sbin",
        "sys", "tmp", "usr", "var",
    ]

    /// Debian's and Red Hat's group `users`, without rights: the one below 1000 that may be a primary group.
    static let usersGroup: UInt32 = 100

    /// - Throws: `SallyError(.denied)` that names the field and the rule.
    static func check(_ account: ManagedAccount, uids: ClosedRange<UInt32>) throws {
        let name = account.user
        guard uids.contains(account.uid.rawValue) else {
            throw SallyError(
                .denied, "uid \(account.uid) of \(name) is outside of \(uids.lowerBound) to \(uids.upperBound)",
                hint: "see uids of cluster \(account.cluster) in the signer's file")
        }
        if let gid = account.gid, gid != usersGroup, UserID(rawValue: gid) == nil {
            throw SallyError(
                .denied, "primary group \(gid) of \(name) is no group of people",
                hint: "1000 or more, or \(usersGroup), users")
        }
        guard account.gids.count <= 64, account.gids.allSatisfy({ UserID(rawValue: $0) != nil }) else {
            throw SallyError(.denied, "a group of \(name) is below 1000, or there are more than 64")
        }
        guard !account.gecos.isEmpty, isPlain(account.gecos, limit: 128), !account.gecos.contains(":") else {
            throw SallyError(.denied, "the full name of \(name) is empty, longer than 128 bytes, or not plain text")
        }
        guard isPath(account.home), parts(account.home).count >= 2, let top = parts(account.home).first,
            !systemFolders.contains(top)
        else {
            throw SallyError(
                .denied, "home \(quoted(account.home)) of \(name) is not a home", hint: "such as /home/\(name)")
        }
        guard isPath(account.shell) else {
            throw SallyError(.denied, "shell \(quoted(account.shell)) of \(name) is not an absolute path")
        }
    }

    private static func isPlain(_ text: String, limit: Int) -> Bool {
        text.utf8.count <= limit && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
    }

    private static func parts(_ path: String) -> [String] {
        path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
    }

    private static func isPath(_ path: String) -> Bool {
        path.hasPrefix("/") && isPlain(path, limit: 256) && !path.contains(":")
            && parts(path).allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }
}
