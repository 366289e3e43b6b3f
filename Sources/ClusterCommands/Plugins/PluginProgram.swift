// SPDX-License-Identifier: Apache-2.0

import SallyModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Finds out whether a program may be trusted with a cluster: nobody but root and the caller can have written it, or can put
/// another in its place.
///
/// The way to it is gone as the kernel goes it, one name after the other (path_resolution(7)), and everything on it is looked at:
/// each folder, the folder that each link lies in, each link, and what the links lead to, as sshd's StrictModes does for
/// files without links.
enum PluginProgram {
    /// The kernel's own limit (path_resolution(7)).
    private static let mostLinks = 40

    /// - Parameters:
    ///   - path: absolute. Links are followed.
    ///   - plugin: for messages.
    /// - Returns: the path of the file itself, without links.
    /// - Throws: `SallyError(.misconfigured)` that says what is wrong with it, or on the way to it.
    static func check(_ path: String, of plugin: String) throws -> String {
        func refuse(_ what: String, hint: String? = nil) -> SallyError {
            SallyError(.misconfigured, "plugin \(quoted(plugin)): \(what)", hint: hint)
        }
        func missing(_ number: Int32) -> SallyError {
            refuse(
                "program \(quoted(path)) cannot be found: \(String(cString: strerror(number)))",
                hint: "`command` is an absolute path, or one beside the settings file")
        }
        guard path.hasPrefix("/"), path.utf8.count < Int(PATH_MAX), !path.utf8.contains(0) else {
            throw missing(ENOENT)
        }
        var status = stat()
        guard lstat("/", &status) == 0 else { throw missing(errno) }
        try refuseOthers("/", status) { refuse($0, hint: $1) }
        var rest = parts(of: path)
        // What was gone so far: a folder, at the end the program.
        var place: [String] = []
        var links = 0
        while let name = rest.popLast() {
            let current = joined(place)
            guard status.st_mode & S_IFMT == S_IFDIR else { throw missing(ENOTDIR) }
            if name == ".." {
                // Not above what was looked at already: the way here came through it.
                _ = place.popLast()
                guard lstat(joined(place), &status) == 0 else { throw missing(errno) }
                continue
            }
            let next = joined(place + [name])
            guard lstat(next, &status) == 0 else { throw missing(errno) }
            try refuseOthers(next, status) { refuse($0, hint: $1) }
            guard status.st_mode & S_IFMT == S_IFLNK else {
                place.append(name)
                continue
            }
            links += 1
            guard links <= mostLinks else { throw missing(ELOOP) }
            let target = try target(of: next) { missing($0) }
            rest += parts(of: target)
            if target.hasPrefix("/") { place = [] }
            guard lstat(target.hasPrefix("/") ? "/" : current, &status) == 0 else { throw missing(errno) }
        }
        let file = joined(place)
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw refuse("program \(quoted(file)) is not a regular file")
        }
        guard status.st_mode & 0o111 != 0, access(file, X_OK) == 0 else {
            throw refuse("program \(quoted(file)) is not executable", hint: "chmod +x; a script begins with #!")
        }
        return file
    }

    /// The names in a path, the last first. A blank one and `.` lead nowhere.
    private static func parts(of path: String) -> [String] {
        path.split(separator: "/").filter { $0 != "." }.map(String.init).reversed()
    }

    private static func joined(_ parts: [String]) -> String { "/" + parts.joined(separator: "/") }

    private static func target(of link: String, _ failure: (Int32) -> SallyError) throws -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(link, &buffer, buffer.count)
        guard count > 0, count < buffer.count else { throw failure(count < 0 ? errno : ENAMETOOLONG) }
        return String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func refuseOthers(
        _ path: String, _ status: stat, _ refuse: (String, String) -> SallyError
    ) throws {
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw refuse(
                "\(quoted(path)) belongs to uid \(status.st_uid), who could change what is run",
                "it must be yours or root's")
        }
        // A link has no mode of its own (symlink(7)).
        guard status.st_mode & S_IFMT != S_IFLNK else { return }
        // In a folder such as /tmp nobody takes away what is another's (sticky bit, inode(7)), and what we look at there is ours.
        let isSticky = status.st_mode & S_IFMT == S_IFDIR && status.st_mode & mode_t(S_ISVTX) != 0
        guard status.st_mode & 0o022 == 0 || isSticky else {
            throw refuse(
                "others can write to \(quoted(path)) (mode 0\(String(status.st_mode & 0o7777, radix: 8)))",
                "chmod go-w")
        }
    }
}
