// SPDX-License-Identifier: Apache-2.0

import SallyModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Finds out whether a program may be trusted with a cluster: nobody but root and the caller can have written it.
enum PluginProgram {
    /// - Parameters:
    ///   - path: absolute. Links are followed.
    ///   - plugin: for messages.
    /// - Returns: the path of the file itself, in folders in which nobody else can put another in its place.
    /// - Throws: `SallyError(.misconfigured)` that says what is wrong with it.
    static func check(_ path: String, of plugin: String) throws -> String {
        func refuse(_ what: String, hint: String? = nil) -> SallyError {
            SallyError(.misconfigured, "plugin \(quoted(plugin)): \(what)", hint: hint)
        }
        guard let pointer = realpath(path, nil) else {
            throw refuse(
                "program \(quoted(path)) cannot be found: \(String(cString: strerror(errno)))",
                hint: "`command` is an absolute path, or one beside the settings file")
        }
        defer { free(pointer) }
        let file = String(cString: pointer)
        var status = stat()
        guard lstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw refuse("program \(quoted(file)) is not a regular file")
        }
        try refuseOthers(file, status) { refuse($0, hint: $1) }
        guard status.st_mode & 0o111 != 0, access(file, X_OK) == 0 else {
            throw refuse("program \(quoted(file)) is not executable", hint: "chmod +x; a script begins with #!")
        }
        var folder = file
        while let slash = folder.lastIndex(of: "/"), folder != "/" {
            folder = slash == folder.startIndex ? "/" : String(folder[..<slash])
            guard lstat(folder, &status) == 0 else {
                throw refuse("folder \(quoted(folder)) cannot be looked at: \(String(cString: strerror(errno)))")
            }
            try refuseOthers(folder, status) { refuse($0, hint: $1) }
        }
        return file
    }

    private static func refuseOthers(
        _ path: String, _ status: stat, _ refuse: (String, String) -> SallyError
    ) throws {
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw refuse(
                "\(quoted(path)) belongs to uid \(status.st_uid), who could change what is run",
                "it must be yours or root's")
        }
        // In a folder such as /tmp nobody takes away what is another's (sticky bit, inode(7)).
        let isSticky = status.st_mode & S_IFMT == S_IFDIR && status.st_mode & mode_t(S_ISVTX) != 0
        guard status.st_mode & 0o022 == 0 || isSticky else {
            throw refuse(
                "others can write to \(quoted(path)) (mode 0\(String(status.st_mode & 0o7777, radix: 8)))",
                "chmod go-w")
        }
    }
}
