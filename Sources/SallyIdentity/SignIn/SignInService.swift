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
    let limiter = AttemptLimiter(limit: 10, window: .seconds(600), capacity: 10_000)

    /// From the program's request until the person is back from the provider.
    private static let pendingLifetime = Duration.seconds(600)
    /// From the last page until the program has the code.
    private static let codeLifetime = Duration.seconds(300)

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

    /// Begins a sign-in for a program, which sends the person's browser to our page with the state. The program asks
    /// itself, before there is a browser, so that the address that people are shown is the program's.
    /// - Throws: `SallyError(.invalidRequest)` for a bad challenge, redirect or state; `.unavailable` naming the provider.
    package func begin(_ request: SignInRequest) async throws -> OpenedSignIn {
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
            client: request.client.text, expires: clock.now + SignInService.pendingLifetime)
        // Says now, where the person looks, that the provider is away.
        _ = try await provider.authorizationURL(
            state: pending.state, nonce: pending.nonce, verifier: pending.verifier)
        try await store.begin(pending)
        return OpenedSignIn(state: pending.state, expires: pending.expires)
    }

    /// Where a browser goes that opened the page of this sign-in. The first browser that does may open it again until the
    /// person is back; no other may, so that whoever gets to see the address later gets nowhere with it. Whoever opens it
    /// first is seen: the person's own browser is told.
    /// - Parameter browser: what the browser has from before; nil for a new one.
    /// - Throws: `SallyError(.invalidRequest)` for a sign-in that is not, or not any more, `.denied` for one that another
    ///   browser opened; `.unavailable`.
    package func page(state: String?, browser: BrowserKey?) async throws -> OpenedPage {
        let browser = browser ?? BrowserKey()
        guard let state, SignInService.isState(state) else { throw SignInService.unknown }
        let pending = try granted(try await store.open(state: state, browserHash: browser.hash))
        guard let name = ClusterName(rawValue: pending.provider) else { throw SignInService.unknown }
        let url = try await provider(name).authorizationURL(
            state: pending.state, nonce: pending.nonce, verifier: pending.verifier)
        return OpenedPage(url: url, browser: browser)
    }

    /// Takes the provider's redirect back: verifies, lets the person in, and makes a page that names who asked and has
    /// the one-time code: to be typed, or behind one click that takes it to the program's loopback address.
    ///
    /// A failure goes to the loopback address at once (`error`, `error_description`), so that the CLI does not wait in
    /// vain.
    /// - Throws: `SallyError` where there is no such address; `.denied` for another browser than the one that opened the
    ///   sign-in, which goes on waiting for that one.
    package func callback(_ parameters: CallbackParameters) async throws -> CallbackOutcome {
        guard let state = parameters.state, SignInService.isState(state) else { throw SignInService.unknown }
        // A browser without a key of its own is some other browser.
        let browser = parameters.browser ?? BrowserKey()
        let pending = try granted(try await store.take(state: state, browserHash: browser.hash))
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
                SignInService.refusal(
                    error.code == .unavailable ? "temporarily_unavailable" : "access_denied", error.description,
                    pending, loopback))
        }
    }

    /// An error to the program's loopback address (RFC 6749 section 4.1.2.1).
    private static func refusal(
        _ error: String, _ description: String, _ pending: PendingSignIn, _ loopback: String
    ) -> String {
        appending(
            [("error", error), ("error_description", description), ("state", pending.clientState ?? "")], to: loopback)
    }

    /// Exchanges the one-time code for a session.
    /// - Parameter verifier: of the challenge that opened this sign-in. A code without it is worth nothing.
    /// - Throws: `SallyError(.unauthenticated)`; `.rateLimited` after too many tries; `.denied` for somebody offboarded.
    package func redeem(code: String, verifier: String) async throws -> SessionGrant {
        guard PKCE.isVerifier(verifier), let code = SignInCode(given: code) else { throw SignInService.wrongCode }
        let challenge = PKCE.challenge(for: verifier)
        // Where no code waits there is nothing to guess and nothing to count.
        guard try await store.isAwaited(challenge: challenge) else { throw SignInService.wrongCode }
        guard limiter.permits(challenge, now: clock.now) else {
            throw SallyError(.rateLimited, "too many wrong codes", hint: "start again with `sally login`")
        }
        guard let row = try await store.redeem(codeHash: code.hash(challenge: challenge)), clock.now < row.expires,
            constantTimeEqual(Array(row.clientChallenge.utf8), Array(challenge.utf8))
        else { throw SignInService.wrongCode }
        guard let person = try await identities.people().first(where: { $0.id == row.person }) else {
            throw SignInService.wrongCode
        }
        guard person.offboarded == nil else { throw sessions.closed(.denied) }
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
        let person = try await signedIn(identity)
        var generator = SystemRandomNumberGenerator()
        let own =
            pending.loopback == nil ? SignInCode.typed(using: &generator) : .redirected(using: &generator)
        let expires = clock.now + SignInService.codeLifetime
        try await store.issue(
            GatewayCode(
                codeHash: own.hash(challenge: pending.clientChallenge), person: person.id,
                clientChallenge: pending.clientChallenge, client: pending.client, expires: expires))
        let way: SignInPage.Way =
            if let loopback = pending.loopback {
                .loopback(
                    confirm: appending([("code", own.text), ("state", pending.clientState ?? "")], to: loopback),
                    refuse: SignInService.refusal(
                        "access_denied", "you said on the page that you did not begin it", pending, loopback))
            } else {
                .typed(code: own.text)
            }
        return .page(
            SignInPage(
                user: person.account.name, client: SignInClient(text: pending.client), expires: expires, way: way))
    }

    private func signedIn(_ identity: VerifiedIdentity) async throws -> Person {
        do {
            return try await identities.signIn(identity)
        } catch let error as SallyError where error.code == .denied {
            throw sessions.closed(.denied)
        }
    }

    private func provider(_ name: ClusterName) throws -> OpenIDProvider {
        guard let provider = providers[name] else {
            throw SallyError(.invalidRequest, "there is no identity provider \(name)")
        }
        return provider
    }

    private static func isState(_ text: String) -> Bool { (16...256).contains(text.utf8.count) }

    private static var unknown: SallyError {
        SallyError(
            .invalidRequest, "this sign-in is unknown, finished or too old", hint: "start again with `sally login`")
    }

    private func granted(_ claim: SignInClaim) throws -> PendingSignIn {
        switch claim {
        case .granted(let pending) where clock.now < pending.expires: return pending
        case .granted, .unknown: throw SignInService.unknown
        case .otherBrowser:
            throw SallyError(
                .denied, "this sign-in was opened in another browser, or this browser keeps no cookies",
                hint: "if it was not you who opened it, start again with `sally login`")
        }
    }

    private static var wrongCode: SallyError {
        SallyError(
            .unauthenticated, "the code is wrong, used or too old",
            hint: "type it again, or start again with `sally login`")
    }
}
