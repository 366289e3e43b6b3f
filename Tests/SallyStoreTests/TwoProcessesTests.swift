// SPDX-License-Identifier: Apache-2.0

import SallyIdentity
import SallyModel
import SallyPolicy
import SallyTestSupport
import Synchronization
import Testing

@testable import SallyStore

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Two databases on one file stand for two gateway processes.
@Suite struct TwoProcessesTests {
    private func withTwo(
        _ body: (SallyStore.Database, SallyStore.Database, TestClock) async throws -> Void
    ) async throws {
        try await withDatabase { first, clock, path in
            let second = try SallyStore.Database(path: path, settings: .patient(), clock: clock)
            do {
                try await body(first, second, clock)
            } catch {
                try? second.close()  // the first error is what matters
                throw error
            }
            try second.close()
        }
    }

    @Test func revokingIsSeenAtOnce() async throws {
        try await withTwo { first, second, clock in
            let here = try makePorts(first, clock)
            let there = try makePorts(second, clock)
            let alice = try await here.identities.signIn(identity("alice"))
            let administrator = Actor.localAdministrator(uid: 0)
            for number in 1...20 {
                let id = try sessionID(number)
                try await here.sessions.create(try newSession(number, of: alice, clock: clock))
                #expect(try await there.sessions.live(id) != nil)
                _ = try await here.sessions.endAll(of: alice.account.name, by: administrator)
                #expect(try await there.sessions.live(id) == nil)
                #expect(try await there.decisions.decide { try $0.isLive(id) } == false)
            }
            let last = try sessionID(21)
            try await there.sessions.create(try newSession(21, of: alice, clock: clock))
            #expect(try await here.sessions.live(last) != nil)
            _ = try await there.identities.offboard(alice.account.name, by: administrator)
            #expect(try await here.sessions.live(last) == nil)
            #expect(try await here.decisions.decide { try $0.isLive(last) } == false)
        }
    }

    /// What is remembered of a session counts only while nothing was committed, here or there, and the session lasts.
    @Test func whatIsRememberedOfASessionIsNeverOld() async throws {
        try await withTwo { first, second, clock in
            let here = try makePorts(first, clock)
            let there = try makePorts(second, clock)
            let alice = try await here.identities.signIn(identity("alice"))
            let administrator = Actor.localAdministrator(uid: 0)
            for number in 1...4 {
                let id = try sessionID(number)
                try await here.sessions.create(try newSession(number, of: alice, clock: clock))
                // From the second on it is remembered.
                for _ in 1...6 {
                    #expect(try await here.decisions.isLive(id))
                    #expect(try await there.sessions.live(id)?.person.account.name == alice.account.name)
                }
                let by = number.isMultiple(of: 2) ? here : there
                _ = try await by.sessions.endAll(of: alice.account.name, by: administrator)
                for _ in 1...6 {
                    #expect(try await here.decisions.isLive(id) == false)
                    #expect(try await there.sessions.live(id) == nil)
                }
            }
            let last = try sessionID(9)
            try await here.sessions.create(try newSession(9, of: alice, clock: clock))
            for _ in 1...6 { #expect(try await here.sessions.live(last) != nil) }
            clock.advance(.seconds(10 * 86400))
            for _ in 1...6 { #expect(try await here.sessions.live(last) == nil) }
        }
    }

    /// A decision that records nothing is made while another holds the writer.
    @Test func whoOnlyLooksWaitsForNoWriter() async throws {
        try await withTwo { first, second, clock in
            let ports = try makePorts(first, clock)
            let alice = try await ports.identities.signIn(identity("alice"))
            try await ports.sessions.create(try newSession(1, of: alice, clock: clock))
            let id = try sessionID(1)
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gate = Semaphore()
                group.addTask { try await second.write { _ in gate.hold() } }
                group.addTask { try await first.write { _ in } }
                defer { gate.open() }
                try await eventually("the writer is held") { gate.isHeld }
                #expect(try await ports.decisions.isLive(id))
                gate.open()
                try await group.waitForAll()
            }
        }
    }

    @Test func theChainCannotFork() async throws {
        try await withTwo { first, second, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    let store = AuditStore(database: number.isMultiple(of: 2) ? first : second)
                    group.addTask { _ = try await store.append(draft(number)) }
                }
                try await group.waitForAll()
            }
            let report = try await AuditStore(database: first).verifyChain(
                AuditEvidence(mints: [], heads: [], serviceReads: 0, head: nil, publicKey: nil))
            #expect(report.problems == [])
            #expect(report.events == 200)
        }
    }

    @Test func oneKeyIsReservedOnce() async throws {
        try await withTwo { first, second, clock in
            let alice = try await makePorts(first, clock).identities.signIn(identity("alice"))
            let draft = SubmissionDraft(
                person: alice.id, cluster: try ClusterName("demo"), operation: .submit, idempotencyKey: "k",
                fingerprint: "f")
            let outcomes = try await withThrowingTaskGroup(of: ReservationOutcome.self) { group in
                for number in 0..<40 {
                    let ledger = DecisionWriter(database: number.isMultiple(of: 2) ? first : second)
                    group.addTask {
                        try await ledger.decide { transaction in
                            try transaction.reserve(draft, decidedAt: transaction.append(SallyStoreTests.draft(1)))
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.filter { if case .reserved = $0 { true } else { false } }.count == 1)
        }
    }

    @Test func newPeopleGetDifferentAccounts() async throws {
        try await withTwo { first, second, clock in
            let stores = [try makePorts(first, clock).identities, try makePorts(second, clock).identities]
            let people = try await withThrowingTaskGroup(of: Person.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        var identity = identity("alice")
                        identity.subject.subject = "sub-\(number)"
                        return try await stores[number % 2].signIn(identity)
                    }
                }
                return try await group.reduce(into: [Person]()) { $0.append($1) }
            }
            #expect(Set(people.map(\.account.name)).count == 40)
            #expect(Set(people.map(\.account.uid)).count == 40)
            #expect(Set(people.map(\.id)).count == 40)
        }
    }

    @Test func openingAtOnceMakesTheSchemaOnce() async throws {
        try await withScratchFolder { folder in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try SallyStore.Database(
                            path: "\(folder)/store.db", settings: .patient(), clock: TestClock()
                        ).close()
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}

/// Holds a thread until it is opened: what runs in a transaction cannot await.
private final class Semaphore: Sendable {
    private let state = Mutex((isHeld: false, isOpen: false))

    var isHeld: Bool { state.withLock { $0.isHeld } }
    func open() { state.withLock { $0.isOpen = true } }

    func hold() {
        state.withLock { $0.isHeld = true }
        while !state.withLock({ $0.isOpen }) { usleep(1000) }
    }
}
