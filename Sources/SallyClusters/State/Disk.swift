// SPDX-License-Identifier: Apache-2.0

import SallyModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Files and folders with exactly the permissions that they should have, whatever the umask is.
enum Disk {
    /// Makes one folder. One that is there must be a folder of ours, and gets the mode.
    static func makeFolder(_ path: String, mode: mode_t) throws {
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw failure("folder", path, "cannot be made") }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else {
            throw SallyError(
                .misconfigured, "\(path) is not a folder of ours", hint: "remove it, or choose another SALLYPORT_STATE")
        }
        guard chmod(path, mode) == 0 else { throw failure("folder", path, "cannot be given its mode") }
    }

    /// Makes what is missing of a folder's path, with mode 0755.
    static func makePath(_ path: String) throws {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/\(part)"
            guard mkdir(made, 0o755) == 0 || errno == EEXIST || access(made, F_OK) == 0 else {
                throw failure("folder", made, "cannot be made")
            }
        }
    }

    /// Writes a file whole or not at all: readers see the old content or the new.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws {
        let draft = "\(path).new"
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw failure("file", path, "cannot be written") }
        defer { close(descriptor) }
        guard fchmod(descriptor, mode) == 0 else { throw failure("file", path, "cannot be given its mode") }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw failure("file", path, "cannot be written") }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0, rename(draft, path) == 0 else { throw failure("file", path, "cannot be written") }
    }

    /// The content of a file, nil when there is none.
    static func read(_ path: String) throws -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure("file", path, "cannot be read")
        }
        defer { close(descriptor) }
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 else { throw failure("file", path, "cannot be read") }
            if count == 0 { return result }
            result += buffer.prefix(count)
        }
    }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    static func isLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    /// The names in a folder, in order; none when it is not there.
    static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var result: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { result.append(name) }
        }
        return result.sorted()
    }

    /// Removes a file or a folder with everything in it, without following links. What is not there is no failure.
    static func remove(_ path: String) throws {
        guard exists(path), unlink(path) != 0 else { return }
        for name in names(in: path) { try remove("\(path)/\(name)") }
        guard rmdir(path) == 0 || errno == ENOENT else { throw failure("folder", path, "cannot be removed") }
    }

    private static func failure(_ noun: String, _ path: String, _ what: String) -> SallyError {
        SallyError(.misconfigured, "\(noun) \(path) \(what): \(String(cString: strerror(errno)))")
    }
}
