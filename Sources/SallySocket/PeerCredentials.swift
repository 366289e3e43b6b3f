// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NIOCore
import SallyModel

/// Who is at the other end of a unix socket, as the kernel noted when it connected (unix(7), SO_PEERCRED).
package struct PeerCredentials: Sendable, Equatable {
    package var process: Int32
    package var uid: UInt32
    package var gid: UInt32

    package init(process: Int32, uid: UInt32, gid: UInt32) {
        self.process = process
        self.uid = uid
        self.gid = gid
    }

    /// - Throws: when the channel is no unix socket any more.
    package static func of(_ channel: any Channel) async throws -> PeerCredentials {
        guard let provider = channel as? any SocketOptionProvider else {
            throw SallyError(.internal, "the connection does not say who made it")
        }
        let raw = try await read(provider).get()
        return PeerCredentials(process: raw.process, uid: raw.uid, gid: raw.gid)
    }

    private static func read(_ provider: any SocketOptionProvider) -> EventLoopFuture<RawCredentials> {
        provider.unsafeGetSocketOption(level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
    }
}

/// `struct ucred` of socket(7).
private struct RawCredentials: Sendable {
    var process: Int32
    var uid: UInt32
    var gid: UInt32
}

/// A keeper starts only when the program it keeps things from runs as another OS user, or when its own file says that
/// one user for all is meant.
///
/// - Throws: `SallyError(.misconfigured)` when the peer is the keeper's own user or root, who can read everything.
package func checkPeerIsAnother(permitted: UInt32, own: UInt32, singleUser: SingleUser) throws {
    switch singleUser {
    case .permitted: return
    case .refused: break
    }
    guard permitted != own else {
        throw SallyError(
            .misconfigured, "the permitted peer is uid \(own), which is this program's own user",
            hint: "run serve, signer and steward as three OS users, or set single_user: true in this program's own file"
        )
    }
    guard permitted != 0 else {
        throw SallyError(
            .misconfigured, "the permitted peer is root, from whom nothing can be kept",
            hint: "run serve as an OS user of its own, or set single_user: true in this program's own file")
    }
}

/// Whether a keeper may run as the same OS user as its peer: `single_user` of its own file.
package enum SingleUser: Sendable, Equatable {
    case permitted
    case refused
}

/// The user that this process acts as.
package func ownUserID() -> UInt32 { geteuid() }
