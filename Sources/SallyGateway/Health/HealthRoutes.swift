// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SallyModel

/// For whoever watches the gateway. Anybody may ask the first two; they say nothing about anybody.
struct HealthRoutes: Sendable {
    let health: HealthService
    let metrics: Metrics
    let proxies: TrustedProxies

    func add(to routes: some RouterMethods<GatewayContext>) {
        routes.get("/healthz") { _, _ in Response.text("ok\n", type: "text/plain; charset=utf-8") }
        routes.get("/readyz") { _, _ in
            let report = await health.report()
            return try Response.json(report, status: report.ready ? .ok : .serviceUnavailable)
        }
    }

    func addMetrics(to routes: some RouterMethods<GatewayContext>) {
        routes.get("/metrics") { request, context in
            guard isWatcher(request, context) else {
                throw SallyError(.denied, "metrics are for this machine alone", hint: "ask from the gateway's host")
            }
            return Response.text(metrics.render(), type: "text/plain; version=0.0.4; charset=utf-8")
        }
    }

    /// Somebody on this machine, and not somebody whom a proxy on this machine passes on.
    private func isWatcher(_ request: Request, _ context: GatewayContext) -> Bool {
        let passedOn = request.headers.contains(.xForwardedFor) || request.headers.contains(.forwarded)
        return context.peer.isLocal && !passedOn
    }
}

extension HTTPField.Name {
    fileprivate static let forwarded = HTTPField.Name("Forwarded")!  // a valid token
}
