// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyModel
import StrictJSON
import Testing

@testable import SallyIdentity

@Suite struct SignInServiceTests {
    let fixture = ProviderFixture()
    let stores: FakeStores
    let sessions: SessionService
    let service: SignInService
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    let loopback = "http://127.0.0.1:4711/callback"
    let browser = BrowserKey()

    init() throws {
        stores = FakeStores(clock: fixture.clock)
        sessions = SessionService(
            issuer: SessionIssuer(
                keys: try SessionKeys(pems: [SessionKeys.generateKeyPEM()]), issuer: "https://gw", clock: fixture.clock),
            store: stores, settings: SessionSettings(contact: "desk@example.org"), clock: fixture.clock)
        service = try SignInServiceTests.service(fixture, stores, sessions)
    }

    static func service(
        _ fixture: ProviderFixture, _ stores: FakeStores, _ sessions: SessionService
    ) throws -> SignInService {
        try SignInService(
            providers: [fixture.provider], store: stores, identities: stores, sessions: sessions, clock: fixture.clock,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Begins, and lets the provider answer as if the person had signed in.
    func begin(loopback: String?, state: String? = "client-state") async throws -> PendingSignIn {
        _ = try await service.begin(
            SignInRequest(
                provider: nil, challenge: PKCE.challenge(for: verifier), loopback: loopback,
                clientState: loopback == nil ? nil : state,
                client: SignInClient(address: "10.0.0.1", label: "sally\u{1b}[0m on laptop")))
        let pending = try #require(stores.pendingSignIns.first)
        _ = try await service.page(state: pending.state, browser: browser)
        try await fixture.respond(fixture.claims.with("nonce", .string(pending.nonce)))
        return pending
    }

    func back(_ pending: PendingSignIn, issuer: String? = FakeProvider.issuer) -> CallbackParameters {
        CallbackParameters(state: pending.state, code: "provider-code", issuer: issuer, error: nil, browser: browser)
    }

    /// The code of a page. Nothing goes to a loopback address but by the person's click.
    func code(_ outcome: CallbackOutcome) throws -> String {
        guard case .page(let page) = outcome else {
            throw SallyError(.internal, "no page but \(outcome)")
        }
        #expect(page.client.address == "10.0.0.1" && page.client.label == "sally[0m on laptop")
        switch page.way {
        case .loopback(let url, let refuse):
            #expect(url.hasPrefix(loopback + "?code=sgc_") && url.hasSuffix("&state=client-state"))
            #expect(refuse.hasPrefix(loopback + "?error=access_denied&") && refuse.hasSuffix("&state=client-state"))
            return String(url.dropFirst(loopback.count + 6).prefix { $0 != "&" })
        case .typed(let code): return code
        }
    }

    @Test func signsInByRedirect() async throws {
        let pending = try await begin(loopback: loopback)
        let code = try code(try await service.callback(back(pending)))
        let grant = try await service.redeem(code: code, verifier: verifier)
        #expect(grant.user.rawValue == "alice")
        _ = try await sessions.authenticate(grant.accessToken.reveal())
        await #expect(throws: SallyError.self) { try await service.redeem(code: code, verifier: verifier) }
    }

    @Test func signsInByATypedCode() async throws {
        let pending = try await begin(loopback: nil)
        let code = try code(try await service.callback(back(pending)))
        #expect(code.count == 9)
        let typed = " " + code.lowercased().replacing("-", with: " ")
        #expect(try await service.redeem(code: typed, verifier: verifier).user.rawValue == "alice")
    }

    @Test func anotherProcessFinishes() async throws {
        let pending = try await begin(loopback: loopback)
        let second = try SignInServiceTests.service(fixture, stores, sessions)
        let code = try code(try await second.callback(back(pending)))
        _ = try await service.redeem(code: code, verifier: verifier)
    }

    @Test func aCodeIsWorthNothingWithoutItsVerifier() async throws {
        let pending = try await begin(loopback: nil)
        let code = try code(try await service.callback(back(pending)))
        let other = String(repeating: "x", count: 43)
        await #expect(throws: SallyError.self) { try await service.redeem(code: code, verifier: other) }
        await #expect(throws: SallyError.self) { try await service.redeem(code: code, verifier: "short") }
        // The wrong verifier did not use the code up.
        _ = try await service.redeem(code: code, verifier: verifier)
    }

    @Test func codesExpire() async throws {
        let pending = try await begin(loopback: nil)
        let code = try code(try await service.callback(back(pending)))
        fixture.clock.advance(.seconds(300))
        await #expect(throws: SallyError.self) { try await service.redeem(code: code, verifier: verifier) }
    }

    @Test func guessesAreLimited() async throws {
        let pending = try await begin(loopback: nil)
        let code = try code(try await service.callback(back(pending)))
        for _ in 0..<10 {
            let error = await #expect(throws: SallyError.self) {
                try await service.redeem(code: "2222-2222", verifier: verifier)
            }
            #expect(error?.code == .unauthenticated)
        }
        // The right one comes too late.
        let error = await #expect(throws: SallyError.self) { try await service.redeem(code: code, verifier: verifier) }
        #expect(error?.code == .rateLimited)
    }

    /// Ten thousand strangers who began nothing, then somebody who did; a guesser does not get new tries by them either.
    @Test func strangersShutNobodyOut() async throws {
        let pending = try await begin(loopback: nil)
        let code = try code(try await service.callback(back(pending)))
        for _ in 0..<9 {
            await #expect(throws: SallyError.self) { try await service.redeem(code: "2222-2222", verifier: verifier) }
        }
        for number in 0..<10_001 {
            let stranger = String(repeating: "s", count: 43 - "\(number)".count) + "\(number)"
            do {
                _ = try await service.redeem(code: "2222-2222", verifier: stranger)
                Issue.record("a stranger's code was good")
            } catch let error as SallyError {
                guard error.code == .unauthenticated else { throw error }
            }
        }
        // The tenth try is still the tenth.
        _ = try await service.redeem(code: code, verifier: verifier)
    }

    @Test func strangersAreNotCounted() async throws {
        let pending = try await begin(loopback: nil)
        let code = try code(try await service.callback(back(pending)))
        await #expect(throws: SallyError.self) {
            try await service.redeem(code: code, verifier: String(repeating: "x", count: 43))
        }
        #expect(service.limiter.remembered == 0)
        await #expect(throws: SallyError.self) { try await service.redeem(code: "2222-2222", verifier: verifier) }
        #expect(service.limiter.remembered == 1)
    }

    @Test func aBrowserOpensThePageAndOpensItAgain() async throws {
        let pending = try await begin(loopback: loopback)
        let opening = try await service.page(state: pending.state, browser: browser)
        #expect(opening.url.contains("state=\(pending.state)") && opening.url.contains("nonce=\(pending.nonce)"))
        #expect(opening.browser == browser)
        #expect(try await service.page(state: pending.state, browser: browser) == opening)
        for state in [nil, "", "short", String(repeating: "x", count: 43)] {
            await #expect(throws: SallyError.self) { try await service.page(state: state, browser: browser) }
        }
        fixture.clock.advance(.seconds(600))
        await #expect(throws: SallyError.self) { try await service.page(state: pending.state, browser: browser) }
    }

    /// Who saw the address on a screen or in a list of processes.
    @Test(arguments: [true, false]) func anotherBrowserGetsNowhere(hasKey: Bool) async throws {
        let pending = try await begin(loopback: loopback)
        let other = hasKey ? BrowserKey() : nil
        let page = await #expect(throws: SallyError.self) {
            try await service.page(state: pending.state, browser: other)
        }
        #expect(page?.code == .denied)
        var stolen = back(pending)
        stolen.browser = other
        let error = await #expect(throws: SallyError.self) { try await service.callback(stolen) }
        #expect(error?.code == .denied && error?.message.contains("another browser") == true)
        #expect(stores.codes.isEmpty && fixture.fake.requests("/token").isEmpty)
        // The one that opened it goes on.
        _ = try code(try await service.callback(back(pending)))
    }

    @Test func whoNeverOpenedThePageDoesNotFinish() async throws {
        _ = try await service.begin(
            SignInRequest(
                provider: nil, challenge: PKCE.challenge(for: verifier), loopback: loopback,
                clientState: "client-state",
                client: SignInClient(address: "10.0.0.1", label: "sally")))
        let pending = try #require(stores.pendingSignIns.first)
        let error = await #expect(throws: SallyError.self) { try await service.callback(back(pending)) }
        #expect(error?.code == .denied)
    }

    @Test func aKeyIsOnlyOneOfOurs() throws {
        #expect(BrowserKey(cookie: browser.text) == browser)
        #expect(BrowserKey() != browser && BrowserKey().hash != browser.hash)
        for text in ["", "x", browser.text + "A", String(browser.text.dropLast()), String(repeating: "é", count: 43)] {
            #expect(BrowserKey(cookie: text) == nil)
        }
    }

    @Test func aSignInIsFinishedOnce() async throws {
        let pending = try await begin(loopback: loopback)
        _ = try await service.callback(back(pending))
        await #expect(throws: SallyError.self) { try await service.callback(back(pending)) }
    }

    @Test func aSignInRunsOut() async throws {
        let pending = try await begin(loopback: loopback)
        fixture.clock.advance(.seconds(600))
        await #expect(throws: SallyError.self) { try await service.callback(back(pending)) }
    }

    @Test(arguments: [nil, "https://evil.example.org"])
    func refusesAnotherIssuersAnswer(issuer: String?) async throws {
        let pending = try await begin(loopback: loopback)
        let outcome = try await service.callback(back(pending, issuer: issuer))
        guard case .redirect(let url) = outcome else {
            Issue.record("no redirect")
            return
        }
        #expect(url.hasPrefix(loopback + "?error=access_denied&"))
        #expect(stores.codes.isEmpty && fixture.fake.requests("/token").isEmpty)
    }

    @Test func passesOnThatTheProviderRefused() async throws {
        let pending = try await begin(loopback: nil)
        let parameters = CallbackParameters(
            state: pending.state, code: nil, issuer: FakeProvider.issuer, error: "access_denied",
            browser: browser)
        let error = await #expect(throws: SallyError.self) { try await service.callback(parameters) }
        #expect(error?.code == .denied)
    }

    @Test func aProviderThatIsDownIsNamedAndNobodyIsSignedOut() async throws {
        let pending = try await begin(loopback: loopback)
        let code = try code(try await service.callback(back(pending)))
        let grant = try await service.redeem(code: code, verifier: verifier)
        fixture.fake.fallSilent()
        fixture.clock.advance(.seconds(3601))
        let error = await #expect(throws: SallyError.self) { try await begin(loopback: loopback) }
        #expect(error?.code == .unavailable)
        let refreshed = try await sessions.refresh(grant.refreshToken.reveal()) { _ in }
        _ = try await sessions.authenticate(refreshed.accessToken.reveal())
    }

    @Test func refusesSomebodyOffboardedBetweenCodeAndSession() async throws {
        let pending = try await begin(loopback: loopback)
        let code = try code(try await service.callback(back(pending)))
        _ = try await stores.offboard(UserName("alice"), by: .system)
        let error = await #expect(throws: SallyError.self) { try await service.redeem(code: code, verifier: verifier) }
        #expect(error?.code == .denied)
        #expect(error?.message.contains("your account here was closed") == true)
        let again = try await begin(loopback: nil)
        let refused = await #expect(throws: SallyError.self) { try await service.callback(back(again)) }
        #expect(refused?.message.contains("your account here was closed") == true)
        #expect(refused?.hint?.contains("desk@example.org") == true)
    }

    @Test(arguments: [
        "http://127.0.0.1:80/callback/", "https://127.0.0.1:80/callback", "http://localhost:80/callback",
        "http://127.0.0.1/callback", "http://127.0.0.1:0/callback", "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:080/callback", "http://127.0.0.1:80@evil.org/callback", "http://127.0.0.1:80/x/callback",
        "http://10.0.0.1:80/callback", "http://127.0.0.1:+80/callback", "",
    ])
    func refusesRedirectsElsewhere(address: String) async {
        let error = await #expect(throws: SallyError.self) { try await begin(loopback: address) }
        #expect(error?.code == .invalidRequest)
        #expect(stores.pendingSignIns.isEmpty)
    }

    @Test func takesBothLoopbackFamilies() throws {
        _ = try LoopbackRedirect("http://127.0.0.1:65535/callback")
        _ = try LoopbackRedirect("http://[::1]:1024/callback")
    }

    @Test(arguments: [nil, "", "short", "with space inside", String(repeating: "x", count: 257)])
    func refusesOddStates(state: String?) async {
        await #expect(throws: SallyError.self) { try await begin(loopback: loopback, state: state) }
    }

    @Test(arguments: ["", "short", String(repeating: "=", count: 43), String(repeating: "A", count: 44)])
    func refusesOddChallenges(challenge: String) async {
        let request = SignInRequest(
            provider: nil, challenge: challenge, loopback: nil, clientState: nil,
            client: SignInClient(address: "a", label: "sally"))
        await #expect(throws: SallyError.self) { try await service.begin(request) }
    }
}
