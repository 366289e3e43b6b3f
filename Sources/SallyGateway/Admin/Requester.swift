// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy

/// Who administers: somebody with a session, or somebody at the root-only socket.
enum Requester: Sendable {
    case person(Principal)
    /// - Precondition: the kernel said so of the connection.
    case local(uid: UInt32)

    var actor: Actor {
        switch self {
        case .person(let principal): .person(principal)
        case .local(let uid): .localAdministrator(uid: uid)
        }
    }

    /// - Throws: `.denied` for somebody who is no administrator.
    func authorize(_ action: Administer, at gate: Gate, request: OpaqueID) async throws -> Authorized<Administer> {
        switch self {
        case .person(let principal):
            try await gate.authorize(action, by: principal, request: request.rawValue)
        case .local(let uid):
            try await gate.authorize(action, byLocalAdministrator: uid, request: request.rawValue)
        }
    }
}

extension GatewayContext {
    /// - Throws: `.internal` on a route that authenticates nobody.
    var requester: Requester {
        get throws {
            if let localUser { return .local(uid: localUser) }
            return .person(try principal)
        }
    }
}
