// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel

/// The host keys that an administrator's connections believe (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
package struct KnownHostsFile: Sendable {
    private let path: String

    package init(_ path: String) { self.path = path }

    /// Takes hosts out of the file, and lines that then name nobody. Comments, other hosts' lines, hashed names and those
    /// with a mark stay as they are.
    ///
    /// - Parameter hosts: `10.1.0.13`, `[10.1.0.13]:2222`, a name.
    /// - Returns: how many lines changed or went.
    /// - Throws: `SallyError(.misconfigured)` when the file cannot be written, or is a link: it may be somebody else's.
    package func forget(_ hosts: Set<String>) throws -> Int {
        guard let bytes = try Disk.read(path) else { return 0 }
        let (text, changed) = KnownHostsFile.without(hosts, in: String(decoding: bytes, as: UTF8.self))
        guard changed > 0 else { return 0 }
        guard case .file(let mode) = FileTraits.of(path), !Disk.isLink(path) else {
            throw SallyError(
                .misconfigured, "\(path) is a link or no file, and is left as it is",
                hint: "remove the lines of \(hosts.sorted().joined(separator: ", ")) from it")
        }
        try Disk.write(Array(text.utf8), to: path, mode: mode)
        return changed
    }

    static func without(_ hosts: Set<String>, in text: String) -> (text: String, changed: Int) {
        var changed = 0
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).compactMap { line -> String? in
            guard let first = line.first, first != "#", first != "@", first != "|", first != " ", first != "\t",
                let end = line.firstIndex(where: { $0 == " " || $0 == "\t" })
            else { return String(line) }
            let names = line[..<end].split(separator: ",")
            let left = names.filter { !hosts.contains(String($0)) }
            guard left.count < names.count else { return String(line) }
            changed += 1
            return left.isEmpty ? nil : left.joined(separator: ",") + line[end...]
        }
        return (lines.joined(separator: "\n"), changed)
    }
}
