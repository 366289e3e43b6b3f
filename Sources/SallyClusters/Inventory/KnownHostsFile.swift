// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel

/// The host keys that an administrator's connections believe (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
package struct KnownHostsFile: Sendable {
    private let path: String

    package init(_ path: String) { self.path = path }

    /// Takes hosts out of the file, and lines that then name nobody. Comments, other hosts' lines, hashed names and those
    /// with a mark stay as they are, byte by byte.
    ///
    /// - Parameter hosts: `10.1.0.13`, `[10.1.0.13]:2222`, a name; each with the keys (`ssh-ed25519 AAAA...`) that it had, nil
    ///   for whichever.
    /// - Returns: how many lines changed or went.
    /// - Throws: `SallyError(.misconfigured)` when the file cannot be written, or is a link: it may be somebody else's.
    package func forget(_ hosts: [String: Set<String>?]) throws -> Int {
        guard let bytes = try Disk.read(path) else { return 0 }
        let (text, changed) = KnownHostsFile.without(hosts, in: Array(bytes))
        guard changed > 0 else { return 0 }
        guard case .file(let mode, _) = FileTraits.of(path), !Disk.isLink(path) else {
            throw SallyError(
                .misconfigured, "\(path) is a link or no file, and is left as it is",
                hint: "remove the lines of \(hosts.keys.sorted().joined(separator: ", ")) from it")
        }
        try Disk.write(text, to: path, mode: mode)
        return changed
    }

    static func without(_ hosts: [String: Set<String>?], in text: [UInt8]) -> (text: [UInt8], changed: Int) {
        var changed = 0
        let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
        let lines = text.split(separator: 0x0a, omittingEmptySubsequences: false).compactMap { line -> [UInt8]? in
            // Comments, marks and hashed names begin with # @ and |.
            guard let first = line.first, !isBlank(first), !"#@|".utf8.contains(first),
                let end = line.firstIndex(where: isBlank)
            else { return Array(line) }
            let key = line[end...].split(whereSeparator: { isBlank($0) || $0 == 0x0d }).prefix(2)
                .map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
            let names = line[..<end].split(separator: 0x2c).map { String(decoding: $0, as: UTF8.self) }
            let left = names.filter { name in
                guard let keys = hosts[name] else { return true }
                return keys.map { !$0.contains(key) } ?? false
            }
            guard left.count < names.count else { return Array(line) }
            changed += 1
            return left.isEmpty ? nil : Array(left.joined(separator: ",").utf8) + line[end...]
        }
        return (Array(lines.joined(separator: [0x0a])), changed)
    }
}
