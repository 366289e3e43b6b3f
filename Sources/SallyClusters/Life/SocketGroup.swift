// SPDX-License-Identifier: Apache-2.0

import SallyModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The group that may connect to slurmrestd's socket.
struct SocketGroup: Equatable {
    /// Its gid on this host.
    var host: UInt32
    /// The same in the container. Root's containers have the host's numbers; in another user's, 0 is that user's own
    /// primary group, and other groups of the host cannot be named (user_namespaces(7)).
    var container: UInt32

    /// - Parameter name: a group's name or gid; nil is the invoker's primary group.
    /// - Throws: `SallyError(.invalidRequest)` when there is no such group, or the user cannot give it.
    static func resolve(_ name: String?) throws -> SocketGroup {
        let own = getegid()
        let wanted = try name.map(find) ?? own
        if geteuid() == 0 { return SocketGroup(host: wanted, container: wanted) }
        guard wanted == own else {
            throw SallyError(
                .invalidRequest, "socket_group \(quoted(name ?? "")) is not your primary group",
                hint: "only root's clusters can have another; leave it out")
        }
        return SocketGroup(host: wanted, container: 0)
    }

    private static func find(_ name: String) throws -> UInt32 {
        if let number = UInt32(name) { return number }
        var entry = group()
        var found: UnsafeMutablePointer<group>?
        var buffer = [CChar](repeating: 0, count: 65536)
        guard getgrnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else {
            throw SallyError(
                .invalidRequest, "socket_group \(quoted(name)) is not a group of this host",
                hint: "make it with `groupadd`, or leave socket_group out")
        }
        return entry.gr_gid
    }
}
