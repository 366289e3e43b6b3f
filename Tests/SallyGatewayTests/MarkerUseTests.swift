// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SallyModel
import SallyTestSupport
import SallyWire
import Testing

@testable import SallyGateway

/// The marker finds a job again. It gives nobody anything, and whoever takes it away loses only that.
@Suite struct MarkerUseTests {
    private static let path = "/v1/clusters/demo/jobs"
    private static let key = [("Idempotency-Key", "key-1")]
    private static let lost = SubmitResult.unknown(SallyError(.timeout, "no answer"))

    private func maker(_ byte: UInt8 = 7) -> SubmissionMarker.Maker {
        SubmissionMarker.Maker(secret: Secret(Array(repeating: byte, count: 32)))
    }

    private func marker(
        _ byte: UInt8 = 7, person: Int64 = 1, cluster: String = "demo", operation: KeyedOperation = .submit,
        key: String = "k"
    ) -> SubmissionMarker {
        maker(byte).marker(
            person: PersonID(rawValue: person), cluster: ClusterName(unchecked: cluster), operation: operation, key: key
        )
    }

    @Test func everyPartOfItsScopeChangesIt() {
        let all = [
            marker(), marker(8), marker(person: 2), marker(cluster: "other"), marker(operation: .slurmSubmit),
            marker(key: "K"),
        ]
        #expect(Set(all).count == all.count)
        #expect(marker() == marker())
    }

    @Test(arguments: [nil, "", "mine", "two words ", "sallyport:00112233445566778899aabbccddeeff", "sallyport:"])
    func itIsCutFromWhatPeopleSee(comment: String?) {
        let split = SubmissionMarker.split(marker().appended(to: comment))
        #expect(split.marker == marker())
        #expect(split.comment == (comment == "" ? nil : comment))
    }

    /// Whoever writes a marker into a comment gets a marker of his own behind it.
    @Test func aMarkerWrittenByHandFindsNothing() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = Self.lost }
            try await client.expect(.accepted, .post, Self.path, world.alice, body: goodJob, headers: Self.key)
            let stolen = try #require(world.queue.now.submits[0].comment)
            world.queue.change { $0.answer = nil }
            let forged = goodJob.replacing("\"script\"", with: "\"comment\":\"\(stolen)\",\"script\"")
            #expect(forged != goodJob)
            for token in [world.bob, world.alice] {
                try await client.expect(.created, .post, Self.path, token, body: forged)
            }
            // Neither is taken for the lost one, which nobody has: it is submitted when that is certain.
            try await client.expect(.accepted, .post, Self.path, world.alice, body: goodJob, headers: Self.key)
            world.clock.advance(32)
            let answer = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(try answer.decode(SubmitReply.self).job.rawValue == 102)
            #expect(!(try await client.call(.get, Self.path, world.alice)).text.contains("sallyport:"))
        }
    }

    /// With scontrol a person can put any text on an own job, another's marker too.
    @Test func anothersMarkerOnAnOwnJobGivesNothing() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = Self.lost }
            try await client.expect(.accepted, .post, Self.path, world.alice, body: goodJob, headers: Self.key)
            let stolen = world.queue.now.submits[0].comment
            world.queue.change { state in
                state.answer = nil
                state.jobs = [makeJob(55, UserName(unchecked: "bob"), comment: stolen)]
                state.finished = [makeJob(56, UserName(unchecked: "bob"), comment: stolen, state: "COMPLETED")]
            }
            try await client.expect(.accepted, .post, Self.path, world.alice, body: goodJob, headers: Self.key)
            let shown = try await client.call(.get, "\(Self.path)/55", world.alice)
            #expect(shown.status == .notFound)
            try await client.expect(.notFound, .delete, "\(Self.path)/55", world.alice)
            world.clock.advance(32)
            let answer = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(try answer.decode(SubmitReply.self).job.rawValue == 100)
        }
    }

    /// Erased after its outcome is known, nothing is lost; erased before, that one job is not recognised.
    @Test(arguments: [false, true])
    func erasingItLosesTheRecoveryOfThatJobAlone(isLost: Bool) async throws {
        try await withWorld { world, client in
            world.queue.change { $0.losesAnswer = isLost }
            try await client.expect(
                isLost ? .accepted : .created, .post, Self.path, world.alice, body: goodJob, headers: Self.key)
            world.queue.change { state in
                state.losesAnswer = false
                state.jobs = [makeJob(100, UserName(unchecked: "alice"), comment: "erased")]
            }
            world.clock.advance(32)
            let answer = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(try answer.decode(SubmitReply.self).job.rawValue == (isLost ? 101 : 100))
            // The job is its owner's all the same.
            try await client.expect(.ok, .get, "\(Self.path)/100", world.alice)
            try await client.expect(.notFound, .get, "\(Self.path)/100", world.bob)
        }
    }
}
