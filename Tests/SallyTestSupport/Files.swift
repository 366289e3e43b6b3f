// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
package import Glibc
#else
package import Darwin
#endif

/// Writes a file that tests read, or execute, with exactly these permission bits.
///
/// - Throws: `ScratchFolderError` when it cannot be written.
package func writeFile(_ path: String, _ text: String, mode: mode_t = 0o600) throws {
    try put(text, into: path, mode)
    if mode & 0o111 != 0 { waitForWriters(of: path) }
}

private func put(_ text: String, into path: String, _ mode: mode_t) throws {
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

/// Returns when nobody has the file open for writing: until then it cannot be executed (ETXTBSY), and a program that is started
/// meanwhile has it too, between its fork and its exec.
private func waitForWriters(of path: String) {
    #if canImport(Glibc)
    // fcntl(2): F_SETLEASE, and the two kinds.
    let (setLease, readLease, noLease): (Int32, Int32, Int32) = (1024, 0, 2)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    for _ in 0..<240_000 {
        // Given when nobody writes. What else it says, as where the file system has none, is no reason to wait.
        if fcntl(descriptor, setLease, readLease) == 0 {
            _ = fcntl(descriptor, setLease, noLease)
            return
        }
        guard errno == EAGAIN else { return }
        usleep(1000)
    }
    #endif
}

/// Another descriptor of what this process has open at `path`, as a program that is started has it between fork and exec.
///
/// - Throws: `ScratchFolderError` when it has nothing open there.
package func secondDescriptor(of path: String) throws -> Int32 {
    var wanted = stat()
    guard stat(path, &wanted) == 0 else { throw ScratchFolderError(number: errno) }
    for descriptor in Int32(3)..<Int32(clamping: sysconf(Int32(_SC_OPEN_MAX))) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_ino == wanted.st_ino, status.st_dev == wanted.st_dev else {
            continue
        }
        let second = dup(descriptor)
        guard second >= 0 else { break }
        return second
    }
    throw ScratchFolderError(number: EBADF)
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
