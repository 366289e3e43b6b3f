// SPDX-License-Identifier: Apache-2.0

import Hummingbird

/// Partitions of a cluster.
struct PartitionRoutes: Sendable {
    let clusters: ClusterTable

    func add(to routes: some RouterMethods<GatewayContext>) {
        routes.get("/v1/clusters/:cluster/partitions") { _, context in
            try Response.json(
                try await clusters.named(context).partitions.list(
                    for: try context.principal, request: context.requestID))
        }
    }
}
