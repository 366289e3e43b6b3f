// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Nobody answers at a socket's path.
package struct NotConnected: Error, CustomStringConvertible {
    package let path: String
    package let number: Int32
    package var description: String { "no connection to \(path): \(String(cString: strerror(number)))" }
}

/// A connection to the unix socket at `path` without any client of ours. The caller closes it.
///
/// - Parameter flags: of socket(2), besides the kind: `SOCK_NONBLOCK`.
/// - Throws: `NotConnected`.
package func connectPlainly(_ path: String, _ flags: Int32 = 0) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | flags, 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let outcome = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    guard outcome == 0 else {
        let number = errno
        close(descriptor)
        throw NotConnected(path: path, number: number)
    }
    return descriptor
}

/// Whether a process of this network namespace listens at `path`, by the kernel's list (proc(5), `/proc/net/unix`). A
/// socket's file is there from bind(2) on, and is answered from listen(2) on only; the list tells without taking a
/// place of the server's.
package func listens(_ path: String) -> Bool {
    guard let list = try? readFile("/proc/net/unix") else { return false }  // asked again
    return String(decoding: list, as: UTF8.self).split(separator: "\n").contains { line in
        let fields = line.split(separator: " ")  // Num RefCount Protocol Flags Type St Inode Path
        return fields.count == 8 && fields[7] == path && fields[3] == "00010000"  // __SO_ACCEPTCON
    }
}

/// Whether somebody listens at `path`, in whatever network namespace; it makes a connection to find out.
package func accepts(_ path: String) -> Bool {
    guard let descriptor = try? connectPlainly(path) else { return false }  // not yet
    close(descriptor)
    return true
}
