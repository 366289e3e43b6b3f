// SPDX-License-Identifier: Apache-2.0

import Glibc
import SallyModel

/// The rules for the file of the database and its folder: only their owner reads or writes.
enum DatabaseFile {
    /// Makes folder (0700) and file (0600) where they are missing. SQLite gives the files beside it the file's mode.
    /// - Throws: `SallyError(.misconfigured)` that names what is open to others.
    static func prepare(_ path: String) throws {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw SallyError(
                .misconfigured, "database path \(quoted(path)) is not absolute, or in the root folder",
                hint: "give a path such as /var/lib/sallyport/sallyport.db")
        }
        try checkFolder(String(path[..<slash]))
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if descriptor >= 0 {
            close(descriptor)
        } else if errno != EEXIST {
            throw failure("make the database \(quoted(path))")
        }
        for suffix in ["", "-wal", "-shm"] { try checkFile(path + suffix, isRequired: suffix.isEmpty) }
    }

    private static func checkFolder(_ folder: String) throws {
        if mkdir(folder, 0o700) != 0, errno != EEXIST { throw failure("make the folder \(quoted(folder))") }
        var status = stat()
        guard stat(folder, &status) == 0 else { throw failure("read the folder \(quoted(folder))") }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw SallyError(
                .misconfigured, "the database's folder \(quoted(folder)) belongs to uid \(status.st_uid)",
                hint: "chown it to the user that sallyd runs as")
        }
        guard status.st_mode & 0o022 == 0 else {
            throw SallyError(
                .misconfigured, "the database's folder \(quoted(folder)) can be written by others",
                hint: "chmod 0700 \(folder)")
        }
    }

    private static func checkFile(_ path: String, isRequired: Bool) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT, !isRequired { return }
            throw failure("read the database \(quoted(path))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SallyError(
                .misconfigured, "the database \(quoted(path)) is not a regular file", hint: "links are not followed")
        }
        guard status.st_uid == geteuid() else {
            throw SallyError(
                .misconfigured, "the database \(quoted(path)) belongs to uid \(status.st_uid)",
                hint: "chown it to the user that sallyd runs as")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw SallyError(
                .misconfigured, "the database \(quoted(path)) can be read or written by others",
                hint: "chmod 0600 \(path)")
        }
    }

    private static func failure(_ what: String) -> SallyError {
        SallyError(.misconfigured, "cannot \(what): \(String(cString: strerror(errno)))")
    }
}
