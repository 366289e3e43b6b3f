// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import SallyIdentity
import SallyModel
import SallyWire

/// What a program does for its session: begin a sign-in, exchange a code, refresh, end it.
struct SessionRoutes: Sendable {
    let flow: (any SignInFlow)?
    let sessions: SessionService
    let store: any SessionStore
    let metrics: Metrics

    /// Anybody may call this; it has the strictest limit.
    func addBeginning(to routes: some RouterMethods<GatewayContext>) {
        routes.post("/v1/auth/sign-in", use: begin)
    }

    /// Anybody may call these.
    func addOpen(to routes: some RouterMethods<GatewayContext>) {
        routes.post("/v1/auth/token", use: token)
        routes.post("/v1/auth/refresh", use: refresh)
    }

    func add(to routes: some RouterMethods<GatewayContext>) {
        routes.post("/v1/auth/logout", use: logout)
    }

    @Sendable private func begin(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let message = try await request.decode(SignInOpening.self, context)
        let opened = try await required().begin(
            SignInRequest(
                provider: message.provider, challenge: message.challenge, loopback: message.redirect,
                clientState: message.state,
                client: SignInClient(address: "\(context.client)", label: message.client)))
        return try .json(SignInOpened(request: opened.state, expires: opened.expires))
    }

    @Sendable private func token(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let message = try await request.decode(TokenRequest.self, context)
        return try .json(TokenGrant(try await required().redeem(code: message.code, verifier: message.codeVerifier)))
    }

    @Sendable private func refresh(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let message = try await request.decode(RefreshTokenRequest.self, context)
        return try .json(TokenGrant(try await sessions.refresh(message.refreshToken, count: metrics.refreshed)))
    }

    @Sendable private func logout(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let principal = try context.principal
        _ = try await store.end(principal.session, of: principal.person)
        return .empty()
    }

    private func required() throws -> any SignInFlow {
        guard let flow else {
            throw SallyError(.unsupported, "no identity provider is configured", hint: "ask the administrator")
        }
        return flow
    }
}

extension TokenGrant {
    fileprivate init(_ grant: SessionGrant) {
        self.init(
            accessToken: grant.accessToken.reveal(), expires: grant.expires, refreshToken: grant.refreshToken.reveal(),
            sessionExpires: grant.sessionExpires, user: grant.user)
    }
}
