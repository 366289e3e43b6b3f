// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
package import Glibc
#else
package import Darwin
#endif

/// Writes a file that tests read, with exactly these permission bits.
///
/// - Throws: `ScratchFolderError` when it cannot be written.
package func writeFile(_ path: String, _ text: String, mode: mode_t = 0o600) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw ScratchFolderError(number: errno) }
    defer { close(descriptor) }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { throw ScratchFolderError(number: errno) }
        rest = rest.dropFirst(count)
    }
    guard fchmod(descriptor, mode) == 0 else { throw ScratchFolderError(number: errno) }
}

/// What is in the file at `path`, whole; those of proc(5) too, which have no size.
///
/// - Throws: `ScratchFolderError` when it cannot be read.
package func readFile(_ path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ScratchFolderError(number: errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = piece.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        guard count >= 0 else { throw ScratchFolderError(number: errno) }
        guard count > 0 else { return bytes }
        bytes += piece.prefix(count)
    }
}

/// Whether something is at `path`, without following a link there.
package func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
}

/// The permission bits of what is at `path`, nil when nothing is.
package func permissions(of path: String) -> mode_t? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
}
