// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import Synchronization
import Testing

@Suite struct GateTests {
    private final class Counts: DecisionCounter {
        private let state = Mutex<[String]>([])
        var lines: [String] { state.withLock { $0 } }
        func count(_ action: String, _ outcome: DecisionOutcome) {
            state.withLock { $0.append("\(action) \(outcome.rawValue)") }
        }
    }

    private let ledger = MemoryLedger()
    private let counts = Counts()

    private func gate(_ rules: [Rule] = demoRules(), ledger: MemoryLedger? = nil) throws -> Gate {
        Gate(
            ledger: ledger ?? self.ledger, policy: PolicySource(try Policy(rules: rules)), clock: FixedClock(),
            counter: counts)
    }

    private func cancel(of owner: Asker) throws -> Cancel {
        Cancel(cluster: demo, job: try JobID("12"), owner: owner.account, signal: nil)
    }

    private func code(_ body: () async throws -> Void) async -> SallyError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? SallyError)?.code
        }
    }

    @Test func recordsBeforeItAuthorizes() async throws {
        let authorized = try await gate().authorize(cancel(of: alice), by: principal(alice), request: "r1")
        #expect(authorized.position?.sequence == 1)
        #expect(authorized.account?.name == alice.account)
        #expect(authorized.decidedAt == FixedClock().now)
        let event = try #require(ledger.events.first)
        #expect(event.action == "job.cancel")
        #expect(event.outcome == .allowed)
        #expect(event.actor == "person:7:alice")
        #expect(event.rule == "researchers")
        #expect(event.request == "r1")
        #expect(counts.lines == ["job.cancel allowed"])
    }

    @Test func aLedgerThatCannotWriteAuthorizesNothing() async throws {
        let full = MemoryLedger(failure: SallyError(.unavailable, "disk full"))
        let found = await code {
            _ = try await gate(ledger: full).authorize(cancel(of: alice), by: principal(alice), request: nil)
        }
        #expect(found == .unavailable)
        #expect(full.events.isEmpty)
        #expect(counts.lines.isEmpty)
    }

    @Test func refusalsOfRecordedActionsAreEvents() async throws {
        let found = await code {
            _ = try await gate().authorize(cancel(of: carol), by: principal(alice), request: nil)
        }
        #expect(found == .denied)
        #expect(ledger.events.map(\.outcome) == [.refused])
        #expect(ledger.events[0].details.contains { $0.name == "refusal" })
        #expect(counts.lines == ["job.cancel refused"])
    }

    @Test func countedReadsAreNoEvents() async throws {
        let gate = try gate()
        let read = ReadOwnJobs(cluster: demo, owner: alice.account)
        let authorized = try await gate.authorize(read, by: principal(alice), request: nil)
        #expect(authorized.position == nil)
        let found = await code { _ = try await gate.authorize(read, by: principal(carol), request: nil) }
        #expect(found == .denied)
        #expect(ledger.events.isEmpty)
        #expect(counts.lines == ["job.read allowed", "job.read refused"])
    }

    @Test func anEndedSessionDoesNothingAnyMore() async throws {
        let gate = try gate()
        let person = try principal(alice)
        ledger.end(person.session)
        let cancelled = await code { _ = try await gate.authorize(cancel(of: alice), by: person, request: nil) }
        let read = await code { _ = try await gate.authorize(ReadCluster(cluster: demo), by: person, request: nil) }
        #expect(cancelled == .unauthenticated)
        #expect(read == .unauthenticated)
        #expect(ledger.events.isEmpty)
        #expect(counts.lines == ["job.cancel unauthenticated", "cluster.read unauthenticated"])
    }

    @Test func nobodyReadsAnotherPersonsOutput() async throws {
        let dana = asker("dana", "demo:hpc-users", role: .administrator)
        let read = ReadOutput(cluster: demo, job: try JobID("12"), owner: alice.account, stream: .standardOutput)
        let found = await code { _ = try await gate().authorize(read, by: principal(dana), request: nil) }
        #expect(found == .denied)
    }

    @Test func administrationNeedsTheRole() async throws {
        let gate = try gate()
        let offboard = Administer.offboard(alice.account, pendingJobs: .cancel)
        let found = await code { _ = try await gate.authorize(offboard, by: principal(alice), request: nil) }
        #expect(found == .denied)
        let dana = asker("dana", role: .administrator)
        let authorized = try await gate.authorize(offboard, by: principal(dana), request: nil)
        #expect(authorized.position?.sequence == 2)
        #expect(ledger.events.map(\.action) == ["admin.offboard", "admin.offboard"])
        #expect(ledger.events.map(\.outcome) == [.refused, .allowed])
    }

    @Test func localAdministratorsAreRecordedWithTheirUid() async throws {
        let authorized = try await gate([]).authorize(
            Administer.grantAdministration(alice.account), byLocalAdministrator: 0, request: nil)
        #expect(authorized.account == nil)
        #expect(ledger.events.map(\.actor) == ["local:0"])
        #expect(ledger.events.map(\.action) == ["admin.grant"])
    }

    @Test func systemReadsAreCountedAndSystemChangesRecorded() async throws {
        let gate = try gate([])
        #expect(try await gate.authorize(SystemAction.readQueue(demo)).position == nil)
        let hold = SystemAction.holdLeaverJob(demo, try JobID("12"), alice.account)
        #expect(try await gate.authorize(hold).position?.sequence == 1)
        #expect(ledger.events.map(\.target) == ["alice/12"])
        #expect(ledger.events.map(\.actor) == ["system"])
    }

    @Test func aNewPolicyHoldsForTheNextDecision() async throws {
        let source = PolicySource(try Policy(rules: demoRules()))
        let gate = Gate(ledger: ledger, policy: source, clock: FixedClock())
        _ = try await gate.authorize(ReadCluster(cluster: demo), by: principal(alice), request: nil)
        source.replace(with: try Policy(rules: []))
        let found = await code {
            _ = try await gate.authorize(ReadCluster(cluster: demo), by: principal(alice), request: nil)
        }
        #expect(found == .denied)
    }
}
