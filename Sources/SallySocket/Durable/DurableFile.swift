// SPDX-License-Identifier: Apache-2.0

import Glibc
import SallyModel

/// Files of a keeper that are replaced whole: after a crash there is the old content or the new, never a mixture.
package enum DurableFile {
    /// The content, or nil when there is no such file.
    ///
    /// - Throws: `SallyError(.misconfigured)` when it is a link, no regular file, another user's, or others can read it.
    package static func read(_ path: String) throws -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw failure("cannot open", path) }
            return nil
        }
        defer { close(descriptor) }
        try checkPrivate(descriptor, path)
        return try readAll(descriptor, path)
    }

    /// Writes `bytes` (mode 0600) and returns when they are on the disk.
    package static func replace(_ path: String, with bytes: [UInt8]) throws {
        let temporary = path + ".new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("cannot make", temporary) }
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        let synced = count == bytes.count && fsync(descriptor) == 0
        close(descriptor)
        guard synced, rename(temporary, path) == 0 else { throw failure("cannot write", path) }
        try syncFolder(of: path)
    }

    /// Makes the folder (mode 0700) unless it is there.
    ///
    /// - Throws: `SallyError(.misconfigured)` when it is a link, another user's, or others can look into it.
    package static func makeFolder(_ path: String) throws {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("cannot make the folder", path) }
        var status = stat()
        guard lstat(path, &status) == 0 else { throw failure("cannot look at", path) }
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
            throw SallyError(
                .misconfigured, "the state folder \(quoted(path)) is not a folder of this user alone",
                hint: "make it belong to the program's user, mode 0700")
        }
    }
}

/// Refuses an open file that is not a regular one of this user (or root), or that others may read.
func checkPrivate(_ descriptor: Int32, _ path: String) throws {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("cannot look at", path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
        throw SallyError(.misconfigured, "\(quoted(path)) is not a regular file")
    }
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
        throw SallyError(
            .misconfigured, "\(quoted(path)) belongs to uid \(status.st_uid)",
            hint: "make it belong to the program's user")
    }
    guard status.st_mode & 0o077 == 0 else {
        throw SallyError(.misconfigured, "others can read \(quoted(path))", hint: "chmod 600 it")
    }
}

func readAll(_ descriptor: Int32, _ path: String) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = chunk.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(bytes.count)) }
        guard count >= 0 else { throw failure("cannot read", path) }
        guard count > 0 else { return bytes }
        bytes += chunk[..<count]
    }
}

func syncFolder(of path: String) throws {
    let folder = path.utf8.lastIndex(of: 0x2f).map { String(path[...$0]) } ?? "."
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("cannot open", folder) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("cannot sync", folder) }
}
