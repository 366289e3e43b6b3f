// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import SallyModel
import SallySocket

/// Lets in root and the gateway's own OS user, by what the kernel says of the connection (unix(7), SO_PEERCRED).
struct LocalAdministration: RouterMiddleware {
    let permitted: Set<UInt32>
    /// Who is at the other end; a test says so itself.
    let peer: @Sendable (GatewayContext) async throws -> UInt32

    init(permitted: Set<UInt32>) {
        self.init(permitted: permitted) { try await PeerCredentials.of($0.channel).uid }
    }

    init(permitted: Set<UInt32>, peer: @Sendable @escaping (GatewayContext) async throws -> UInt32) {
        self.permitted = permitted
        self.peer = peer
    }

    func handle(
        _ request: Request, context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        let uid = try await peer(context)
        guard permitted.contains(uid) else {
            throw SallyError(.denied, "uid \(uid) may not administer here", hint: "run `sallyd admin` as root")
        }
        var context = context
        context.admitLocal(uid)
        return try await next(request, context)
    }
}
