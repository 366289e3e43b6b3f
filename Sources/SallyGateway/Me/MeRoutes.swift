// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import SallyConfig
import SallyModel
import SallyWire

/// Who the caller is, and which clusters there are.
struct MeRoutes: Sendable {
    let service: MeService

    func add(to routes: some RouterMethods<GatewayContext>) {
        routes.get("/v1/me") { _, context in
            try Response.json(service.me(try context.principal))
        }
    }
}

/// The caller's own account and clusters.
struct MeService: Sendable {
    let clusters: ClusterTable

    func me(_ principal: Principal) -> Me {
        Me(
            user: principal.account.name, uid: principal.account.uid, displayName: principal.displayName,
            groups: principal.groups.sorted(), role: principal.role, session: principal.session,
            clusters: clusters.all.map {
                ClusterSummary(name: $0.config.name, isDefault: $0.isDefault, ready: $0.problem == nil)
            })
    }
}
