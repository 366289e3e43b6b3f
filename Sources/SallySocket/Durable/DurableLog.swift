// SPDX-License-Identifier: Apache-2.0

import Glibc
import SallyModel
import Synchronization

/// A file of lines that is only ever added to, each with a checksum: what a keeper must remember for ever.
///
/// A line is `CRC-32C in 8 hexadecimal digits, a space, the text`. A last line that was cut off in mid-write is taken
/// away when the file is opened; any other damage keeps the keeper from starting. One process at a time has the file.
/// After a failed write or fsync nothing more is written: what the disk then holds is not known (fsync(2)).
package final class DurableLog: Sendable {
    private let path: String
    private let file: LockedFile
    private var descriptor: Int32 { file.descriptor }
    private let state = Mutex(State())
    private let syncing = Mutex(())

    private struct State {
        var size: Int64 = 0
        var dirty = false
        var broken = false
    }

    /// Opens or makes the file (mode 0600) and hands every line in it to `take`, in order.
    ///
    /// - Parameter take: the text, and its place for `lines(at:)`.
    /// - Throws: `SallyError(.misconfigured)` for a damaged line (named by number), a link, a file that others can
    ///   read, or a file that another process has; what `take` throws.
    package init(path: String, _ take: (_ text: String, _ place: Int64) throws -> Void) throws {
        self.path = path
        file = try LockedFile.taken(path)
        let size = try read(take)
        state.withLock { $0.size = size }
        try syncFolder(of: path)
    }

    /// Adds a line. It survives this process at once, the machine's failure only after `sync`.
    ///
    /// - Returns: its place.
    /// - Throws: `SallyError(.unavailable)` when it was not written whole.
    @discardableResult
    package func append(_ text: String) throws -> Int64 {
        let bytes = checked(text)
        return try state.withLock { state in
            guard !state.broken else { throw brokenError() }
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count == bytes.count else {
                state.broken = true
                throw brokenError()
            }
            defer { state.size += Int64(bytes.count) }
            state.dirty = true
            return state.size
        }
    }

    /// Returns when everything added before is on the disk. Runs on a thread of its own.
    package func sync() async throws {
        try await onOwnThread { try self.syncBlocking() }
    }

    /// As `sync`, on the calling thread. Callers at the same time wait for one another: whoever finds nothing to do
    /// knows that it has been done.
    package func syncBlocking() throws {
        try syncing.withLock { _ in
            let wasDirty = try state.withLock { state in
                guard !state.broken else { throw brokenError() }
                defer { state.dirty = false }
                return state.dirty
            }
            guard wasDirty else { return }
            guard fdatasync(descriptor) == 0 else {
                state.withLock { $0.broken = true }
                throw brokenError()
            }
        }
    }

    /// The text of the line at `place`.
    package func line(at place: Int64) throws -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 512)
        while true {
            let count = chunk.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress, $0.count, off_t(place) + off_t(bytes.count))
            }
            guard count > 0 else { throw failure("cannot read", path) }
            if let end = chunk[..<count].firstIndex(of: lineFeed) {
                bytes += chunk[..<end]
                break
            }
            bytes += chunk[..<count]
        }
        guard let text = checkedText(bytes[...]) else { throw damaged("at byte \(place)") }
        return text
    }

    /// Puts a file of just these lines in the place of the one at `path`: after a crash there is the old or the new one.
    /// Whoever has the old one open goes on writing to what is gone.
    package static func replace(_ path: String, with texts: [String]) throws {
        try DurableFile.replace(path, with: texts.flatMap(checked))
    }

    private func read(_ take: (String, Int64) throws -> Void) throws -> Int64 {
        let bytes = try readAll(descriptor, path)
        var start = 0
        var number = 1
        while let end = bytes[start...].firstIndex(of: lineFeed) {
            guard let text = checkedText(bytes[start..<end]) else { throw damaged("line \(number)") }
            try take(text, Int64(start))
            start = end + 1
            number += 1
        }
        if start < bytes.count {
            guard ftruncate(descriptor, off_t(start)) == 0, fdatasync(descriptor) == 0 else {
                throw failure("cannot repair", path)
            }
        }
        return Int64(start)
    }

    private func damaged(_ place: String) -> SallyError {
        SallyError(
            .misconfigured, "\(quoted(path)) is damaged: \(place) does not match its checksum",
            hint: "restore it from a backup; nothing is started on a record that cannot be trusted")
    }

    private func brokenError() -> SallyError {
        SallyError(
            .unavailable, "a record could not be written", hint: "look at the disk and restart the program", cause: path
        )
    }
}

/// The open file, which one process at a time has. Of its own, so that it is closed once wherever opening fails.
private final class LockedFile: Sendable {
    let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    static func taken(_ path: String) throws -> LockedFile {
        let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("cannot open", path) }
        let file = LockedFile(descriptor)
        try checkPrivate(descriptor, path)
        // Half a second: one that is just ending still has it.
        var tries = 0
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR, tries < 50 else {
                throw SallyError(.conflict, "another process has \(quoted(path))", hint: "stop it first")
            }
            tries += 1
            usleep(10_000)
        }
        return file
    }

    deinit {
        // A child between fork and exec has the descriptor still, and the lock would live on with it.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}

private let lineFeed: UInt8 = 0x0a

private func checked(_ text: String) -> [UInt8] {
    let body = Array(text.utf8)
    precondition(!body.contains(lineFeed), "a line has no line feed")
    return Array(hexadecimal(crc32c(body)).utf8) + [0x20] + body + [lineFeed]
}

private func checkedText(_ bytes: ArraySlice<UInt8>) -> String? {
    guard bytes.count >= 9, bytes[bytes.startIndex + 8] == 0x20 else { return nil }
    let body = bytes[(bytes.startIndex + 9)...]
    guard String(decoding: bytes.prefix(8), as: UTF8.self) == hexadecimal(crc32c(body)) else { return nil }
    return String(validating: body, as: UTF8.self)
}

private func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
}

/// CRC-32C (RFC 3720, appendix B.4), bit by bit through a table.
func crc32c(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var crc: UInt32 = 0xffff_ffff
    for byte in bytes { crc = crc >> 8 ^ crcTable[Int((crc ^ UInt32(byte)) & 0xff)] }
    return ~crc
}

private let crcTable: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0x82f6_3b78 }
}
