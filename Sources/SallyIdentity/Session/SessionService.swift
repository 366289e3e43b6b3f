// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// Sessions: made at sign-in, refreshed, read on every request, ended. Nothing here needs the identity provider.
package struct SessionService: Sendable {
    private let issuer: SessionIssuer
    private let store: any SessionStore
    private let settings: SessionSettings
    private let clock: any WallClock

    package init(
        issuer: SessionIssuer, store: some SessionStore, settings: SessionSettings, clock: some WallClock
    ) {
        self.issuer = issuer
        self.store = store
        self.settings = settings
        self.clock = clock
    }

    /// Makes a session for somebody who just signed in.
    /// - Precondition: `identity` was verified and `IdentityStore.signIn` let the person in.
    package func signInCompleted(_ person: Person, client: String) async throws -> SessionGrant {
        var generator = SystemRandomNumberGenerator()
        let session = OpaqueID.random(using: &generator)
        let refresh = RefreshToken.random(using: &generator)
        let end = clock.now + settings.familyLifetime
        try await store.create(
            NewSession(
                id: session, person: person.id, refreshHash: refresh.hash, expires: end, client: shortened(client)))
        return try grant(LiveSession(session: session, person: person), refresh: refresh, end: end)
    }

    /// The person behind a session token, if the token is good and its session lives. Reads the row: what was revoked a
    /// moment ago, by any gateway process, is refused.
    /// - Throws: `SessionTokenProblem`; what the store throws.
    package func authenticate(_ token: String) async throws -> LiveSession {
        let claims = try issuer.verify(token)
        return try await live(claims.session, of: claims.person)
    }

    /// The same of a session whose token was verified before, and may have expired since.
    /// - Throws: `SessionTokenProblem`; what the store throws.
    package func live(_ session: OpaqueID, of person: PersonID) async throws -> LiveSession {
        guard let live = try await store.live(session), live.session == session, live.person.id == person,
            live.person.offboarded == nil
        else {
            // Only who has a token that we signed hears of it.
            throw try await store.isClosed(session) ? SessionTokenProblem.closed : .ended
        }
        return live
    }

    /// What people are told of a token.
    package func error(_ problem: SessionTokenProblem) -> SallyError {
        switch problem {
        case .closed: closed(.unauthenticated)
        case .malformed, .badSignature, .otherClaims, .expired, .notYetValid, .ended: problem.error
        }
    }

    /// What somebody offboarded is told who has proved who they are.
    func closed(_ code: SallyError.Code) -> SallyError {
        let whom = settings.contact.map { "ask \($0)" } ?? "ask the administrators of your clusters"
        return SallyError(
            code, "your account here was closed: signing in again does not help", hint: "\(whom) if this is a mistake")
    }

    /// Exchanges a refresh token. Within the grace time the previous one gives the same successor again, so that an
    /// answer may be lost; any other old one ends the family (RFC 9700 section 4.14.2).
    /// - Parameter count: told of the outcome, before a refusal is thrown.
    /// - Throws: `SallyError(.unauthenticated)` for one that is unknown, replayed, or of an ended session.
    package func refresh(_ text: String, count: (RefreshOutcome) -> Void) async throws -> SessionGrant {
        guard let presented = RefreshToken(text) else {
            count(.unknown)
            throw SessionService.refused
        }
        var generator = SystemRandomNumberGenerator()
        let successor = RefreshToken.random(using: &generator)
        let result = try await store.refresh(
            RefreshRequest(
                presentedHash: presented.hash, successorHash: successor.hash,
                sealedSuccessor: presented.seal(successor), grace: settings.grace))
        count(result.outcome)
        switch result {
        case .rotated(let live):
            return try grant(live, refresh: successor, end: await end(of: live))
        case .repeated(let live, let sealed):
            return try grant(live, refresh: presented.open(sealed), end: await end(of: live))
        case .replayed:
            throw SallyError(
                .unauthenticated, "your session was ended, because its refresh token was used a second time",
                hint: "sign in again with `sally login`; if you gave the token to nobody, tell your administrators")
        case .closed: throw closed(.unauthenticated)
        case .unknown: throw SessionService.refused
        }
    }

    /// Ends this session. False when it had ended already.
    package func logout(_ live: LiveSession) async throws -> Bool {
        try await store.end(live.session, of: live.person.id)
    }

    private func grant(_ live: LiveSession, refresh: RefreshToken, end: Timestamp) throws -> SessionGrant {
        let (token, expires) = try issuer.issue(session: live.session, person: live.person.id)
        return SessionGrant(
            accessToken: token, expires: min(expires, end), refreshToken: Secret(refresh.text), sessionExpires: end,
            user: live.person.account.name)
    }

    private func end(of live: LiveSession) async throws -> Timestamp {
        let rows = try await store.sessions(of: live.person.account.name)
        guard let row = rows.first(where: { $0.id == live.session }) else { throw SessionTokenProblem.ended.error }
        return row.expires
    }

    private static var refused: SallyError {
        SallyError(.unauthenticated, "your session has ended", hint: "sign in again with `sally login`")
    }
}

package struct SessionSettings: Sendable {
    /// When a session ends whatever happens: somebody signs in again.
    package var familyLifetime: Duration
    /// How long the previous refresh token still gives the same successor.
    package var grace: Duration
    /// Whom somebody asks whose account was closed.
    package var contact: String?
    package init(
        familyLifetime: Duration = .seconds(12 * 3600), grace: Duration = .seconds(30), contact: String? = nil
    ) {
        self.familyLifetime = familyLifetime
        self.grace = grace
        self.contact = contact
    }
}

/// What became of a refresh token that was presented. The names are labels of a counter.
package enum RefreshOutcome: String, Sendable, CaseIterable {
    case rotated
    /// The answer before was lost, or two processes share one session file.
    case repeated
    /// Used before, and so perhaps stolen: its session was ended.
    case replayed
    /// Of somebody offboarded.
    case closed
    case unknown
}

extension RefreshResult {
    fileprivate var outcome: RefreshOutcome {
        switch self {
        case .rotated: .rotated
        case .repeated: .repeated
        case .replayed: .replayed
        case .closed: .closed
        case .unknown: .unknown
        }
    }
}

/// What a client gets at sign-in and refresh.
package struct SessionGrant: Sendable {
    package var accessToken: Secret<String>
    package var expires: Timestamp
    package var refreshToken: Secret<String>
    package var sessionExpires: Timestamp
    package var user: UserName
}

extension LiveSession {
    /// The principal of a request.
    /// - Parameter administrators: groups whose members are administrators, as the configuration says; a local grant is
    ///   enough too.
    package func principal(administrators: Set<GroupName>) -> Principal {
        let isAdministrator =
            person.localRole == .administrator || !person.groups.isDisjoint(with: administrators)
        return Principal(
            person: person.id, subject: person.subject, displayName: person.displayName, account: person.account,
            groups: person.groups, role: isAdministrator ? .administrator : .researcher, session: session)
    }
}
