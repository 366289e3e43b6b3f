// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import SallyIdentity
import SallyModel
import SallyWire

/// What a program does for its session: exchange a code, refresh, end it.
struct SessionRoutes: Sendable {
    let flow: (any SignInFlow)?
    let sessions: SessionService
    let store: any SessionStore

    /// Anybody may call these.
    func addOpen(to routes: some RouterMethods<GatewayContext>) {
        routes.post("/v1/auth/token", use: token)
        routes.post("/v1/auth/refresh", use: refresh)
    }

    func add(to routes: some RouterMethods<GatewayContext>) {
        routes.post("/v1/auth/logout", use: logout)
    }

    @Sendable private func token(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let message = try await request.decode(TokenRequest.self)
        guard let flow else {
            throw SallyError(.unsupported, "no identity provider is configured", hint: "ask the administrator")
        }
        return try .json(TokenGrant(try await flow.redeem(code: message.code, verifier: message.codeVerifier)))
    }

    @Sendable private func refresh(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let message = try await request.decode(RefreshTokenRequest.self)
        return try .json(TokenGrant(try await sessions.refresh(message.refreshToken)))
    }

    @Sendable private func logout(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let principal = try context.principal
        _ = try await store.end(principal.session, of: principal.person)
        return .empty()
    }
}

extension TokenGrant {
    fileprivate init(_ grant: SessionGrant) {
        self.init(
            accessToken: grant.accessToken.reveal(), expires: grant.expires, refreshToken: grant.refreshToken.reveal(),
            sessionExpires: grant.sessionExpires, user: grant.user)
    }
}
