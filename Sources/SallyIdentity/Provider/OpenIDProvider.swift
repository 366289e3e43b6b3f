// SPDX-License-Identifier: Apache-2.0

import JWTKit
package import Logging
package import SallyModel
import StrictJSON

/// One OpenID Connect provider: discovery and keys cached, sign-ins begun and finished.
///
/// Discovery and keys are refreshed by one caller at a time; whoever comes meanwhile waits for that one (an actor is
/// re-entrant, `isRefreshing` is checked and set without a suspension between).
package actor OpenIDProvider {
    package nonisolated let settings: ProviderSettings
    private let transport: any ProviderTransport
    private let clock: any WallClock
    private let log: Logger

    private struct Published {
        var metadata: ProviderMetadata
        var keys: ProviderKeys
        var fetched: Timestamp
    }

    private var published: Published?
    private var isRefreshing = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    /// When an unknown key last made us ask again, and was not there.
    private var lastInVain: Timestamp?

    /// How long discovery and keys are believed.
    private static let lifetime = Duration.seconds(3600)
    /// Keys that the provider does not know either make us ask again at most this often.
    private static let forcedInterval = Duration.seconds(10)

    package init(settings: ProviderSettings, transport: some ProviderTransport, clock: some WallClock, log: Logger) {
        self.settings = settings
        self.transport = transport
        self.clock = clock
        self.log = log
    }

    /// Where the browser goes to sign in: authorization code with PKCE S256, nonce and state (OpenID Connect Core
    /// section 3.1.2.1).
    /// - Throws: `SallyError(.unavailable)` that names the provider when it does not answer.
    package func authorizationURL(state: String, nonce: String, verifier: String) async throws -> String {
        try await mapped {
            appending(
                [
                    ("response_type", "code"), ("client_id", settings.clientID),
                    ("redirect_uri", settings.redirectURI), ("scope", settings.scopes.joined(separator: " ")),
                    ("state", state), ("nonce", nonce), ("code_challenge", PKCE.challenge(for: verifier)),
                    ("code_challenge_method", "S256"),
                ], to: try await current().metadata.authorizationEndpoint)
        }
    }

    /// Checks `iss` of an authorization response (RFC 9207 section 2.4): always when it is there, and it has to be there
    /// when the provider says that it sends it.
    package func checkIssuer(_ issuer: String?) async throws {
        try await mapped {
            let sends = try await current().metadata.sendsIssuer
            guard issuer == settings.issuer || (issuer == nil && !sends) else { throw ProviderProblem.issuer }
        }
    }

    /// Exchanges the code, verifies the id_token, and asks userinfo where the id_token says nothing about groups.
    /// - Throws: `SallyError` that names the provider: `.unavailable`, `.unauthenticated`, `.denied` for groups that
    ///   cannot be known, `.misconfigured`.
    package func identity(code: String, verifier: String, nonce: String) async throws -> VerifiedIdentity {
        try await mapped {
            let endpoint = try await current().metadata.tokenEndpoint
            let answer = try await send(tokenRequest(endpoint, code: code, verifier: verifier))
            guard let token = answer["id_token"]?.string else { throw ProviderProblem.missingIDToken }
            let claims = try await verify(token, nonce: nonce)
            let groups = try await groups(claims, accessToken: answer["access_token"]?.string)
            return try identity(claims, groups: groups)
        }
    }

    /// Whether discovery and keys can be had. For the live configuration check.
    package func check() async throws {
        try await mapped { _ = try await current() }
    }

    /// Verifies signature and claims of an id_token (OpenID Connect Core section 3.1.3.7).
    func verify(_ token: String, nonce: String) async throws -> IDTokenClaims {
        let unverified = try UnverifiedToken(token, allowed: settings.algorithms)
        var found = try await current().keys.verifier(kid: unverified.kid, algorithm: unverified.algorithm)
        if found == nil, mayForce {
            log.info("unknown key: asking the provider for its keys", metadata: ["provider": "\(settings.name)"])
            lastInVain = clock.now
            found = try await refreshed(since: nil).keys.verifier(
                kid: unverified.kid, algorithm: unverified.algorithm)
            if found != nil { lastInVain = nil }
        }
        guard let key = found else { throw ProviderProblem.unknownKey }
        let isGood = (try? key.verify(unverified.signature, signs: unverified.signed)) ?? false  // odd is wrong
        guard isGood else { throw ProviderProblem.badSignature }
        guard let json = parsed(unverified.payload) else { throw ProviderProblem.malformedToken }
        return try IDTokenClaims(json, nonce: nonce, settings: settings, now: clock.now)
    }

    private func groups(_ claims: IDTokenClaims, accessToken: String?) async throws -> [String] {
        if case .named(let names) = try GroupsClaim(claims.json, claim: settings.groupsClaim) { return names }
        guard let endpoint = try await current().metadata.userInfoEndpoint, let accessToken else {
            throw ProviderProblem.groupsMissing
        }
        let request = request(.get, endpoint, headers: [("Authorization", "Bearer \(accessToken)")])
        let userInfo = try await send(request)
        guard let subject = userInfo["sub"]?.string, haveSameBytes(subject, claims.subject) else {
            throw ProviderProblem.otherSubject
        }
        guard case .named(let names) = try GroupsClaim(userInfo, claim: settings.groupsClaim) else {
            throw ProviderProblem.groupsMissing
        }
        return names
    }

    private func identity(_ claims: IDTokenClaims, groups names: [String]) throws -> VerifiedIdentity {
        guard let key = claims.json[settings.subjectClaim]?.string, (1...255).contains(key.utf8.count) else {
            throw ProviderProblem.claim(settings.subjectClaim)
        }
        let (groups, dropped) = qualified(names, provider: settings.name)
        if dropped > 0 {
            log.warning(
                "groups dropped: no rule can contain their names",
                metadata: ["provider": "\(settings.name)", "count": "\(dropped)"])
        }
        let preferred = claims.json[settings.nameClaim]?.string ?? ""
        return VerifiedIdentity(
            subject: Subject(issuer: settings.issuer, subject: key), provider: settings.name.rawValue,
            displayName: shortened(claims.json["name"]?.string ?? preferred), preferredName: shortened(preferred),
            mail: claims.json["email"]?.string.map(shortened), groups: groups)
    }

    // MARK: Discovery and keys

    private func current() async throws -> Published {
        if let published, clock.now < published.fetched + OpenIDProvider.lifetime { return published }
        return try await refreshed(since: clock.now - OpenIDProvider.lifetime)
    }

    /// What is published now. A refresh that another caller finished after `moment` serves as well; nil means that only
    /// a refresh which begins or is under way now does.
    private func refreshed(since moment: Timestamp?) async throws -> Published {
        if isRefreshing {
            await withCheckedContinuation { waiting.append($0) }
            if let published, moment.map({ published.fetched > $0 }) ?? true { return published }
            guard !isRefreshing else { throw ProviderProblem.noAnswer("another request is asking") }
        }
        isRefreshing = true
        defer {
            isRefreshing = false
            for waiter in waiting { waiter.resume() }
            waiting = []
        }
        let began = clock.now
        let document = try await send(request(.get, "\(issuerPath)/.well-known/openid-configuration"))
        let metadata = try ProviderMetadata(document, settings: settings)
        let keys = try await ProviderKeys(
            await send(request(.get, metadata.keySetEndpoint)), allowed: settings.algorithms)
        let fresh = Published(metadata: metadata, keys: keys, fetched: began)
        published = fresh
        return fresh
    }

    private var mayForce: Bool { lastInVain.map { clock.now >= $0 + OpenIDProvider.forcedInterval } ?? true }

    /// Without a slash at the end (OpenID Connect Discovery section 4).
    private var issuerPath: String {
        settings.issuer.hasSuffix("/") ? String(settings.issuer.dropLast()) : settings.issuer
    }

    // MARK: Requests

    private func tokenRequest(_ endpoint: String, code: String, verifier: String) -> ProviderRequest {
        var fields = [
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", settings.redirectURI),
            ("code_verifier", verifier),
        ]
        var headers = [("Content-Type", "application/x-www-form-urlencoded")]
        switch settings.authentication {
        case .basic:
            // RFC 6749 section 2.3.1: both parts form-encoded first.
            let pair = "\(percentEncoded(settings.clientID)):\(percentEncoded(settings.clientSecret.reveal()))"
            headers.append(("Authorization", "Basic \(base64(Array(pair.utf8)))"))
        case .post:
            fields += [("client_id", settings.clientID), ("client_secret", settings.clientSecret.reveal())]
        }
        return request(.post, endpoint, headers: headers, body: Array(formEncoded(fields).utf8))
    }

    private func request(
        _ method: ProviderRequest.Method, _ url: String, headers: [(String, String)] = [], body: [UInt8] = []
    ) -> ProviderRequest {
        ProviderRequest(
            method: method, url: url, headers: headers.map { (name: $0.0, value: $0.1) }, body: body,
            deadline: settings.deadline, maximumBody: settings.maximumBody)
    }

    /// The object that a successful answer holds.
    private func send(_ request: ProviderRequest) async throws -> JSONValue {
        let answer: ProviderAnswer
        do {
            answer = try await transport.send(request)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw ProviderProblem.noAnswer("\(error)")
        }
        guard answer.status == 200 else {
            // 403 and empty bodies occur where RFC 6749 section 5.2 says 400 and JSON.
            let code = parsed(answer.body)?["error"]?.string.map(quoted)
            throw ProviderProblem.status(answer.status, error: code)
        }
        guard let json = parsed(answer.body) else { throw ProviderProblem.notJSON("\(answer.body.count) bytes") }
        return json
    }

    private func mapped<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let problem as ProviderProblem {
            throw problem.error(provider: settings.name)
        }
    }
}

/// For pages and lists: no control characters, at most 200 characters.
func shortened(_ text: String) -> String {
    String(
        String.UnicodeScalarView(
            text.unicodeScalars.filter { !($0.properties.generalCategory == .control) }.prefix(200)))
}

/// RFC 4648 section 4, from section 5: other last two characters, and padding.
private func base64(_ bytes: [UInt8]) -> String {
    let text = String(Base64URL.encode(bytes).map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
    return text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
}
