// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyConfig
import SallyGateway
import SallyIdentity
import SallyModel
import SallyPolicy
import SallySocket
import SallyStore
import ServiceLifecycle
import SlurmClient

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The composition root of `sallyd serve`: every part from its configuration, in the order in which they start.
struct GatewayBuild {
    /// In starting order; they end in the opposite one.
    let services: [any Service]
    private let database: Database
    private let slurm: SlurmConnections
    private let providers: ProviderConnections
    private let signer: SignerClient
    private let steward: StewardClient

    init(_ file: GatewayConfig, logger: Logger) async throws {
        let clock = SystemWallClock()
        let source = PolicySource(try loaded { () throws(ConfigError) in try PolicyFile.load(file.policy) })
        let sessionKey = try readSecret(.file(path: file.sessionKey), environment: { _ in nil })
        let metrics = Metrics()
        database = try Database(path: file.database, clock: clock)
        signer = SignerClient(path: file.signerSocket, keeperUser: nil)
        steward = StewardClient(path: file.stewardSocket, keeperUser: nil)
        slurm = SlurmConnections(logger: logger)
        providers = try ProviderConnections(file, clock: clock, logger: logger)

        let gate = Gate(
            ledger: DecisionWriter(database: database), policy: source, clock: clock, counter: metrics)
        let sessionStore = SQLSessionStore(database: database)
        let identities = try SQLIdentityStore(
            database: database, uids: file.ledgerUIDs.first.rawValue...file.ledgerUIDs.last.rawValue)
        let issuer = SessionIssuer(
            keys: try SessionKeys(pems: [sessionKey]), issuer: file.publicURL, lifetime: file.sessions.accessLife,
            clock: clock)
        let sessions = SessionService(
            issuer: issuer, store: sessionStore,
            settings: SessionSettings(
                familyLifetime: file.sessions.refreshLife, grace: file.sessions.refreshGrace, contact: file.contact),
            clock: clock)
        let signIn =
            try providers.all.isEmpty
            ? nil
            : SignInService(
                providers: providers.all, store: SQLSignInStore(database: database), identities: identities,
                sessions: sessions, clock: clock, log: logger)
        let audit = AuditStore(database: database)
        let submissions = SubmissionStore(database: database)
        let turns = UpdateTurnStore(database: database)
        let markers = SubmissionMarker.Maker(secret: Secret(Array(sessionKey.reveal().utf8)))

        var clusters: [ClusterGateway] = []
        for (index, cluster) in file.clusters.enumerated() {
            clusters.append(
                ClusterGateway(
                    config: cluster, isDefault: index == 0,
                    queue: SlurmQueueClient(
                        try slurm.client(cluster), serviceAccount: cluster.serviceAccount,
                        slurmName: cluster.slurmName),
                    gate: gate,
                    signer: signer,
                    steward: steward, submissions: submissions, turns: turns, markers: markers, metrics: metrics,
                    clock: clock, log: logger))
        }
        let server = GatewayServer(
            GatewayDependencies(
                clusters: clusters, gate: gate,
                reader: SessionGuard(sessions: sessions, administrators: file.administrators), sessions: sessions,
                sessionStore: sessionStore, identities: identities, signIn: signIn, audit: audit, signer: signer,
                steward: steward, administrators: file.administrators,
                proxies: TrustedProxies(ranges: file.trustedProxies, unixSocket: !file.trustedProxies.isEmpty),
                rates: file.rates, publicURL: file.publicURL, singleUser: file.singleUser, metrics: metrics,
                log: logger))
        services =
            [PolicyReloader(source: source, path: file.policy, logger: logger)]
            + clusters.flatMap(\.services)
            + [
                HeadWitness(book: audit, signer: signer, interval: .seconds(10), log: logger),
                server.administration(socket: file.adminSocket, permitted: file.singleUser ? [0, geteuid()] : [0]),
                try server.application(listen: file.listen),
            ]
    }

    /// Closes what outlives the services: the database last.
    func close() async throws {
        await signer.close()
        await steward.close()
        try await slurm.close()
        try await providers.close()
        try database.close()
    }
}
