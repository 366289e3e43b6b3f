// SPDX-License-Identifier: Apache-2.0

import SallyModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension OSUser {
    /// The uid, from the system's user database where a name is given. Blocks; for the start of a program only.
    ///
    /// - Throws: `SallyError(.misconfigured)` when nobody has the name.
    package func resolve() throws -> UInt32 {
        switch self {
        case .uid(let uid): return uid
        case .name(let name):
            var entry = passwd()
            var found: UnsafeMutablePointer<passwd>?
            var buffer = [CChar](repeating: 0, count: 1 << 14)
            guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else {
                throw SallyError(
                    .misconfigured, "no OS user has the name \(quoted(name))", hint: "make it, or write its uid")
            }
            return entry.pw_uid
        }
    }
}
