// SPDX-License-Identifier: Apache-2.0

import Crypto
import SallyModel
package import SallyWire

/// One sign-in: the verifier stays here, its hash goes to the gateway (PKCE, RFC 7636), and only who has the verifier
/// can turn the gateway's code into a session.
package struct SignIn: Sendable {
    package let state: String
    private let verifier: Secret<String>

    package init(using generator: inout some RandomNumberGenerator) {
        func random() -> String { Base64.url((0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }) }
        verifier = Secret(random())
        state = random()
    }

    /// S256 of the verifier (RFC 7636 section 4.2).
    package var challenge: String {
        var hash = SHA256()
        Array(verifier.reveal().utf8).withUnsafeBytes { hash.update(bufferPointer: $0) }
        return Base64.url(hash.finalize())
    }

    /// Begins at the gateway. With `redirect` the code comes back there, without it the page shows the code.
    /// - Returns: the page to open in a browser.
    /// - Throws: what the gateway says, such as that its identity provider does not answer.
    package func begin(
        at gateway: GatewayAddress, client: String, redirect: String?, _ exchange: any HTTPExchange
    ) async throws -> String {
        let opening = SignInOpening(
            challenge: challenge, client: client, redirect: redirect, state: redirect == nil ? nil : state,
            provider: nil)
        let reply = try await exchange.perform(WireRequest(.post, Path.signIn, body: try Codec.encode(opening)))
        let opened: SignInOpened = try decodedAnswer(try checked(reply))
        return gateway.url(Path.signInPage + query(["request": opened.request]))
    }

    /// - Throws: what the gateway says of the code.
    package func redeem(_ code: String, _ exchange: any HTTPExchange) async throws -> TokenGrant {
        let body = try Codec.encode(TokenRequest(code: code, codeVerifier: verifier.reveal()))
        let reply = try await exchange.perform(WireRequest(.post, Path.token, body: body))
        return try decodedAnswer(try checked(reply))
    }

    /// Ends the session at the gateway. An answer of 401 means that it had ended.
    package static func end(_ session: StoredSession, _ exchange: any HTTPExchange) async throws {
        var request = WireRequest(.post, Path.logout)
        request.headers.append((name: "Authorization", value: "Bearer \(session.accessToken.reveal())"))
        let reply = try await exchange.perform(request)
        if reply.status != 401 { _ = try checked(reply) }
    }
}
