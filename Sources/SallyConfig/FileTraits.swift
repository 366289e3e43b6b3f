// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
package import Glibc
#else
package import Darwin
#endif

/// What matters of a file that ssh(1) is to use. Links are followed, as ssh follows them.
package enum FileTraits: Equatable {
    case absent
    case unreadable(String)
    /// A regular file that we can read, with its permission bits.
    case file(mode: mode_t, owner: uid_t)

    package static func of(_ path: String) -> FileTraits {
        var status = stat()
        guard stat(path, &status) == 0 else {
            return errno == ENOENT ? .absent : .unreadable(String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { return .unreadable("it is no file") }
        guard access(path, R_OK) == 0 else { return .unreadable(String(cString: strerror(errno))) }
        return .file(mode: status.st_mode & 0o7777, owner: status.st_uid)
    }
}

/// What keeps ssh from signing in with the key at `path`, nil where nothing does.
package func problemOfIdentityFile(_ path: String) -> String? {
    switch FileTraits.of(path) {
    case .absent: "the key \(path) does not exist; `ssh-keygen -t ed25519 -f \(path)` makes one"
    case .unreadable(let why): "the key \(path) cannot be read: \(why)"
    case .file(let mode, _) where mode & 0o077 != 0:
        "the key \(path) can be read by others (mode 0\(String(mode, radix: 8))) and ssh does not use it;"
            + " set its mode to 0600"
    case .file: nil
    }
}

/// What keeps the host keys at `path` from being believed, nil where nothing does.
package func problemOfKnownHostsFile(_ path: String) -> String? {
    let how =
        "write a line `ADDRESS KEY` for each machine ([ADDRESS]:PORT where the port is not 22), with the key that"
        + " /etc/ssh/ssh_host_ed25519_key.pub has on the machine, read over a channel that you trust, such as its"
        + " console; what ssh-keyscan shows is anybody's until it was compared with that"
    switch FileTraits.of(path) {
    case .absent: return "\(path) does not exist, and a first contact is not trusted; \(how)"
    case .unreadable(let why): return "\(path) cannot be read: \(why)"
    case .file(_, let owner) where owner != 0 && owner != geteuid():
        return "\(path) belongs to uid \(owner), who would say whom to trust; make it yours or root's"
    case .file(let mode, _) where mode & 0o022 != 0:
        return "\(path) can be written by others (mode 0\(String(mode, radix: 8))), who would say whom to trust;"
            + " set its mode to 0600"
    case .file: return nil
    }
}
