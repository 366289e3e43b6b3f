// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import SallyConfig
import SallyModel

/// The routes of the API, put together once: one router for everybody, one for the administration socket.
package struct GatewayServer: Sendable {
    let dependencies: GatewayDependencies
    /// Bytes of bodies that are under way.
    private let bodies: ConcurrencyLimiter

    /// Bytes: a script of 4 MiB (slurm.conf's max_script_size) with what JSON adds to it.
    static let bodyLimit = 8 * 1024 * 1024
    /// A connection whose reader takes nothing of an answer for so long is ended.
    package static let patience = Duration.seconds(30)
    /// Addresses that a limiter remembers.
    private static let addresses = 20_000

    package init(_ dependencies: GatewayDependencies) {
        self.init(dependencies, bodies: BodyAllowance.seats())
    }

    init(_ dependencies: GatewayDependencies, bodies: ConcurrencyLimiter) {
        self.dependencies = dependencies
        self.bodies = bodies
    }

    /// For everybody.
    func router() -> Router<GatewayContext> {
        let parts = dependencies
        let start = ContinuousClock.now
        let router = edge(proxies: parts.proxies)

        let health = HealthRoutes(
            health: HealthService(
                clusters: parts.clusters, signer: parts.signer, steward: parts.steward, singleUser: parts.singleUser),
            metrics: parts.metrics, proxies: parts.proxies)
        health.add(to: router)
        health.addMetrics(to: router)
        OpenAPIRoutes(server: parts.publicURL).add(to: router)

        let session = SessionRoutes(
            flow: parts.signIn, sessions: parts.sessions, store: parts.sessionStore, metrics: parts.metrics)
        session.addBeginning(to: limited(router, perMinute: parts.rates.signInsPerMinute, since: start))
        // A sign-in that was begun takes three requests more; sessions are refreshed too.
        let open = limited(router, perMinute: 4 * parts.rates.signInsPerMinute, since: start)
        SignInRoutes(flow: parts.signIn, publicURL: parts.publicURL).add(to: open)
        session.addOpen(to: open)

        let limits = PersonLimits(
            requests: RateLimiter(perMinute: parts.rates.requestsPerMinute, capacity: GatewayServer.addresses),
            concurrent: ConcurrencyLimiter(limit: parts.rates.concurrentRequests), bodies: bodies, since: start)
        let signedIn = router.group().add(
            middleware: Authentication(
                sessions: parts.reader,
                failures: RateLimiter(perMinute: parts.rates.failuresPerMinute, capacity: GatewayServer.addresses),
                limits: limits))
        session.add(to: signedIn)
        MeRoutes(service: MeService(clusters: parts.clusters)).add(to: signedIn)
        JobRoutes(
            clusters: parts.clusters, seats: WatchSeats(), outputSeats: OutputSeats(), sessions: parts.reader
        ).add(to: signedIn)
        CanIRoutes(clusters: parts.clusters).add(to: signedIn)
        PartitionRoutes(clusters: parts.clusters).add(to: signedIn)
        NodeRoutes(clusters: parts.clusters).add(to: signedIn)
        administration.add(to: signedIn)
        let visible = VisibleClusters(clusters: parts.clusters, gate: parts.gate)
        FrontRoutes(clusters: visible, limits: limits, metrics: parts.metrics).add(to: signedIn)
        FrontDocument(clusters: visible, server: parts.publicURL).add(to: signedIn)
        return router
    }

    /// For the administration socket: who may connect is all that it asks.
    func localRouter(_ door: LocalAdministration) -> Router<GatewayContext> {
        let router = edge(proxies: TrustedProxies(ranges: [], unixSocket: false))
        administration.add(to: router.group().add(middleware: door))
        return router
    }

    /// For what anybody may call, by address.
    private func limited(
        _ router: Router<GatewayContext>, perMinute: Int, since start: ContinuousClock.Instant
    ) -> RouterGroup<GatewayContext> {
        let limiter = RateLimiter(perMinute: perMinute, capacity: GatewayServer.addresses)
        return router.group().add(middleware: AddressLimit(limiter: limiter, since: start))
    }

    private func edge(proxies: TrustedProxies) -> Router<GatewayContext> {
        let router = Router(context: GatewayContext.self)
        router.add(middleware: Edge(proxies: proxies, metrics: dependencies.metrics))
        router.add(middleware: RequestRules(endpoints: .all, bodyLimit: GatewayServer.bodyLimit))
        return router
    }

    private var administration: AdminRoutes {
        let parts = dependencies
        return AdminRoutes(
            admin: AdminService(
                gate: parts.gate, identities: parts.identities, sessions: parts.sessionStore,
                administrators: parts.administrators),
            audit: AuditService(gate: parts.gate, book: parts.audit, signer: parts.signer, steward: parts.steward),
            offboarding: OffboardingService(
                gate: parts.gate, signer: parts.signer, steward: parts.steward, identities: parts.identities,
                book: parts.audit, clusters: parts.clusters, log: parts.log))
    }
}
