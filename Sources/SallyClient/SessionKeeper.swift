// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyWire

/// Keeps the session of one context: hands out access tokens and refreshes them, once for all processes that ask at
/// the same time.
///
/// The refresh token is single use. Its successor is written before it is used, and the old one stays in the file until
/// then: whoever is killed between answer and file leaves the old one behind, for which the gateway gives the same
/// successor for 30 seconds.
package struct SessionKeeper: Sendable {
    package static let ended = SallyError(.unauthenticated, "your session has ended: sign in again with `sally login`")
    /// An access token that ends sooner is refreshed before it is used.
    private static let margin: Duration = .seconds(30)

    private let context: GatewayContext
    private let store: ContextStore
    private let clock: any WallClock

    package init(context: GatewayContext, store: ContextStore, clock: any WallClock) {
        self.context = context
        self.store = store
        self.clock = clock
    }

    /// - Throws: `SallyError(.unauthenticated)` when there is no session, or it ended.
    package func current(_ exchange: any HTTPExchange) async throws -> StoredSession {
        let session = try stored()
        if session.expires > clock.now + SessionKeeper.margin { return session }
        do {
            return try await renew(session, exchange)
        } catch let error as SallyError where error.code == .unavailable && session.expires > clock.now {
            return session
        }
    }

    /// The successor of `seen`: made by whoever is first, read by all others.
    package func renew(_ seen: StoredSession, _ exchange: any HTTPExchange) async throws -> StoredSession {
        let lock = try await store.lockSession(context.name)
        let now = try stored()
        if now != seen { return now }
        let body = try Codec.encode(RefreshTokenRequest(refreshToken: now.refreshToken.reveal()))
        let reply = try await exchange.perform(WireRequest(.post, Path.refresh, body: body, deadline: .seconds(20)))
        if reply.status == 401 {
            try store.removeSession(context.name)
            // The gateway knows why: ended, a token used twice, an account that was closed.
            throw refusal(in: reply) ?? SessionKeeper.ended
        }
        let grant: TokenGrant = try decodedAnswer(try checked(reply))
        let renewed = StoredSession(grant, gateway: context.gateway)
        guard renewed.user == now.user else {
            throw SallyError(.unavailable, "the gateway answered with the session of another person")
        }
        try store.save(renewed, context.name)
        _ = consume lock
        return renewed
    }

    private func stored() throws -> StoredSession {
        guard let session = try store.session(context.name) else {
            throw SallyError(
                .unauthenticated, "you are not signed in (context \(context.name))",
                hint: "run `sally login \(context.gateway) --context \(context.name)`")
        }
        guard session.gateway == context.gateway else {
            throw SallyError(
                .unauthenticated, "the session of context \(context.name) is for \(session.gateway)",
                hint: "run `sally login \(context.gateway) --context \(context.name)`")
        }
        return session
    }
}

extension StoredSession {
    package init(_ grant: TokenGrant, gateway: GatewayAddress) {
        self.init(
            gateway: gateway, user: grant.user, accessToken: Secret(grant.accessToken), expires: grant.expires,
            refreshToken: Secret(grant.refreshToken), sessionExpires: grant.sessionExpires)
    }
}
