// SPDX-License-Identifier: Apache-2.0

package import SallyModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A file that is not as it must be: which, why, and how to mend it.
package struct FileProblem: Error, Sendable, CustomStringConvertible {
    package let path: String
    package let reason: String
    package let remedy: String?
    package var description: String { "\(path) \(reason)" + (remedy.map { ": \($0)" } ?? "") }
    package var error: SallyError { SallyError(.misconfigured, "\(path) \(reason)", hint: remedy) }
}

/// Checks that `path` is a regular file, no link, that this process can read and nobody but its owner can: mode 0600 or
/// less, owned by this process' user or root.
package func checkPrivateFile(_ path: String) throws(FileProblem) {
    var status = stat()
    guard lstat(path, &status) == 0 else { throw unreadable(path, errno) }
    try requireRegular(path, status)
    let mode = status.st_mode & 0o7777
    guard mode & 0o077 == 0 else {
        throw FileProblem(
            path: path, reason: "can be read by others (mode \(octal(mode)))", remedy: "chmod 600 \(path)")
    }
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
        throw FileProblem(
            path: path, reason: "belongs to uid \(status.st_uid), not to uid \(geteuid()) that reads it",
            remedy: "chown \(geteuid()) \(path)")
    }
    guard access(path, R_OK) == 0 else { throw unreadable(path, errno) }
}

/// Checks that `path` is a regular file that this process can read.
package func checkReadableFile(_ path: String) throws(FileProblem) {
    var status = stat()
    guard stat(path, &status) == 0 else { throw unreadable(path, errno) }
    try requireRegular(path, status)
    guard access(path, R_OK) == 0 else { throw unreadable(path, errno) }
}

/// Reads a file that people write: regular, UTF-8, at most 1 MiB, and not writable by everybody.
func readConfigFile(_ path: String) throws(FileProblem) -> String {
    let bytes = try readBytes(path, limit: 1 << 20) { status throws(FileProblem) in
        guard status.st_mode & 0o002 == 0 else {
            throw FileProblem(
                path: path, reason: "can be written by everybody (mode \(octal(status.st_mode & 0o7777)))",
                remedy: "chmod o-w \(path)")
        }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
        throw FileProblem(path: path, reason: "is not UTF-8", remedy: nil)
    }
    return text
}

/// The secret that `reference` points to, without the newline at its end.
///
/// - Parameter environment: the value of a variable, nil when it is not set.
/// - Throws: `SallyError(.misconfigured)` when it is not there, empty, or in a file that others can read.
package func readSecret(
    _ reference: SecretReference, environment: (String) -> String?
) throws -> Secret<String> {
    var text: String
    let origin: String
    switch reference {
    case .file(let path):
        do {
            try checkPrivateFile(path)
            text = String(decoding: try readBytes(path, limit: 1 << 16) { _ in }, as: UTF8.self)
        } catch {
            throw error.error
        }
        origin = path
    case .environment(let variable):
        guard let value = environment(variable) else {
            throw SallyError(.misconfigured, "the environment variable \(variable) is not set")
        }
        text = value
        origin = variable
    }
    while text.last?.isNewline == true { text.removeLast() }
    guard !text.isEmpty else { throw SallyError(.misconfigured, "the secret in \(origin) is empty") }
    return Secret(text)
}

private func readBytes(
    _ path: String, limit: Int, check: (stat) throws(FileProblem) -> Void
) throws(FileProblem) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw unreadable(path, errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw unreadable(path, errno) }
    try requireRegular(path, status)
    try check(status)
    guard status.st_size <= limit else {
        throw FileProblem(path: path, reason: "is larger than \(limit) bytes", remedy: nil)
    }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw unreadable(path, errno) }
        if count == 0 { return bytes }
        bytes += buffer[..<count]
        guard bytes.count <= limit else {
            throw FileProblem(path: path, reason: "is larger than \(limit) bytes", remedy: nil)
        }
    }
}

private func requireRegular(_ path: String, _ status: stat) throws(FileProblem) {
    guard status.st_mode & S_IFMT == S_IFREG else {
        throw FileProblem(path: path, reason: "is not a regular file", remedy: nil)
    }
}

func unreadable(_ path: String, _ number: Int32) -> FileProblem {
    switch number {
    case ENOENT: FileProblem(path: path, reason: "does not exist", remedy: "`sallyd config init` makes starter files")
    case EACCES:
        FileProblem(
            path: path, reason: "cannot be read by uid \(geteuid()): permission denied",
            remedy: "let that user read it and enter the folders it lies in")
    default: FileProblem(path: path, reason: "cannot be read: \(String(cString: strerror(number)))", remedy: nil)
    }
}

private func octal(_ mode: mode_t) -> String { "0" + String(mode, radix: 8) }
