// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Makes a folder of its own (mode 0700, random name) for `body` and removes it with everything in it afterwards,
/// whether `body` returned or threw.
///
/// The path is short, so that unix sockets fit into it (unix(7): 107 bytes).
package func withScratchFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let folder = try makeScratchFolder()
    defer { removeTree(folder) }
    return try await body(folder)
}

/// Removes a file or a folder with everything in it, without following links. What is not there is no failure.
package func removeTree(_ path: String) {
    guard unlink(path) != 0 else { return }
    if let folder = opendir(path) {
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { removeTree("\(path)/\(name)") }
        }
        closedir(folder)
    }
    rmdir(path)
}

/// A folder could not be made.
package struct ScratchFolderError: Error, CustomStringConvertible {
    package let number: Int32
    package var description: String { "no scratch folder: \(String(cString: strerror(number)))" }
}

private func makeScratchFolder() throws -> String {
    var template = Array("/tmp/sally.XXXXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { buffer in
        buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
    }
    guard let made else { throw ScratchFolderError(number: errno) }
    return made
}
