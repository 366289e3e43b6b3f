// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Synchronization
import Testing

@testable import SallyIdentity

@Suite struct SessionServiceTests {
    let clock = FakeClock()
    let stores: FakeStores
    let service: SessionService
    let person: Person

    init() async throws {
        stores = FakeStores(clock: clock)
        service = SessionService(
            issuer: SessionIssuer(
                keys: try SessionKeys(pems: [SessionKeys.generateKeyPEM()]), issuer: "https://gw.example.org",
                clock: clock),
            store: stores, settings: SessionSettings(familyLifetime: .seconds(3600), grace: .seconds(30)), clock: clock)
        person = try await stores.signIn(
            VerifiedIdentity(
                subject: Subject(issuer: "i", subject: "s"), provider: "okta", displayName: "Alice",
                preferredName: "alice", mail: nil, groups: [GroupName("okta:admins")]))
    }

    @Test func makesSessionsThatLive() async throws {
        let grant = try await service.signInCompleted(person, client: "sally at 10.0.0.1")
        let live = try await service.authenticate(grant.accessToken.reveal())
        #expect(live.person == person)
        #expect(grant.expires == clock.now + .seconds(900))
        #expect(grant.sessionExpires == clock.now + .seconds(3600))
    }

    @Test func refusesEndedSessionsAtOnce() async throws {
        let grant = try await service.signInCompleted(person, client: "c")
        let live = try await service.authenticate(grant.accessToken.reveal())
        #expect(try await service.logout(live))
        #expect(try await !service.logout(live))
        await #expect(throws: SessionTokenProblem.ended) { try await service.authenticate(grant.accessToken.reveal()) }
    }

    @Test func refusesThePersonWhoWasOffboarded() async throws {
        let grant = try await service.signInCompleted(person, client: "c")
        _ = try await stores.offboard(person.account.name, by: .system)
        await #expect(throws: SessionTokenProblem.closed) { try await service.authenticate(grant.accessToken.reveal()) }
        let told = service.error(.closed)
        #expect(told.code == .unauthenticated && told.message.contains("account here was closed"))
        #expect(told.hint?.contains("administrators") == true)
        let refused = await #expect(throws: SallyError.self) {
            try await service.refresh(grant.refreshToken.reveal()) { #expect($0 == .closed) }
        }
        #expect(refused?.message == told.message)
    }

    @Test func everyOutcomeOfARefreshIsCounted() async throws {
        let seen = Mutex<[RefreshOutcome]>([])
        func refresh(_ text: String) async throws {
            _ = try await service.refresh(text) { outcome in seen.withLock { $0.append(outcome) } }
        }
        let first = try await service.signInCompleted(person, client: "c")
        try await refresh(first.refreshToken.reveal())
        try await refresh(first.refreshToken.reveal())
        clock.advance(.seconds(31))
        await #expect(throws: SallyError.self) { try await refresh(first.refreshToken.reveal()) }
        await #expect(throws: SallyError.self) { try await refresh("junk") }
        #expect(seen.withLock { $0 } == [.rotated, .repeated, .replayed, .unknown])
    }

    @Test func refreshesWithANewToken() async throws {
        let first = try await service.signInCompleted(person, client: "c")
        let second = try await service.refresh(first.refreshToken.reveal()) { _ in }
        #expect(second.refreshToken.reveal() != first.refreshToken.reveal())
        #expect(second.sessionExpires == first.sessionExpires)
        _ = try await service.authenticate(second.accessToken.reveal())
    }

    @Test func givesTheSameSuccessorWithinGrace() async throws {
        let first = try await service.signInCompleted(person, client: "c")
        let second = try await service.refresh(first.refreshToken.reveal()) { _ in }
        clock.advance(.seconds(29))
        let again = try await service.refresh(first.refreshToken.reveal()) { _ in }
        #expect(again.refreshToken.reveal() == second.refreshToken.reveal())
    }

    @Test func endsTheFamilyWhenATokenIsReplayed() async throws {
        let first = try await service.signInCompleted(person, client: "c")
        let second = try await service.refresh(first.refreshToken.reveal()) { _ in }
        clock.advance(.seconds(31))
        await #expect(throws: SallyError.self) { try await service.refresh(first.refreshToken.reveal()) { _ in } }
        await #expect(throws: SallyError.self) { try await service.refresh(second.refreshToken.reveal()) { _ in } }
        await #expect(throws: SessionTokenProblem.ended) { try await service.authenticate(second.accessToken.reveal()) }
    }

    @Test(arguments: ["", "srt_", "srt_AAAA", "junk", "srt_" + String(repeating: "A", count: 43)])
    func refusesUnknownRefreshTokens(text: String) async {
        let error = await #expect(throws: SallyError.self) { try await service.refresh(text) { _ in } }
        #expect(error?.code == .unauthenticated)
    }

    @Test func sealsSuccessorsForTheirPredecessorAlone() throws {
        var generator = SystemRandomNumberGenerator()
        let (old, new, other) = (
            RefreshToken.random(using: &generator), RefreshToken.random(using: &generator),
            RefreshToken.random(using: &generator)
        )
        let sealed = try old.seal(new)
        #expect(try old.open(sealed) == new)
        #expect(throws: (any Error).self) { try other.open(sealed) }
        #expect(RefreshToken(new.text) == new)
        #expect(old.hash.count == 32 && old.hash != new.hash)
    }

    @Test func grantsAdministrationByGroupOrLocally() throws {
        let id = OpaqueID(rawValue: "abcdefghijklmnopqrstuv")!  // a literal of the right form
        var live = LiveSession(session: id, person: person)
        #expect(live.principal(administrators: []).role == .researcher)
        #expect(live.principal(administrators: [try GroupName("local:admins")]).role == .researcher)
        #expect(live.principal(administrators: [try GroupName("okta:admins")]).role == .administrator)
        live.person.localRole = .administrator
        #expect(live.principal(administrators: []).role == .administrator)
    }
}
