// SPDX-License-Identifier: Apache-2.0

import SallyIdentity
import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallyWire
import SlurmClient
import SlurmModel
import StrictJSON
import Synchronization

@testable import SallyGateway

/// A clock that a test moves.
final class TestClock: WallClock {
    private let state: Mutex<Int64>
    init(_ start: Int64 = 1_800_000_000) { state = Mutex(start) }
    var now: Timestamp { Timestamp(state.withLock { $0 }) }
    func advance(_ seconds: Int64) { state.withLock { $0 += seconds } }
}

/// Opens once. Waiting is not cancellable on purpose: what waits here stands for a call that cannot be taken back.
final class Latch: Sendable {
    private let state = Mutex((isOpen: false, waiting: [CheckedContinuation<Void, Never>]()))

    var isOpen: Bool { state.withLock { $0.isOpen } }
    var hasWaiters: Bool { state.withLock { !$0.waiting.isEmpty } }

    func open() {
        let waiting = state.withLock { state in
            defer { state = (true, []) }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

final class FakeSigner: TokenMinter {
    struct State {
        var minted: [MintRequest] = []
        var services: [ServicePurpose] = []
        var denied: [UserName] = []
        var countersigned: [AuditPosition] = []
        /// What it says that it countersigned.
        var heads: [AuditPosition] = []
        /// When it says that it minted: by its own clock.
        var mintTime = TestClock().now
        var failure: SallyError?
        var recordsFailure: SallyError?
    }
    private let state = Mutex(State())
    var now: State { state.withLock { $0 } }
    func change(_ body: (inout sending State) -> Void) { state.withLock { body(&$0) } }

    func mint(_ request: MintRequest) async throws -> MintedToken {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            if state.denied.contains(request.user) { throw SallyError(.denied, "\(request.user) is denied") }
            state.minted.append(request)
            return MintedToken(
                token: "slurm-token-of-\(request.user)", expires: state.mintTime + Settlement.tokenLife)
        }
    }

    func mintService(_ request: MintServiceRequest) async throws -> MintedToken {
        state.withLock { $0.services.append(request.purpose) }
        return MintedToken(token: "slurm-token-of-the-service", expires: Timestamp(4_000_000_000))
    }

    func deny(_ user: UserName) async throws {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            state.denied.append(user)
        }
    }

    func countersign(_ position: AuditPosition) async throws -> Countersignature {
        state.withLock { $0.countersigned.append(position) }
        return Countersignature(position: position, time: Timestamp(0), signature: "")
    }

    func records(after: Int64, limit: Int) async throws -> SignerRecords {
        let told = now
        if let failure = told.recordsFailure { throw failure }
        var mints = told.minted.map {
            MintRecord(
                position: $0.position, cluster: $0.cluster, user: $0.user.rawValue, purpose: $0.purpose.rawValue,
                time: told.mintTime)
        }.filter { $0.position.sequence > after }.sorted { $0.position.sequence < $1.position.sequence }
        if mints.count > limit {  // like the signer: the whole of the last event
            let last = mints[limit - 1].position.sequence
            mints.removeAll { $0.position.sequence > last }
        }
        let heads = told.heads.filter { $0.sequence > after }.prefix(limit)
        return SignerRecords(mints: mints, heads: Array(heads), serviceReads: 7, head: nil, publicKey: "")
    }

    func health() async throws -> KeeperHealth { KeeperHealth(singleUser: false, clusters: []) }
}

final class FakeSteward: AccountKeeper {
    struct State {
        var ensured: [EnsureRequest] = []
        /// What happens while an account is made.
        var meanwhile: (@Sendable () -> Void)?
        var locked: [UserName] = []
        var read: [ReadOutputRequest] = []
        /// The first so many readings wait for it.
        var holdsOutput: (first: Int, latch: Latch)?
        var failure: SallyError?
    }
    private let state = Mutex(State())
    var now: State { state.withLock { $0 } }
    func change(_ body: (inout sending State) -> Void) { state.withLock { body(&$0) } }

    func ensure(_ request: EnsureRequest) async throws -> EnsuredAccount {
        now.meanwhile?()
        return try state.withLock { state in
            if let failure = state.failure { throw failure }
            state.ensured.append(request)
            return EnsuredAccount(
                home: "/home/\(request.user)", accounts: [AccountName(unchecked: "lab")], changed: true)
        }
    }

    func lock(_ request: LockRequest) async throws -> KeeperReport {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            state.locked.append(request.user)
            return KeeperReport(steps: [
                .init(name: "submission limit", place: request.cluster.rawValue, outcome: .done, detail: "0"),
                .init(name: "account", place: "controller", outcome: .done, detail: "expired"),
            ])
        }
    }

    func readOutput(_ request: ReadOutputRequest) async throws -> OutputPiece {
        let latch = state.withLock { state -> Latch? in
            state.read.append(request)
            return state.holdsOutput.flatMap { state.read.count <= $0.first ? $0.latch : nil }
        }
        await latch?.wait()
        return OutputPiece(data: Base64.standard.encode(Array("hello\n".utf8)), size: 6, final: true)
    }

    func outputRecords(after: Int64, limit: Int) async throws -> [OutputRecord] {
        state.withLock { $0.read }.filter { $0.position.sequence > after }.prefix(limit).map { request in
            OutputRecord(
                position: request.position, cluster: request.cluster, user: request.user, job: request.job,
                time: Timestamp(0))
        }
    }

    func health() async throws -> KeeperHealth { KeeperHealth(singleUser: false, clusters: []) }
}

/// The provider's part of a sign-in, played by the test.
struct FakeFlow: SignInFlow {
    let sessions: SessionService
    let person: Person

    func begin(_ request: SignInRequest) async throws -> OpenedSignIn {
        guard request.challenge == "good" else {
            throw SallyError(.invalidRequest, "the PKCE challenge is not valid")
        }
        return OpenedSignIn(state: "opened by \(request.client.text)", expires: Timestamp(1))
    }

    func page(state: String?, browser: BrowserKey?) async throws -> OpenedPage {
        guard state == "good", let key = browser ?? BrowserKey(cookie: String(repeating: "A", count: 43)) else {
            throw SallyError(.invalidRequest, "this sign-in is <not> known")
        }
        return OpenedPage(url: "https://provider.example/authorize?state=x", browser: key)
    }

    func callback(_ parameters: CallbackParameters) async throws -> CallbackOutcome {
        func page(_ way: SignInPage.Way) -> CallbackOutcome {
            .page(
                SignInPage(
                    user: person.account.name, client: SignInClient(address: "203.0.113.9", label: "<b>sally</b> on x"),
                    expires: Timestamp(2_000_000_000), way: way))
        }
        switch parameters.state {
        case "typed": return page(.typed(code: "ABCD-2345"))
        case "loopback":
            return page(
                .loopback(
                    confirm: "http://127.0.0.1:9/callback?code=c&state=s",
                    refuse: "http://127.0.0.1:9/callback?error=access_denied&state=s"))
        case "failed": return .redirect("http://127.0.0.1:9/callback?error=access_denied")
        default: throw SallyError(.invalidRequest, "this sign-in is unknown")
        }
    }

    func redeem(code: String, verifier: String) async throws -> SessionGrant {
        guard code == "good" else { throw SallyError(.unauthenticated, "the code is wrong") }
        return try await sessions.signInCompleted(person, client: "test")
    }
}
