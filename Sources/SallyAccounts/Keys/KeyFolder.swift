// SPDX-License-Identifier: Apache-2.0

import Glibc
import SallyModel

/// A folder that private keys are written into: nobody else can put anything there.
///
/// It is opened once and then used by descriptor, so that what was checked is what is written to.
final class KeyFolder: Sendable {
    let path: String
    private let descriptor: Int32

    enum Missing { case make, refuse }

    /// - Parameter path: absolute, without `.` and `..`. What is missing of it is made with mode 0700.
    /// - Throws: `SallyError(.misconfigured)` when the last part is a link or no folder, belongs to somebody else, or
    ///   others can write to it; `.notFound` when it is missing and not to be made.
    init(_ path: String, missing: Missing) throws {
        let parts = path.split(separator: "/")
        guard path.hasPrefix("/"), !parts.isEmpty, !parts.contains("."), !parts.contains(".."), !path.utf8.contains(0)
        else {
            throw SallyError(
                .misconfigured, "the folder for keys \(quoted(path)) is not an absolute path without . and ..",
                hint: "give download_keys_dir as /... or ~/...")
        }
        self.path = "/" + parts.joined(separator: "/")
        if missing == .make {
            for end in 1...parts.count {
                let part = "/" + parts[..<end].joined(separator: "/")
                // What is there, whatever it is, is for open(2) to judge.
                guard mkdir(part, 0o700) == 0 || errno == EEXIST else {
                    throw KeyFolder.failure(.misconfigured, part, "cannot be made")
                }
            }
        }
        let descriptor = open(self.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { throw SallyError(.notFound, "there is no folder \(quoted(self.path))", hint: nil) }
            if errno == ELOOP || errno == ENOTDIR {
                throw SallyError(
                    .misconfigured, "the folder for keys \(quoted(self.path)) is a link or no folder",
                    hint: "name the folder itself with download_keys_dir")
            }
            throw KeyFolder.failure(.misconfigured, self.path, "cannot be opened")
        }
        self.descriptor = descriptor
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw KeyFolder.failure(.unavailable, self.path, "cannot be seen")
        }
        guard status.st_uid == geteuid() else {
            throw SallyError(
                .misconfigured, "the folder for keys \(quoted(self.path)) belongs to uid \(status.st_uid)",
                hint: "name a folder of your own with download_keys_dir")
        }
        guard status.st_mode & 0o022 == 0 else {
            throw SallyError(
                .misconfigured, "others can write to the folder for keys \(quoted(self.path))",
                hint: "chmod 700 it, or name another with download_keys_dir")
        }
    }

    deinit { close(descriptor) }

    /// The content of a file, nil when there is none.
    ///
    /// - Throws: `SallyError(.conflict)` when it is a link or no regular file, somebody else's, or others can write to it;
    ///   `.tooLarge` over `limit` bytes.
    func read(_ name: String, limit: Int) throws -> [UInt8]? {
        let file = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            if errno == ELOOP { throw foreign(name, "is a link") }
            throw KeyFolder.failure(.unavailable, "\(path)/\(name)", "cannot be opened")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw foreign(name, "is not a regular file")
        }
        guard status.st_uid == geteuid() else { throw foreign(name, "belongs to uid \(status.st_uid)") }
        guard status.st_mode & 0o022 == 0 else { throw foreign(name, "can be written by others") }
        guard let bytes = readWhole(file, limit: limit) else {
            throw SallyError(
                .tooLarge, "\(quoted("\(path)/\(name)")) has more than \(limit) bytes or cannot be read",
                hint: "move it away")
        }
        return bytes
    }

    /// Puts files (mode 0600) in the place of those of the same names. All of them are on the disk before the first is
    /// renamed; on any failure what was there is there still, and nothing else.
    ///
    /// - Parameter others: files for which there has to be room at the same time. They are not written.
    /// - Precondition: the caller has a `KeyFolderLock`.
    func replace(
        _ files: [(name: String, bytes: [UInt8])], leavingRoomFor others: [(name: String, bytes: [UInt8])] = [],
        progress: (KeyFileProgress) -> Void
    ) throws {
        defer { for file in others { unlinkat(descriptor, draft(of: file.name), 0) } }
        let clock = ContinuousClock()
        let start = clock.now
        let total = files.reduce(0) { $0 + $1.bytes.count }
        var done = 0
        for file in files + others {
            var status = stat()
            if fstatat(descriptor, file.name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT != S_IFREG {
                throw foreign(file.name, "is not a regular file")
            }
        }
        do {
            for file in files {
                try write(file.bytes, to: draft(of: file.name)) { count in
                    done += count
                    progress(KeyFileProgress(name: file.name, done: done, total: total, elapsed: clock.now - start))
                }
            }
            for file in others { try write(file.bytes, to: draft(of: file.name)) { _ in } }
            for file in files where renameat(descriptor, draft(of: file.name), descriptor, file.name) != 0 {
                throw KeyFolder.failure(.unavailable, "\(path)/\(file.name)", "cannot be replaced")
            }
        } catch {
            for file in files { unlinkat(descriptor, draft(of: file.name), 0) }
            throw error
        }
        guard fsync(descriptor) == 0 else { throw KeyFolder.failure(.unavailable, path, "cannot be synced") }
    }

    /// Whether anything has that name.
    func has(_ name: String) -> Bool {
        var status = stat()
        return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0
    }

    /// Takes a file away, if it is there.
    ///
    /// - Precondition: the caller has a `KeyFolderLock`.
    func remove(_ name: String) throws {
        guard unlinkat(descriptor, name, 0) == 0 else {
            if errno == ENOENT { return }
            throw KeyFolder.failure(.unavailable, "\(path)/\(name)", "cannot be removed")
        }
        guard fsync(descriptor) == 0 else { throw KeyFolder.failure(.unavailable, path, "cannot be synced") }
    }

    private func draft(of name: String) -> String { ".\(name).draft" }

    private func write(_ bytes: [UInt8], to name: String, wrote: (Int) -> Void) throws {
        unlinkat(descriptor, name, 0)  // of a run that was killed
        let file = openat(descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw KeyFolder.failure(.unavailable, path, "cannot be written to") }
        defer { close(file) }
        var rest = bytes[...]
        while !rest.isEmpty {
            try Task.checkCancellation()
            let count = rest.prefix(1 << 18).withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw KeyFolder.failure(.unavailable, path, "cannot be written to") }
            rest = rest.dropFirst(count)
            wrote(count)
        }
        guard fsync(file) == 0 else { throw KeyFolder.failure(.unavailable, path, "cannot be written to") }
    }

    /// Tries once to be the only one who writes keys into this folder.
    ///
    /// - Returns: nil when another process is.
    fileprivate func tryLock() throws -> Int32? {
        // Not flock(2) on the folder: NFS wants a descriptor that can be written to.
        let file = openat(descriptor, KeyFolderLock.name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw KeyFolder.failure(.unavailable, path, "cannot be written to") }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            close(file)
            guard number == EWOULDBLOCK || number == EINTR else {
                errno = number
                throw KeyFolder.failure(.unavailable, path, "cannot be locked")
            }
            return nil
        }
        // Whoever had it before took it away.
        var mine = stat()
        var there = stat()
        guard fstat(file, &mine) == 0, fstatat(descriptor, KeyFolderLock.name, &there, AT_SYMLINK_NOFOLLOW) == 0,
            mine.st_ino == there.st_ino, mine.st_dev == there.st_dev
        else {
            close(file)
            return nil
        }
        return file
    }

    fileprivate func unlock(_ file: Int32) {
        unlinkat(descriptor, KeyFolderLock.name, 0)
        close(file)
    }

    private func foreign(_ name: String, _ what: String) -> SallyError {
        SallyError(
            .conflict, "\(quoted("\(path)/\(name)")) \(what), and is left alone",
            hint: "move it away, or name another folder with download_keys_dir")
    }

    private static func failure(_ code: SallyError.Code, _ path: String, _ what: String) -> SallyError {
        SallyError(
            code, "\(quoted(path)) \(what): \(String(cString: strerror(errno)))",
            hint: "what was there is unchanged; make room, or name another folder with download_keys_dir")
    }
}

/// Makes one process at a time write keys into a folder. Gone when released, and given up by a process that dies.
final class KeyFolderLock: Sendable {
    static let name = ".keys.lock"
    private let folder: KeyFolder
    private let file: Int32

    /// - Throws: `SallyError(.conflict)` when somebody else has it for `patience`.
    init(_ folder: KeyFolder, patience: Duration) async throws {
        let end = ContinuousClock.now + patience
        var taken = try folder.tryLock()
        while taken == nil, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(20))
            taken = try folder.tryLock()
        }
        guard let taken else {
            throw SallyError(
                .conflict, "another program writes keys into \(quoted(folder.path))", hint: "try again when it is done")
        }
        self.folder = folder
        file = taken
    }

    deinit { folder.unlock(file) }
}

/// How far the writing of a file with keys is.
package struct KeyFileProgress: Sendable, Equatable {
    /// The file, without its folder.
    package var name: String
    /// Bytes.
    package var done: Int
    /// Bytes.
    package var total: Int
    package var elapsed: Duration

    /// Bytes a second so far; nil before any time has passed.
    package var rate: Double? {
        let seconds = elapsed / .seconds(1)
        return seconds > 0 ? Double(done) / seconds : nil
    }
}
