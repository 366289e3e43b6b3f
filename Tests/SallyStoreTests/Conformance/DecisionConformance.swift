// SPDX-License-Identifier: Apache-2.0

import SallyIdentity
import SallyModel
import SallyPolicy
import Testing

/// What every `DecisionLedger` promises.
enum DecisionConformance {
    static func check(_ with: PortsFactory) async throws {
        try await with { ports in
            let person = try await ports.identities.signIn(identity("alice"))
            try await ports.sessions.create(try newSession(1, of: person, clock: ports.clock))
            let session = try sessionID(1)
            let other = try sessionID(2)
            #expect(try await ports.decisions.decide { try $0.isLive(session) })
            #expect(try await ports.decisions.decide { try $0.isLive(other) } == false)

            let first = try await ports.decisions.decide { try $0.append(draft(1)) }
            let second = try await ports.decisions.decide { try $0.append(draft(2)) }
            #expect(second.sequence == first.sequence + 1)
            await #expect(throws: SallyError.self) {
                try await ports.decisions.decide { transaction in
                    _ = try transaction.append(draft(3))
                    throw SallyError(.denied, "no")
                }
            }
            #expect(try await ports.decisions.decide { try $0.append(draft(4)) }.sequence == second.sequence + 1)

            ports.clock.advance(.seconds(3600))
            #expect(try await ports.decisions.decide { try $0.isLive(session) } == false)
        }
    }

    static func checkReservations(_ with: PortsFactory) async throws {
        try await with { ports in
            let alice = try await ports.identities.signIn(identity("alice"))
            let bob = try await ports.identities.signIn(identity("bob"))
            let demo = try ClusterName("demo")
            @Sendable func reserve(
                _ person: Person, _ key: String, _ fingerprint: String = "f", _ cluster: ClusterName = demo,
                _ operation: KeyedOperation = .submit
            ) async throws -> ReservationOutcome {
                try await ports.decisions.decide { transaction in
                    let position = try transaction.append(draft(1))
                    return try transaction.reserve(
                        SubmissionDraft(
                            person: person.id, cluster: cluster, operation: operation, idempotencyKey: key,
                            fingerprint: fingerprint),
                        decidedAt: position)
                }
            }
            guard case .reserved(let id) = try await reserve(alice, "k") else {
                Issue.record("the first is not reserved")
                return
            }
            #expect(try await reserve(alice, "k") == .outcomeUnknown(id: id))
            #expect(await code { _ = try await reserve(alice, "k", "other") } == .keyReused)
            guard case .reserved = try await reserve(bob, "k", "other"),
                case .reserved = try await reserve(alice, "k", "f", try ClusterName("second")),
                case .reserved = try await reserve(alice, "k", "f", demo, .slurmSubmit)
            else {
                Issue.record("keys of another person, cluster or operation are not apart")
                return
            }
            #expect(await code { _ = try await reserve(alice, "") } == .invalidRequest)
            #expect(await code { _ = try await reserve(alice, String(repeating: "k", count: 201)) } == .invalidRequest)
            ports.clock.advance(.seconds(30 * 86400))
            #expect(try await reserve(alice, "k") == .outcomeUnknown(id: id))
        }
    }

    /// Fifty requests with one key: one reservation.
    static func checkConcurrentReservations(_ with: PortsFactory) async throws {
        try await with { ports in
            let alice = try await ports.identities.signIn(identity("alice"))
            let demo = try ClusterName("demo")
            let outcomes = try await withThrowingTaskGroup(of: ReservationOutcome.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        try await ports.decisions.decide { transaction in
                            try transaction.reserve(
                                SubmissionDraft(
                                    person: alice.id, cluster: demo, operation: .submit, idempotencyKey: "k",
                                    fingerprint: "f"),
                                decidedAt: AuditPosition(sequence: 1, hash: AuditEvent.genesis))
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let reserved = outcomes.filter { if case .reserved = $0 { true } else { false } }
            #expect(reserved.count == 1)
        }
    }
}
