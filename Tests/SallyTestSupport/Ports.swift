// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A port of 127.0.0.1 where nobody listens, and that nobody else is given, for the time of `body`.
///
/// - Throws: `NotConnected` where there is none; what `body` throws.
package func withUnheardPort<Result>(_ body: (UInt16) async throws -> Result) async throws -> Result {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw NotConnected(path: "127.0.0.1", number: errno) }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    // Port 0 asks for any that is free; without listen(2) whoever connects is refused.
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { place -> Bool in
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            guard bind(descriptor, place, size) == 0 else { return false }
            return getsockname(descriptor, place, &size) == 0
        }
    }
    guard isBound else { throw NotConnected(path: "127.0.0.1", number: errno) }
    return try await body(UInt16(bigEndian: address.sin_port))
}
