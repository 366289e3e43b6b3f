// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Synchronization

@testable import SallyIdentity

/// Sessions, sign-ins and people in memory, after the contracts of the ports.
final class FakeStores: SessionStore, SignInStore, IdentityStore {
    private struct Row {
        var session: NewSession
        var current: [UInt8]
        var previous: (hash: [UInt8], sealed: [UInt8], at: Timestamp)?
        var spent: [[UInt8]] = []
        var isEnded = false
    }
    private struct State {
        var rows: [OpaqueID: Row] = [:]
        var people: [Person] = []
        var pending: [String: PendingSignIn] = [:]
        var browsers: [String: [UInt8]] = [:]
        var codes: [[UInt8]: GatewayCode] = [:]
    }

    private let state = Mutex(State())
    private let clock: FakeClock
    init(clock: FakeClock) { self.clock = clock }

    var pendingSignIns: [PendingSignIn] { state.withLock { Array($0.pending.values) } }
    var codes: [GatewayCode] { state.withLock { Array($0.codes.values) } }

    // MARK: SessionStore

    func create(_ session: NewSession) async throws {
        state.withLock { $0.rows[session.id] = Row(session: session, current: session.refreshHash) }
    }

    func live(_ session: OpaqueID) async throws -> LiveSession? { state.withLock { live($0, session) } }

    private func live(_ state: State, _ session: OpaqueID) -> LiveSession? {
        guard let row = state.rows[session], !row.isEnded, clock.now < row.session.expires,
            let person = state.people.first(where: { $0.id == row.session.person }), person.offboarded == nil
        else { return nil }
        return LiveSession(session: session, person: person)
    }

    func isClosed(_ session: OpaqueID) async throws -> Bool { state.withLock { isClosed($0, session) } }

    private func isClosed(_ state: State, _ session: OpaqueID) -> Bool {
        guard let row = state.rows[session] else { return false }
        return state.people.contains { $0.id == row.session.person && $0.offboarded != nil }
    }

    func refresh(_ request: RefreshRequest) async throws -> RefreshResult {
        state.withLock { state in
            for (id, var row) in state.rows {
                if row.current == request.presentedHash {
                    guard let live = live(state, id) else { return isClosed(state, id) ? .closed : .unknown }
                    row.spent += row.previous.map { [$0.hash] } ?? []
                    row.previous = (request.presentedHash, request.sealedSuccessor, clock.now)
                    row.current = request.successorHash
                    state.rows[id] = row
                    return .rotated(live)
                }
                if let previous = row.previous, previous.hash == request.presentedHash,
                    clock.now < previous.at + request.grace, let live = live(state, id)
                {
                    return .repeated(live, sealedSuccessor: previous.sealed)
                }
                if row.previous?.hash == request.presentedHash || row.spent.contains(request.presentedHash) {
                    state.rows[id]?.isEnded = true
                    return .replayed
                }
            }
            return .unknown
        }
    }

    func end(_ session: OpaqueID, of person: PersonID) async throws -> Bool {
        state.withLock { state in
            guard let row = state.rows[session], !row.isEnded, row.session.person == person else { return false }
            state.rows[session]?.isEnded = true
            return true
        }
    }

    func endAll(of user: UserName, by actor: Actor) async throws -> Int { 0 }

    func sessions(of user: UserName?) async throws -> [SessionRow] {
        state.withLock { state in
            state.rows.values.compactMap { row in
                guard let person = state.people.first(where: { $0.id == row.session.person }) else { return nil }
                return SessionRow(
                    id: row.session.id, user: person.account.name, client: row.session.client, created: clock.now,
                    lastUsed: clock.now, expires: row.session.expires, ended: row.isEnded ? clock.now : nil)
            }
        }
    }

    // MARK: SignInStore

    func begin(_ pending: PendingSignIn) async throws { state.withLock { $0.pending[pending.state] = pending } }
    func open(state name: String, browserHash: [UInt8]) async throws -> SignInClaim {
        state.withLock { state in
            guard let pending = state.pending[name] else { return .unknown }
            guard state.browsers[name, default: browserHash] == browserHash else { return .otherBrowser }
            state.browsers[name] = browserHash
            return .granted(pending)
        }
    }
    func isAwaited(challenge: String) async throws -> Bool {
        state.withLock { $0.codes.values.contains { $0.clientChallenge == challenge } }
    }
    func take(state name: String, browserHash: [UInt8]) async throws -> SignInClaim {
        state.withLock { state in
            guard state.pending[name] != nil else { return .unknown }
            guard state.browsers[name] == browserHash else { return .otherBrowser }
            return state.pending.removeValue(forKey: name).map { .granted($0) } ?? .unknown
        }
    }
    func issue(_ code: GatewayCode) async throws { state.withLock { $0.codes[code.codeHash] = code } }
    func redeem(codeHash: [UInt8]) async throws -> GatewayCode? {
        state.withLock { $0.codes.removeValue(forKey: codeHash) }
    }

    // MARK: IdentityStore

    func signIn(_ identity: VerifiedIdentity) async throws -> Person {
        try state.withLock { state in
            if let known = state.people.first(where: { $0.subject == identity.subject }) {
                guard known.offboarded == nil else { throw SallyError(.denied, "offboarded") }
                return known
            }
            let number = state.people.count + 1
            let person = Person(
                id: PersonID(rawValue: Int64(number)), subject: identity.subject, provider: identity.provider,
                displayName: identity.displayName, mail: identity.mail,
                account: Account(name: try UserName(identity.preferredName), uid: try UserID(UInt32(20_000 + number))),
                groups: identity.groups, localRole: .researcher, created: clock.now, offboarded: nil)
            state.people.append(person)
            return person
        }
    }

    func person(named user: UserName) async throws -> Person? {
        state.withLock { $0.people.first { $0.account.name == user } }
    }
    func people() async throws -> [Person] { state.withLock { $0.people } }
    func offboard(_ user: UserName, by actor: Actor) async throws -> Int {
        state.withLock { state in
            for index in state.people.indices where state.people[index].account.name == user {
                state.people[index].offboarded = clock.now
            }
            return 0
        }
    }
    func setRole(_ role: Principal.Role, of user: UserName, by actor: Actor) async throws {}
}
