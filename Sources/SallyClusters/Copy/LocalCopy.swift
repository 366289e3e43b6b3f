// SPDX-License-Identifier: Apache-2.0

import SallyModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// This host's end of `put` and `get`: what is copied, and what becomes of what came.
enum LocalCopy {
    /// What is at a path, and how many bytes are in it.
    struct Source: Equatable {
        /// Without links in it.
        var path: String
        /// The last part of the path as it was given.
        var name: String
        var kind: CopyScript.Place
        var bytes: Int64
    }

    /// - Throws: `SallyError(.notFound)` when nothing is there.
    static func source(_ text: String) throws -> Source {
        guard let resolved = realpath(text, nil) else { throw missing(text) }
        let path = String(cString: resolved)
        free(resolved)
        let given = text.split(separator: "/").last.map(String.init) ?? ""
        let name = ["", ".", ".."].contains(given) ? path.split(separator: "/").last.map(String.init) : given
        guard let name else {
            throw SallyError(.invalidRequest, "the whole of / is not copied", hint: "name a file or a folder in it")
        }
        var status = stat()
        guard lstat(path, &status) == 0 else { throw missing(text) }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return Source(path: path, name: name, kind: .folder, bytes: bytes(in: path))
        case S_IFREG: return Source(path: path, name: name, kind: .file, bytes: Int64(status.st_size))
        default:
            throw SallyError(.invalidRequest, "\(plain(text)) is neither a file nor a folder")
        }
    }

    /// Where things go: into a folder that is there, or, one thing alone, under a name in one that is.
    ///
    /// - Returns: the folder, and the name where one was given.
    /// - Throws: `SallyError(.notFound)` when there is no such folder.
    static func destination(_ text: String, for count: Int) throws -> (folder: String, name: String?) {
        if isFolder(text) { return (text, nil) }
        guard !text.isEmpty else { throw missing(text) }
        guard count == 1 else {
            guard Disk.exists(text) else { throw missing(text) }
            throw SallyError(.invalidRequest, "\(plain(text)) is not a folder, and \(count) paths are to go there")
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let parent = parts.dropLast().joined(separator: "/")
        let folder = parts.count == 1 ? "." : parent.isEmpty ? "/" : parent
        guard isFolder(folder), let name = parts.last, name != ".", name != ".." else { throw missing(text) }
        return (folder, String(name))
    }

    /// A folder in `folder` that nobody else can look into.
    static func draft(in folder: String) throws -> String {
        var template = Array("\(folder)/.sally-get.XXXXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        guard let made else {
            throw SallyError(.denied, "\(plain(folder)) cannot be written to: \(String(cString: strerror(errno)))")
        }
        return made
    }

    /// Moves the one thing that came into `draft` to `target`.
    ///
    /// What came is a stranger's: only files, folders and links are taken, with the permissions that were kept and no
    /// other bits of the mode.
    /// - Throws: `SallyError` when nothing came, or what cannot be taken.
    static func settle(_ draft: String, as target: String) throws {
        let names = Disk.names(in: draft)
        guard names.count == 1, let name = names.first else {
            throw SallyError(.unavailable, "the copy is not complete")
        }
        try inspect("\(draft)/\(name)")
        try move("\(draft)/\(name)", to: target)
    }

    private static func inspect(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw failure(path) }
        switch status.st_mode & S_IFMT {
        case S_IFLNK: return
        case S_IFREG: break
        case S_IFDIR: for name in Disk.names(in: path) { try inspect("\(path)/\(name)") }
        default: throw SallyError(.invalidRequest, "what came holds something that is no file, folder or link")
        }
        guard chmod(path, status.st_mode & 0o777) == 0 else { throw failure(path) }
    }

    /// A file takes the place of what is there in one step; a folder that is there gets what is new.
    private static func move(_ path: String, to target: String) throws {
        guard isFolder(path, followingLinks: false), isFolder(target, followingLinks: false) else {
            guard rename(path, target) == 0 else { throw failure(target) }
            return
        }
        for name in Disk.names(in: path) { try move("\(path)/\(name)", to: "\(target)/\(name)") }
    }

    private static func bytes(in folder: String) -> Int64 {
        Disk.names(in: folder).reduce(0) { sum, name in
            var status = stat()
            let path = "\(folder)/\(name)"
            guard lstat(path, &status) == 0 else { return sum }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: return sum + bytes(in: path)
            case S_IFREG: return sum + Int64(status.st_size)
            default: return sum
            }
        }
    }

    private static func isFolder(_ path: String, followingLinks: Bool = true) -> Bool {
        var status = stat()
        return (followingLinks ? stat(path, &status) : lstat(path, &status)) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func missing(_ text: String) -> SallyError {
        SallyError(.notFound, "Local file or directory does not exist: \(plain(text))")
    }

    private static func failure(_ path: String) -> SallyError {
        SallyError(.denied, "\(plain(path)) cannot be written: \(String(cString: strerror(errno)))")
    }
}
