// SPDX-License-Identifier: Apache-2.0

import SallyModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A folder that belongs to its owner alone (0700), with files that nobody else can read (0600), each replaced whole.
package struct PrivateFolder: Sendable {
    package let path: String
    package init(path: String) { self.path = path }

    /// Makes the folder, and those above it, unless it is there.
    /// - Throws: `SallyError(.misconfigured)` when somebody else could write there.
    package func prepare() throws {
        try makeFolders(path)
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw problem("\(path) is not a folder", "move it away, or name another with SALLY_CONFIG_DIR")
        }
        guard status.st_uid == geteuid() else {
            throw problem("\(path) belongs to another user", "name a folder of yours with SALLY_CONFIG_DIR")
        }
        if status.st_mode & 0o077 != 0, chmod(path, 0o700) != 0 {
            throw problem("\(path) can be read by others", "run `chmod 700 \(path)`")
        }
    }

    /// - Returns: the bytes, or nil when there is no such file.
    /// - Throws: `SallyError(.misconfigured)` for a link, a file of somebody else or one that others can read.
    package func read(_ name: String, limit: Int = 1 << 20) throws -> [UInt8]? {
        let file = "\(path)/\(name)"
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw problem("cannot read \(file): \(lastError())", nil) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw problem("\(file) is not a regular file", "remove it and sign in again")
        }
        guard status.st_uid == geteuid() else { throw problem("\(file) belongs to another user", nil) }
        guard status.st_mode & 0o077 == 0 else {
            throw problem(
                "\(file) can be read by others", "run `chmod 600 \(file)`, and sign in again if you do not know who did"
            )
        }
        return try readAll(descriptor, limit: limit, name: file)
    }

    /// Replaces the file whole: whoever reads it sees the old or the new bytes, also after a power cut.
    package func write(_ name: String, _ bytes: [UInt8]) throws {
        try prepare()
        let file = "\(path)/\(name)"
        var generator = SystemRandomNumberGenerator()
        let temporary = "\(file).\(OpaqueID.random(using: &generator)).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw problem("cannot write in \(path): \(lastError())", nil) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        let written = rest.isEmpty && fsync(descriptor) == 0
        let reason = lastError()
        close(descriptor)
        guard written, rename(temporary, file) == 0 else {
            unlink(temporary)
            throw problem("cannot write \(file): \(reason)", nil)
        }
        let folder = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    /// - Returns: whether there was one.
    @discardableResult
    package func remove(_ name: String) throws -> Bool {
        if unlink("\(path)/\(name)") == 0 { return true }
        guard errno == ENOENT else { throw problem("cannot remove \(path)/\(name): \(lastError())", nil) }
        return false
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}

private func makeFolders(_ path: String) throws {
    if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
        throw problem("cannot make the folder \(path): \(lastError())", "name another with SALLY_CONFIG_DIR")
    }
    try makeFolders(String(path[..<slash]))
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
        throw problem("cannot make the folder \(path): \(lastError())", "name another with SALLY_CONFIG_DIR")
    }
}

private func problem(_ message: String, _ hint: String?) -> SallyError {
    SallyError(.misconfigured, message, hint: hint)
}

/// Reads a descriptor to its end.
/// - Throws: `SallyError(.tooLarge)` past `limit` bytes.
package func readAll(_ descriptor: Int32, limit: Int, name: String) throws -> [UInt8] {
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw SallyError(.invalidRequest, "cannot read \(name): \(lastError())") }
        if count == 0 { return result }
        result += buffer[..<count]
        guard result.count <= limit else { throw SallyError(.tooLarge, "\(name) has more than \(limit) bytes") }
    }
}

/// The text of errno.
package func lastError() -> String { String(cString: strerror(errno)) }
