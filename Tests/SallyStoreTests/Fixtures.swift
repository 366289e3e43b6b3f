// SPDX-License-Identifier: Apache-2.0

import GRDB
import SallyIdentity
import SallyModel
import SallyPolicy
import SallyStore
import SallyTestSupport
import Synchronization

/// A clock that stands still until it is moved.
final class TestClock: WallClock {
    private let moment = Mutex(Timestamp(1_800_000_000))
    var now: Timestamp { moment.withLock { $0 } }
    func advance(_ duration: Duration) { moment.withLock { $0 = $0 + duration } }
}

/// What a conformance suite needs of an implementation: the ports over one store.
struct Ports: Sendable {
    let decisions: any DecisionLedger
    let identities: any IdentityStore
    let sessions: any SessionStore
    let signIns: any SignInStore
    let clock: TestClock
}

/// Makes ports over a fresh store for `body`.
typealias PortsFactory = @Sendable (_ body: (Ports) async throws -> Void) async throws -> Void

extension DatabaseSettings {
    /// With limits that only a write comes near that will never have its turn.
    static func patient(
        busyLimit: Duration = .seconds(240), waitingLimit: Int = 4096, companyLimit: Duration = .milliseconds(5)
    ) -> DatabaseSettings {
        DatabaseSettings(
            busyLimit: busyLimit, waitLimit: .seconds(240), waitingLimit: waitingLimit, companyLimit: companyLimit)
    }
}

/// A database in a folder of its own.
func withDatabase(
    settings: DatabaseSettings = .patient(),
    _ body: (SallyStore.Database, TestClock, String) async throws -> Void
) async throws {
    try await withScratchFolder { folder in
        let clock = TestClock()
        let path = "\(folder)/store.db"
        let database = try SallyStore.Database(path: path, settings: settings, clock: clock)
        do {
            try await body(database, clock, path)
        } catch {
            try? database.close()  // the first error is what matters
            throw error
        }
        try database.close()
    }
}

func withSQLitePorts(_ body: (Ports) async throws -> Void) async throws {
    try await withDatabase { database, clock, _ in
        try await body(try makePorts(database, clock))
    }
}

func makePorts(_ database: SallyStore.Database, _ clock: TestClock, uids: ClosedRange<UInt32> = 20_000...20_099) throws
    -> Ports
{
    Ports(
        decisions: DecisionWriter(database: database),
        identities: try SQLIdentityStore(database: database, uids: uids),
        sessions: SQLSessionStore(database: database),
        signIns: SQLSignInStore(database: database, limits: SignInLimits(pending: 5, codes: 8, codesOfOnePerson: 2)),
        clock: clock)
}

func identity(_ name: String, groups: Set<GroupName> = []) -> VerifiedIdentity {
    VerifiedIdentity(
        subject: Subject(issuer: "https://provider.example", subject: "sub-\(name)"), provider: "demo",
        displayName: "\(name) Example", preferredName: name, mail: "\(name)@example.org", groups: groups)
}

func sessionID(_ number: Int) throws -> OpaqueID {
    guard let id = OpaqueID(rawValue: "session-\(String(repeating: "0", count: 12))-\(number)") else {
        throw SallyError(.internal, "the fixture is wrong")
    }
    return id
}

/// Bytes as a SHA-256 would be.
func hash(_ number: Int) -> [UInt8] { (0..<32).map { UInt8(truncatingIfNeeded: number >> (8 * ($0 % 4))) } }

func newSession(_ number: Int, of person: Person, clock: TestClock, life: Duration = .seconds(3600)) throws
    -> NewSession
{
    NewSession(
        id: try sessionID(number), person: person.id, refreshHash: hash(number * 1000), expires: clock.now + life,
        client: "127.0.0.1 sally")
}

func refreshRequest(_ presented: Int, to successor: Int, grace: Duration = .seconds(30)) -> RefreshRequest {
    RefreshRequest(
        presentedHash: hash(presented), successorHash: hash(successor), sealedSuccessor: hash(successor + 7),
        grace: grace)
}

func draft(_ number: Int, outcome: AuditEvent.Outcome = .allowed) -> AuditDraft {
    AuditDraft(
        actor: "person:1:alice", action: "job.submit", cluster: ClusterName(rawValue: "demo"), target: "job \(number)",
        outcome: outcome, rule: "users", request: nil,
        details: [.init("partition", "debug"), .init("odd", "\"\n\u{1}é")])
}

/// Runs SQL past the store, as somebody would who has the file.
func tamper(_ path: String, _ statements: String...) throws {
    let queue = try DatabaseQueue(path: path)
    try queue.write { connection in
        for statement in statements { try connection.execute(sql: statement) }
    }
    try queue.close()
}

/// The code of the error that `body` throws.
func code(of body: () async throws -> Void) async -> SallyError.Code? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? SallyError)?.code
    }
}
