// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import SallyIdentity
import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallyStore
import SallyTestSupport
import SallyWire
import ServiceLifecycle
import SlurmModel
import StrictJSON
import Testing

@testable import SallyConfig
@testable import SallyGateway

/// A gateway with a real store, and fakes where Slurm, signer, steward and provider would be.
struct World: Sendable {
    let clock: TestClock
    let queue: FakeQueue
    let signer: FakeSigner
    let steward: FakeSteward
    let identities: SQLIdentityStore
    let sessions: SessionService
    let submissions: SubmissionStore
    let audit: AuditStore
    let gate: Gate
    let ledger: DecisionWriter
    let people: [String: Person]
    let cluster: ClusterGateway
    let markers: SubmissionMarker.Maker
    let server: GatewayServer
    let alice: String
    let bob: String
    let dana: String
    let otherGateway: SessionIssuer
    let issuer: SessionIssuer

    static let name = ClusterName(unchecked: "demo")

    /// What a gateway leaves behind that dies right after its decision.
    func reserve(
        _ key: String, _ fingerprint: String, _ person: Person, mintBy: Timestamp?
    ) async throws -> AuditPosition {
        try await ledger.decide { transaction in
            let position = try transaction.append(
                AuditDraft(actor: "test", action: "job.submit", target: nil, outcome: .allowed))
            _ = try transaction.reserve(
                SubmissionDraft(
                    person: person.id, cluster: World.name, operation: .submit, idempotencyKey: key,
                    fingerprint: fingerprint, mintBy: mintBy), decidedAt: position)
            return position
        }
    }

    func mint(_ position: AuditPosition, _ person: Person) async throws {
        _ = try await signer.mint(
            MintRequest(
                cluster: World.name, user: person.account.name, uid: person.account.uid, purpose: .submit,
                position: position))
    }

    /// A session's token for somebody in these groups.
    static func signIn(
        _ name: String, _ groups: [String], _ identities: SQLIdentityStore, _ sessions: SessionService
    ) async throws -> (Person, SessionGrant) {
        let person = try await identities.signIn(
            VerifiedIdentity(
                subject: Subject(issuer: "https://provider.example", subject: name), provider: "test",
                displayName: name, preferredName: name, mail: nil,
                groups: Set(groups.map { GroupName(unchecked: "test:\($0)") })))
        return (person, try await sessions.signInCompleted(person, client: "test"))
    }
}

struct WorldSettings: Sendable {
    var output = true
    var rates = GatewayConfig.RateLimits(
        signInsPerMinute: 10_000, failuresPerMinute: 10_000, requestsPerMinute: 100_000, concurrentRequests: 10_000)
    /// Bytes that may be under way.
    var bodies = BodyAllowance.seats()
    var proxies = TrustedProxies(ranges: [], unixSocket: false)
    var leavers = LeaverJobs.cancel
    var accounting = true
    var jobDefaults: JobDefaults?
    var memoryLimits: MemoryLimits?
    var wholeSockets = false
    var wholeNodes = false
    var staleLimit = Duration.seconds(600)
    var before: @Sendable (FakeQueue) -> Void = { _ in }
    var log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

func withWorld<Result: Sendable>(
    _ settings: WorldSettings = WorldSettings(),
    _ body: @Sendable (World, any TestClientProtocol) async throws -> Result
) async throws -> Result {
    try await withScratchFolder { folder in
        let clock = TestClock()
        let database = try Database(
            path: "\(folder)/sally.sqlite",
            settings: DatabaseSettings(busyLimit: .seconds(240), waitLimit: .seconds(240)), clock: clock)
        defer { try? database.close() }  // the folder goes away
        let identities = try SQLIdentityStore(database: database, uids: 20_000...29_999)
        let store = SQLSessionStore(database: database)
        let keys = try SessionKeys(pems: [SessionKeys.generateKeyPEM()])
        let issuer = SessionIssuer(keys: keys, issuer: "https://gateway.example", clock: clock)
        let other = SessionIssuer(
            keys: try SessionKeys(pems: [SessionKeys.generateKeyPEM()]), issuer: "https://gateway.example", clock: clock
        )
        let sessions = SessionService(issuer: issuer, store: store, settings: SessionSettings(), clock: clock)
        let administrators: Set<GroupName> = [GroupName(unchecked: "test:hpc-admins")]
        let metrics = Metrics()
        let gate = Gate(
            ledger: DecisionWriter(database: database), policy: PolicySource(try testPolicy()), clock: clock,
            counter: metrics)
        let (queue, signer, steward) = (FakeQueue(), FakeSigner(), FakeSteward())
        queue.change { state in
            state.partitions = testPartitions
            state.nodes = testNodes
            state.clock = clock
        }
        settings.before(queue)
        let submissions = SubmissionStore(database: database)
        let audit = AuditStore(database: database)
        let markers = SubmissionMarker.Maker(secret: Secret(Array(repeating: 7, count: 32)))
        let log = settings.log
        let cluster = ClusterGateway(
            config: ClusterConfig(
                name: World.name, slurmrestd: .unixSocket(path: "/nowhere"), apiVersion: nil, accountMode: .everywhere,
                profiles: [
                    .init(groups: [GroupName(unchecked: "test:hpc-users")], profile: ProfileName(unchecked: "user"))
                ],
                defaultProfile: nil, defaultAccount: nil, jobDefaults: settings.jobDefaults,
                memoryLimits: settings.memoryLimits, wholeSockets: settings.wholeSockets,
                wholeNodes: settings.wholeNodes,
                output: settings.output,
                pendingJobsOnOffboarding: settings.leavers, accounting: settings.accounting,
                staleLimit: settings.staleLimit),
            isDefault: true, queue: queue, gate: gate, signer: signer, steward: steward, submissions: submissions,
            turns: UpdateTurnStore(database: database), markers: markers, metrics: metrics, clock: clock,
            silence: .seconds(3600), patience: .seconds(240), log: log)
        let (alices, alice) = try await World.signIn("alice", ["hpc-users"], identities, sessions)
        let (bobs, bob) = try await World.signIn("bob", ["hpc-users"], identities, sessions)
        let (_, dana) = try await World.signIn("dana", ["hpc-admins"], identities, sessions)
        let server = GatewayServer(
            GatewayDependencies(
                clusters: [cluster], gate: gate,
                reader: SessionGuard(sessions: sessions, administrators: administrators), sessions: sessions,
                sessionStore: store, identities: identities, signIn: FakeFlow(sessions: sessions, person: bobs),
                audit: audit, signer: signer, steward: steward, administrators: administrators,
                proxies: settings.proxies, rates: settings.rates, publicURL: "https://gateway.example",
                singleUser: false, metrics: metrics, log: log), bodies: settings.bodies)
        let world = World(
            clock: clock, queue: queue, signer: signer, steward: steward, identities: identities, sessions: sessions,
            submissions: submissions, audit: audit, gate: gate, ledger: DecisionWriter(database: database),
            people: ["alice": alices, "bob": bobs], cluster: cluster, markers: markers, server: server,
            alice: alice.accessToken.reveal(), bob: bob.accessToken.reveal(), dana: dana.accessToken.reveal(),
            otherGateway: other, issuer: issuer)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for service in cluster.services { group.addTask { try await service.run() } }
            defer { group.cancelAll() }
            try await eventually("the first read") { cluster.keeper.latest.readAt != nil }
            let application = Application(router: server.router(), logger: log)
            return try await application.test(.router) { try await body(world, $0) }
        }
    }
}

/// Everybody in hpc-users may use `debug`; `gpu` is for others.
private func testPolicy() throws -> Policy {
    try Policy(rules: [
        Rule(
            name: RuleName(unchecked: "everyday"), effect: .allow,
            people: .groups([GroupName(unchecked: "test:hpc-users")]), clusters: .any,
            partitions: .only([PartitionName(unchecked: "debug")]), accounts: .any, qos: nil, reservations: nil,
            limits: Limits())
    ])
}

extension TestClientProtocol {
    func call(
        _ method: HTTPRequest.Method, _ path: String, _ token: String? = nil, body: String? = nil,
        type: String? = "application/json", headers extra: [(String, String)] = []
    ) async throws -> TestResponse {
        var headers = HTTPFields()
        if let token { headers[.authorization] = "Bearer \(token)" }
        if body != nil, let type { headers[.contentType] = type }
        for (name, value) in extra {
            headers.append(HTTPField(name: HTTPField.Name(name)!, value: value))  // a valid token
        }
        return try await execute(
            uri: path, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) })
    }
}

extension TestClientProtocol {
    /// Calls, and wants this status.
    func expect(
        _ status: HTTPResponse.Status, _ method: HTTPRequest.Method, _ path: String, _ token: String? = nil,
        body: String? = nil, headers: [(String, String)] = [], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let answer = try await call(method, path, token, body: body, headers: headers)
        #expect(answer.status == status, "\(method) \(path): \(answer.text)", sourceLocation: sourceLocation)
    }
}

extension TestResponse {
    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try StrictDecoder.decode(type, from: Array(body.readableBytesView))
    }

    /// The problem document, which must be one.
    var problem: Problem {
        get throws { try decode(Problem.self) }
    }

    var text: String { String(buffer: body) }
}
