// SPDX-License-Identifier: Apache-2.0

import Hummingbird

/// Asking before submitting.
struct CanIRoutes: Sendable {
    let clusters: ClusterTable

    func add(to routes: some RouterMethods<GatewayContext>) {
        routes.post("/v1/clusters/:cluster/can-i") { request, context in
            let cluster = try clusters.named(context)
            let body = try await request.bytes(limit: GatewayServer.bodyLimit, context)
            return try Response.json(
                await cluster.canI.explain(body, for: try context.principal))
        }
    }
}
