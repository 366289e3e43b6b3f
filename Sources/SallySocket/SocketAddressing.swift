// SPDX-License-Identifier: Apache-2.0

import Glibc
import SallyModel

/// Who may connect to a socket of ours. The peer's credentials are checked on every connection whatever the file's
/// mode is; the mode keeps others out a step earlier where that is possible.
package enum SocketAccess: Sendable, Equatable {
    /// The OS user with this uid, and nobody else.
    case user(UInt32)
    /// Root and the keeper's own user: the administrators' socket.
    case administrators

    func permits(_ uid: UInt32, own: UInt32) -> Bool {
        switch self {
        case .user(let permitted): uid == permitted
        case .administrators: uid == 0 || uid == own
        }
    }

    /// Gives the socket file its owner and mode. Root hands the file to the peer; another keeper cannot, so the file
    /// is open to all and the credentials decide alone.
    func apply(to path: String, own: UInt32) throws {
        let mode: mode_t
        switch self {
        case .administrators: mode = 0o600
        case .user(let permitted) where permitted == own: mode = 0o600
        case .user(let permitted):
            if own == 0 {
                guard lchown(path, permitted, gid_t.max) == 0 else { throw failure("cannot hand over", path) }
                mode = 0o600
            } else {
                mode = 0o666
            }
        }
        guard chmod(path, mode) == 0 else { throw failure("cannot set the mode of", path) }
    }
}

/// Checks the folder of a socket and takes away a socket that nobody listens on any more.
///
/// - Throws: `SallyError(.misconfigured)` when the path is too long for unix(7), when the folder is a link, belongs to
///   a third user or can be written by others; `.conflict` when another process listens there.
func prepareSocketPath(_ path: String, own: UInt32) throws {
    guard path.hasPrefix("/"), path.utf8.count <= 107 else {
        throw SallyError(.misconfigured, "socket path \(quoted(path)) is not absolute or longer than 107 bytes")
    }
    let folder = path.utf8.lastIndex(of: 0x2f).map { String(path[..<$0]) } ?? ""
    var status = stat()
    guard lstat(folder.isEmpty ? "/" : folder, &status) == 0 else {
        throw failure("cannot look at the socket's folder", folder)
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
        throw SallyError(
            .misconfigured, "the socket's folder \(quoted(folder)) is not a folder", hint: "links are not followed")
    }
    guard status.st_uid == own || status.st_uid == 0, status.st_mode & 0o022 == 0 else {
        throw SallyError(
            .misconfigured, "others than uid \(own) and root can write to the socket's folder \(quoted(folder))",
            hint: "make it belong to the program's user, mode 0755 or less")
    }
    guard lstat(path, &status) == 0 else {
        guard errno == ENOENT else { throw failure("cannot look at", path) }
        return
    }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
        throw SallyError(.misconfigured, "\(quoted(path)) exists and is not a socket")
    }
    guard !isAnswered(path) else {
        throw SallyError(.conflict, "another process listens on \(quoted(path))", hint: "stop it first")
    }
    guard unlink(path) == 0 else { throw failure("cannot remove the stale socket", path) }
}

private func isAnswered(_ path: String) -> Bool {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return true }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let outcome = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    return outcome == 0 || errno != ECONNREFUSED
}

func failure(_ what: String, _ path: String) -> SallyError {
    SallyError(.misconfigured, "\(what) \(quoted(path)): \(String(cString: strerror(errno)))")
}
