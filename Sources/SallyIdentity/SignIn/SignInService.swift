// SPDX-License-Identifier: Apache-2.0

import Crypto
package import Logging
package import SallyModel

/// Sign-in from the first page to the session. Everything between two requests is in the store, so that any gateway
/// process can finish what another began.
package struct SignInService: Sendable {
    private let providers: [ClusterName: OpenIDProvider]
    private let standard: ClusterName
    private let store: any SignInStore
    private let identities: any IdentityStore
    private let sessions: SessionService
    private let clock: any WallClock
    private let log: Logger
    private let limiter = AttemptLimiter(limit: 10, window: .seconds(600), capacity: 10_000)

    /// From our redirect to the provider until the person is back.
    private static let pendingLifetime = Duration.seconds(600)
    private static let redirectedLifetime = Duration.seconds(60)
    private static let typedLifetime = Duration.seconds(300)

    /// - Parameter providers: the first is taken where a sign-in names none.
    /// - Throws: `SallyError(.misconfigured)` when there is none, or two of one name.
    package init(
        providers: [OpenIDProvider], store: some SignInStore, identities: some IdentityStore, sessions: SessionService,
        clock: some WallClock, log: Logger
    ) throws {
        guard let first = providers.first else {
            throw SallyError(.misconfigured, "there is no identity provider", hint: "name one under providers")
        }
        self.providers = Dictionary(providers.map { ($0.settings.name, $0) }) { first, _ in first }
        guard self.providers.count == providers.count else {
            throw SallyError(.misconfigured, "two identity providers have the same name")
        }
        standard = first.settings.name
        self.store = store
        self.identities = identities
        self.sessions = sessions
        self.clock = clock
        self.log = log
    }

    /// Begins a sign-in and says where the browser goes.
    /// - Throws: `SallyError(.invalidRequest)` for a bad challenge, redirect or state; `.unavailable` naming the provider.
    package func begin(_ request: SignInRequest) async throws -> String {
        guard PKCE.isChallenge(request.challenge) else {
            throw SallyError(
                .invalidRequest, "the PKCE challenge is not valid",
                hint: "base64url of a SHA-256 (RFC 7636 section 4.2)")
        }
        if let loopback = request.loopback {
            _ = try LoopbackRedirect(loopback)
            guard let state = request.clientState, (8...256).contains(state.utf8.count),
                state.utf8.allSatisfy(isUnreserved)
            else {
                throw SallyError(
                    .invalidRequest, "a redirect needs a state", hint: "8 to 256 letters, digits, - . _ ~")
            }
        } else if request.clientState != nil {
            throw SallyError(.invalidRequest, "a state needs a redirect address")
        }
        let provider = try provider(request.provider ?? standard)
        var generator = SystemRandomNumberGenerator()
        let pending = PendingSignIn(
            state: randomText(using: &generator), provider: provider.settings.name.rawValue,
            nonce: randomText(using: &generator), verifier: randomText(using: &generator),
            clientChallenge: request.challenge, loopback: request.loopback, clientState: request.clientState,
            client: request.client, expires: clock.now + SignInService.pendingLifetime)
        let url = try await provider.authorizationURL(
            state: pending.state, nonce: pending.nonce, verifier: pending.verifier)
        try await store.begin(pending)
        return url
    }

    /// Takes the provider's redirect back: verifies, lets the person in, and hands a one-time code to the CLI, by its
    /// loopback address or by a page that shows it.
    ///
    /// A failure goes to the loopback address too (`error`, `error_description`), so that the CLI does not wait in vain.
    /// - Throws: `SallyError` where there is no such address.
    package func callback(_ parameters: CallbackParameters) async throws -> CallbackOutcome {
        guard let state = parameters.state, (16...256).contains(state.utf8.count),
            let pending = try await store.take(state: state), clock.now < pending.expires
        else {
            throw SallyError(
                .invalidRequest, "this sign-in is unknown, finished or too old", hint: "start again with `sally login`")
        }
        do {
            return try await finish(pending, parameters)
        } catch let error as SallyError {
            log.info(
                "sign-in failed",
                metadata: [
                    "provider": "\(pending.provider)", "code": "\(error.code)", "reason": "\(error.message)",
                    "cause": "\(error.cause ?? "")",
                ])
            guard let loopback = pending.loopback else { throw error }
            return .redirect(
                appending(
                    [
                        ("error", error.code == .unavailable ? "temporarily_unavailable" : "access_denied"),
                        ("error_description", error.description), ("state", pending.clientState ?? ""),
                    ], to: loopback))
        }
    }

    /// Exchanges the one-time code for a session.
    /// - Parameter verifier: of the challenge that opened this sign-in. A code without it is worth nothing.
    /// - Throws: `SallyError(.unauthenticated)`; `.rateLimited` after too many tries; `.denied` for somebody offboarded.
    package func redeem(code: String, verifier: String) async throws -> SessionGrant {
        guard PKCE.isVerifier(verifier), let code = SignInCode(given: code) else { throw SignInService.wrongCode }
        let challenge = PKCE.challenge(for: verifier)
        guard limiter.permits(challenge, now: clock.now) else {
            throw SallyError(.rateLimited, "too many wrong codes", hint: "start again with `sally login`")
        }
        guard let row = try await store.redeem(codeHash: code.hash(challenge: challenge)), clock.now < row.expires,
            constantTimeEqual(Array(row.clientChallenge.utf8), Array(challenge.utf8))
        else { throw SignInService.wrongCode }
        guard let person = try await identities.people().first(where: { $0.id == row.person }) else {
            throw SignInService.wrongCode
        }
        guard person.offboarded == nil else {
            throw SallyError(.denied, "\(person.account.name) was offboarded", hint: "ask the administrator")
        }
        return try await sessions.signInCompleted(person, client: row.client)
    }

    private func finish(
        _ pending: PendingSignIn, _ parameters: CallbackParameters
    ) async throws -> CallbackOutcome {
        guard let name = ClusterName(rawValue: pending.provider) else { throw SignInService.wrongCode }
        let provider = try provider(name)
        try await provider.checkIssuer(parameters.issuer)
        if let error = parameters.error {
            throw SallyError(
                error == "temporarily_unavailable" || error == "server_error" ? .unavailable : .denied,
                "the identity provider \(name) did not sign you in",
                hint: "start again with `sally login`", cause: quoted(error))
        }
        guard let code = parameters.code, (1...4096).contains(code.utf8.count) else {
            throw SallyError(.invalidRequest, "the answer of the identity provider \(name) has no code")
        }
        let identity = try await provider.identity(code: code, verifier: pending.verifier, nonce: pending.nonce)
        let person = try await identities.signIn(identity)
        var generator = SystemRandomNumberGenerator()
        let isTyped = pending.loopback == nil
        let own = isTyped ? SignInCode.typed(using: &generator) : SignInCode.redirected(using: &generator)
        let expires = clock.now + (isTyped ? SignInService.typedLifetime : SignInService.redirectedLifetime)
        try await store.issue(
            GatewayCode(
                codeHash: own.hash(challenge: pending.clientChallenge), person: person.id,
                clientChallenge: pending.clientChallenge, client: pending.client, expires: expires))
        guard let loopback = pending.loopback else {
            return .page(
                CodePage(code: own.text, user: person.account.name, client: pending.client, expires: expires))
        }
        return .redirect(appending([("code", own.text), ("state", pending.clientState ?? "")], to: loopback))
    }

    private func provider(_ name: ClusterName) throws -> OpenIDProvider {
        guard let provider = providers[name] else {
            throw SallyError(.invalidRequest, "there is no identity provider \(name)")
        }
        return provider
    }

    private static var wrongCode: SallyError {
        SallyError(
            .unauthenticated, "the code is wrong, used or too old",
            hint: "type it again, or start again with `sally login`")
    }
}
