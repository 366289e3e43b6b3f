// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Testing

@testable import SallyStore

/// What the steward says it read, held against one event of alice's that allowed her job 7's output.
@Suite struct ReadVerifierTests {
    static func event(
        action: String = "output.read", outcome: AuditEvent.Outcome = .allowed, actor: String = "person:x:alice"
    ) -> AuditEvent {
        AuditEvent(
            sequence: 1, time: Timestamp(1_800_000_000), actor: actor, action: action, cluster: "demo", target: "7",
            outcome: outcome, rule: nil, request: nil, details: [], previous: AuditEvent.genesis,
            hash: String(repeating: "a", count: 64))
    }

    static func read(
        _ event: AuditEvent, user: String = "alice", cluster: String = "demo", job: String = "7",
        after: Duration = .zero
    ) throws
        -> AuditRead
    {
        AuditRead(
            position: AuditPosition(sequence: event.sequence, hash: event.hash), cluster: try ClusterName(cluster),
            user: try UserName(user), job: try JobID(job),
            time: event.time + after)
    }

    static func problems(_ reads: [AuditRead], _ events: [AuditEvent]) -> [AuditProblem.Kind] {
        var verifier = ReadVerifier(reads)
        for event in events { verifier.check(event) }
        verifier.finish()
        return verifier.problems.map(\.kind)
    }

    @Test(arguments: [(-61, false), (-60, true), (360, true), (361, false)] as [(Int64, Bool)])
    func findsOutputThatWasReadOutOfTime(seconds: Int64, good: Bool) throws {
        let event = Self.event()
        let read = try Self.read(event, after: .seconds(seconds))
        #expect(Self.problems([read], [event]) == (good ? [] : [.readOutOfTime]))
    }

    @Test func findsOutputThatWasReadForNoEventOfItsOwn() throws {
        let good = Self.event()
        #expect(Self.problems([try Self.read(good)], [good]) == [])
        #expect(Self.problems([try Self.read(good)], []) == [.readWithoutEvent])
        #expect(Self.problems([try Self.read(good), try Self.read(good)], [good]) == [.readWithoutEvent])
        var other = try Self.read(good)
        other.position = AuditPosition(sequence: 1, hash: String(repeating: "0", count: 64))
        for read in [
            try Self.read(good, user: "bob"), try Self.read(good, cluster: "other"), try Self.read(good, job: "8"),
            other,
        ] {
            #expect(Self.problems([read], [good]) == [.readWithoutEvent], "\(read)")
        }
        for event in [
            Self.event(action: "job.submit"), Self.event(outcome: .refused),
            Self.event(actor: "person:x:bob"), Self.event(actor: "system"),
        ] {
            #expect(Self.problems([try Self.read(event)], [event]) == [.readWithoutEvent], "\(event)")
        }
    }
}
