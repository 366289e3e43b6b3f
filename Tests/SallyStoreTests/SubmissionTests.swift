// SPDX-License-Identifier: Apache-2.0

import GRDB
import SallyIdentity
import SallyModel
import SallyPolicy
import SallyTestSupport
import Testing

@testable import SallyStore

@Suite struct SubmissionTests {
    private struct Fixture {
        let ports: Ports
        let database: SallyStore.Database
        let store: SubmissionStore
        let audit: AuditStore
        let alice: Person
        let demo: ClusterName

        func reserve(
            _ key: String, _ fingerprint: String = "f", _ operation: KeyedOperation = .submit
        ) async throws -> ReservationOutcome {
            let draft = SubmissionDraft(
                person: alice.id, cluster: demo, operation: operation, idempotencyKey: key, fingerprint: fingerprint)
            return try await ports.decisions.decide { transaction in
                try transaction.reserve(draft, decidedAt: transaction.append(SallyStoreTests.draft(1)))
            }
        }

        /// Records an outcome of the decision that holds now.
        @discardableResult
        func record(_ id: Int64, _ outcome: SubmissionOutcome, _ request: String? = nil) async throws -> AuditPosition?
        {
            let position = try await database.read { transaction in
                try transaction.row(Submission.select + " WHERE s.id = ?", [.integer(id)]).map {
                    try Submission(row: $0).position
                }
            }
            return try await store.recordOutcome(
                reservation: id, decidedAt: try #require(position), outcome: outcome, request: request)
        }

        func reserved(_ key: String) async throws -> Int64 {
            guard case .reserved(let id) = try await reserve(key) else { throw SallyError(.internal, "not reserved") }
            return id
        }
    }

    private func withFixture(_ body: (Fixture) async throws -> Void) async throws {
        try await withDatabase { database, clock, _ in
            let ports = try makePorts(database, clock)
            try await body(
                Fixture(
                    ports: ports, database: database, store: SubmissionStore(database: database),
                    audit: AuditStore(database: database),
                    alice: try await ports.identities.signIn(identity("alice")), demo: try ClusterName("demo")))
        }
    }

    @Test func anAnswerIsRecordedOnce() async throws {
        try await withFixture { it in
            let id = try await it.reserved("k")
            let job = try JobID("42")
            #expect(try await it.record(id, .submitted(job), "r1") != nil)
            #expect(try await it.record(id, .submitted(job), "r1") == nil)
            for other in [SubmissionOutcome.submitted(try JobID("43")), .unknown, .failed("x")] {
                #expect(
                    await code { try await it.record(id, other) }
                        == .conflict)
            }
            #expect(try await it.reserve("k") == .answered(job))
            let event = try #require(
                try await it.audit.page(AuditQuery(action: "job.submit", target: "42")).events.first)
            #expect(event.outcome == .completed)
            #expect(event.actor == "person:1:alice")
            #expect(event.request == "r1")
            #expect(event.details.contains(.init("job", "42")))
            let found = try #require(try await it.store.submission(job: job, cluster: it.demo))
            #expect(found.user == it.alice.account.name)
            #expect(found.state == .submitted)
            #expect(try await it.store.submission(job: job, cluster: try ClusterName("other")) == nil)
            #expect(
                try await it.store.submission(person: it.alice.id, cluster: it.demo, operation: .submit, key: "k")
                    == found)
        }
    }

    @Test func aRefusalIsRepeated() async throws {
        try await withFixture { it in
            let id = try await it.reserved("k")
            let refusal = SlurmRefusal(number: 2015, text: "Invalid account")
            try await it.record(id, .refused(refusal))
            #expect(try await it.reserve("k") == .refused(refusal))
            let event = try #require(try await it.audit.page(AuditQuery()).events.dropFirst().first)
            #expect(event.outcome == .failed)
            #expect(event.details.contains(.init("slurm-error", "2015")))
        }
    }

    @Test func anUnknownOutcomeIsReconciled() async throws {
        try await withFixture { it in
            let first = try await it.reserved("k1")
            let second = try await it.reserved("k2")
            #expect(try await it.store.withoutOutcome(cluster: it.demo).map(\.id) == [first, second])
            try await it.record(first, .unknown)
            #expect(try await it.record(first, .unknown) == nil)
            #expect(try await it.reserve("k1") == .outcomeUnknown(id: first))
            #expect(try await it.store.withoutOutcome(cluster: it.demo).map(\.state) == [.unknown, .reserved])
            try await it.record(first, .submitted(try JobID("7")))
            #expect(try await it.reserve("k1") == .answered(try JobID("7")))
            #expect(try await it.store.withoutOutcome(cluster: it.demo).map(\.id) == [second])
        }
    }

    @Test func whatNeverReachedSlurmMayBeTriedAgain() async throws {
        try await withFixture { it in
            let id = try await it.reserved("k")
            try await it.record(id, .failed("signer down"))
            #expect(await code { _ = try await it.reserve("k", "other") } == .keyReused)
            #expect(try await it.reserve("k") == .reserved(id: id))
            #expect(try await it.reserve("k") == .outcomeUnknown(id: id))
        }
    }

    /// Two may look for the job of one reservation. The slower has an outcome of a decision that no longer holds.
    @Test func anOutcomeBelongsToItsDecision() async throws {
        try await withFixture { it in
            let id = try await it.reserved("k")
            let first = try #require(try await it.store.withoutOutcome(cluster: it.demo).first).position
            try await it.record(id, .failed("no job carries the submission's marker"))
            #expect(try await it.reserve("k") == .reserved(id: id))
            #expect(
                await code {
                    try await it.store.recordOutcome(
                        reservation: id, decidedAt: first, outcome: .failed("the same"), request: nil)
                } == .conflict)
            #expect(try await it.store.withoutOutcome(cluster: it.demo).map(\.state) == [.reserved])
        }
    }

    @Test func keysExpireAndOwnersStay() async throws {
        try await withFixture { it in
            let id = try await it.reserved("k")
            try await it.record(id, .submitted(try JobID("7")))
            it.ports.clock.advance(.seconds(24 * 3600 - 1))
            #expect(try await it.reserve("k") == .answered(try JobID("7")))
            it.ports.clock.advance(.seconds(1))
            let again = try await it.reserve("k", "other")
            #expect(again != .answered(try JobID("7")))
            #expect(try await it.store.submission(job: try JobID("7"), cluster: it.demo)?.id == id)
            #expect(try await it.store.submission(job: try JobID("7"), cluster: it.demo)?.idempotencyKey == nil)
        }
    }

    /// What has expired goes; what is not known stays, and goes on to hold its key.
    @Test func aPurgeNeverFreesAKeyWhoseOutcomeIsNotKnown() async throws {
        try await withFixture { it in
            let ids = try await [
                "submitted": it.reserved("submitted"), "refused": it.reserved("refused"),
                "failed": it.reserved("failed"), "reserved": it.reserved("reserved"), "unknown": it.reserved("unknown"),
            ]
            func id(_ key: String) throws -> Int64 { try #require(ids[key]) }
            try await it.record(try id("submitted"), .submitted(try JobID("7")))
            try await it.record(try id("refused"), .refused(SlurmRefusal(number: 2015, text: "no")))
            try await it.record(try id("failed"), .failed("the signer was away"))
            try await it.record(try id("unknown"), .unknown)
            it.ports.clock.advance(.seconds(24 * 3600 - 1))
            #expect(try await it.store.purgeKeys(cluster: it.demo) == 0)
            #expect(try await it.reserve("submitted") == .answered(try JobID("7")))
            it.ports.clock.advance(.seconds(1))
            #expect(try await it.store.purgeKeys(cluster: try ClusterName("other")) == 0)
            #expect(try await it.store.purgeKeys(cluster: it.demo) == 3)
            #expect(try await it.store.purgeKeys(cluster: it.demo) == 0)
            for key in ["submitted", "refused", "failed"] {
                let left = try await it.store.submission(
                    person: it.alice.id, cluster: it.demo, operation: .submit, key: key)
                #expect(left == nil, "\(key)")
            }
            #expect(try await it.store.submission(job: try JobID("7"), cluster: it.demo)?.user.rawValue == "alice")
            it.ports.clock.advance(.seconds(30 * 86400))
            #expect(try await it.store.purgeKeys(cluster: it.demo) == 0)
            for key in ["reserved", "unknown"] {
                #expect(try await it.reserve(key) == .outcomeUnknown(id: try id(key)))
            }
        }
    }

    @Test func aKeyOfOneOperationIsNoKeyOfAnother() async throws {
        try await withFixture { it in
            let id = try await it.reserved("k")
            try await it.record(id, .submitted(try JobID("7")))
            guard case .reserved(let other) = try await it.reserve("k", "other", .slurmSubmit) else {
                Issue.record("the other operation's key is taken")
                return
            }
            #expect(other != id)
            #expect(try await it.reserve("k") == .answered(try JobID("7")))
            #expect(try await it.reserve("k", "other", .slurmSubmit) == .outcomeUnknown(id: other))
            let found = try await it.store.submission(
                person: it.alice.id, cluster: it.demo, operation: .slurmSubmit, key: "k")
            #expect(found?.operation == .slurmSubmit && found?.id == other)
        }
    }

    /// A database of the version before keys had operations: what was open stays open under the same key.
    @Test func openSubmissionsSurviveTheMigration() async throws {
        try await withScratchFolder { folder in
            let path = "\(folder)/store.db"
            let clock = TestClock()
            try writeFile(path, "", mode: 0o600)
            let pool = try DatabasePool(path: path)
            try await pool.write { connection in
                for statement in Schema.migrations.filter({ $0.version < 3 }).flatMap(\.statements) {
                    try connection.execute(sql: statement)
                }
                try connection.execute(
                    sql: """
                        CREATE TABLE schema_version (version BIGINT PRIMARY KEY, applied BIGINT NOT NULL);
                        INSERT INTO schema_version VALUES (1, 1), (2, 1);
                        INSERT INTO given_names VALUES ('alice', 1);
                        INSERT INTO given_uids VALUES (20000, 1);
                        INSERT INTO people (id, issuer, subject, provider, display_name, user_name, uid, member_of,
                            local_role, created) VALUES (1, 'i', 's', 'p', 'Alice', 'alice', 20000, '', 'user', 1);
                        UPDATE counters SET value = 2 WHERE name = 'submission';
                        INSERT INTO submissions (id, person, cluster, idempotency_key, fingerprint, decided_sequence,
                            decided_hash, created, state, job, finished)
                        VALUES (1, 1, 'demo', 'k1', 'f', 1, 'h', 1, 'unknown', NULL, 2),
                            (2, 1, 'demo', 'k2', 'f', 2, 'h', \(clock.now.rawValue), 'submitted', 7, 3);
                        """)
            }
            try pool.close()
            let database = try SallyStore.Database(path: path, clock: clock)
            let store = SubmissionStore(database: database)
            let demo = try ClusterName("demo")
            let open = try await store.withoutOutcome(cluster: demo)
            #expect(open.map(\.id) == [1] && open.first?.operation == .submit && open.first?.idempotencyKey == "k1")
            #expect(try await store.submission(job: try JobID("7"), cluster: demo)?.id == 2)
            let ports = try makePorts(database, clock)
            let again = try await ports.decisions.decide { transaction in
                try transaction.reserve(
                    SubmissionDraft(
                        person: PersonID(rawValue: 1), cluster: demo, operation: .submit, idempotencyKey: "k2",
                        fingerprint: "f"), decidedAt: transaction.append(SallyStoreTests.draft(1)))
            }
            #expect(again == .answered(try JobID("7")))
            try database.close()
        }
    }

    /// Whoever asks again hears what was told first, word for word.
    @Test func aRefusalIsKeptWithItsAdvice() async throws {
        try await withFixture { it in
            let told: [(String, String?)] = [("k1", "one of these is reached: MaxSubmitJobs=1"), ("k2", nil)]
            for (key, advice) in told {
                let refusal = SlurmRefusal(number: 2050, text: "no", advice: advice)
                try await it.record(try await it.reserved(key), .refused(refusal))
                #expect(try await it.reserve(key) == .refused(refusal))
            }
        }
    }

    @Test func theNewestOwnerOfAJobNumberCounts() async throws {
        try await withFixture { it in
            for key in ["k1", "k2"] {
                let id = try await it.reserved(key)
                try await it.record(id, .submitted(try JobID("7")))
            }
            #expect(try await it.store.submission(job: try JobID("7"), cluster: it.demo)?.idempotencyKey == "k2")
        }
    }

    @Test func aReservationThatIsNotThereIsNotFound() async throws {
        try await withFixture { it in
            #expect(
                await code {
                    try await it.store.recordOutcome(
                        reservation: 99, decidedAt: AuditPosition(sequence: 1, hash: ""), outcome: .unknown,
                        request: nil)
                }
                    == .notFound)
        }
    }
}
