// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import SallyPolicy

/// The clusters of the front, and which of them somebody is pointed to.
///
/// That a cluster exists is no secret: `GET /v1/me` tells everybody of all. Those that no rule lets the caller use are left out
/// because they are of no use to the caller, and what is asked of one by its name policy refuses, as it would any other.
struct VisibleClusters: Sendable {
    let clusters: ClusterTable
    let gate: Gate

    /// Those that some rule lets the person use.
    func names(for principal: Principal) -> [ClusterName] {
        clusters.all.map(\.config.name).filter { gate.explain(.look($0), for: principal).decision.isAllowed }
    }

    /// - Throws: `.invalidRequest` for what is no name, `.notFound` with the names of those that the caller may use.
    func named(_ context: GatewayContext) throws -> ClusterGateway {
        let name: ClusterName = try context.named("cluster")
        guard let cluster = clusters.all.first(where: { $0.config.name == name }) else {
            let known = names(for: try context.principal).map(\.rawValue).joined(separator: ", ")
            throw SallyError(
                .notFound, "there is no cluster \(name)", hint: known.isEmpty ? nil : "clusters: \(known)")
        }
        return cluster
    }

    /// - Throws: `.notFound` where no cluster is the default.
    func first() throws -> ClusterGateway {
        guard let cluster = clusters.all.first(where: \.isDefault) else {
            throw SallyError(.notFound, "there is no default cluster", hint: "name one: /clusters/NAME/slurm/...")
        }
        return cluster
    }
}
