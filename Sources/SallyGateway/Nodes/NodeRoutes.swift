// SPDX-License-Identifier: Apache-2.0

import Hummingbird

/// Nodes of a cluster.
struct NodeRoutes: Sendable {
    let clusters: ClusterTable

    func add(to routes: some RouterMethods<GatewayContext>) {
        routes.get("/v1/clusters/:cluster/nodes") { _, context in
            try Response.json(
                try await clusters.named(context).nodes.list(
                    for: try context.principal, request: context.requestID))
        }
    }
}
