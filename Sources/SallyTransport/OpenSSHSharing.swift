// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// How connections are shared.
package enum OpenSSHSharing: Sendable, Hashable {
    case none
    /// One connection per node, kept for `persist` (whole seconds) after its last use, by a process of ssh's own that
    /// ends by itself then. Its sockets are in `folder`, which must be ours alone: whoever may open a socket is root on
    /// the node, whatever host key the node has.
    case shared(folder: String, persist: Duration)

    /// Shares, in a new folder of mode 0700 that `OpenSSHTransport.close` removes.
    ///
    /// A folder for every run and not one for all: a socket says nothing of the key and the known hosts with which its
    /// connection was made. The path is short because that of a socket may have 104 bytes (unix(7), and ssh adds a name
    /// of 40 and a suffix of 17 bytes).
    /// - Throws: `OpenSSHFolderError`.
    package static func inNewFolder(persist: Duration = .seconds(60)) throws -> OpenSSHSharing {
        var template = Array("/tmp/sally-ssh.XXXXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        guard let made else { throw OpenSSHFolderError(number: errno) }
        return .shared(folder: made, persist: persist)
    }
}

/// There is no folder for the sockets of shared connections.
package struct OpenSSHFolderError: Error, Sendable, CustomStringConvertible {
    package let number: Int32
    package var description: String {
        "no folder in /tmp for shared ssh connections: \(String(cString: strerror(number)))"
    }
}
