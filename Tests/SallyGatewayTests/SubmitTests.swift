// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SallyConfig
import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallyStore
import SallyTestSupport
import SallyWire
import Testing

@testable import SallyGateway

@Suite struct SubmitTests {
    private static let path = "/v1/clusters/demo/jobs"
    private static let key = [("Idempotency-Key", "key-1")]

    @Test func aJobGoesThrough() async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(answer.status == .created)
            #expect(answer.headers[.idempotencyKey] == "key-1")
            let reply = try answer.decode(SubmitReply.self)
            #expect(reply.job.rawValue == 100 && reply.partition == "debug" && reply.account.rawValue == "lab")
            #expect(reply.messages == ["pending for a reason"])
            let mint = try #require(world.signer.now.minted.first)
            #expect(mint.user.rawValue == "alice" && mint.purpose == .submit)
            #expect(world.queue.now.submits.first?.position == mint.position)
            #expect(world.steward.now.ensured.first?.profile.rawValue == "user")
            let list = try await client.call(.get, Self.path, world.alice).decode(JobList.self)
            #expect(list.jobs.map(\.job.rawValue) == [100])
        }
    }

    @Test func whatIsNotAllowedReachesNeitherSignerNorSlurm() async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.post, Self.path, world.alice, body: gpuJob)
            #expect(answer.status == .forbidden)
            #expect(try answer.problem.detail.contains("gpu"))
            #expect(world.signer.now.minted.isEmpty && world.queue.now.submits.isEmpty)
            let page = try await client.call(.get, "/v1/admin/audit?action=job.submit", world.dana)
            #expect(try page.decode(AuditPage.self).events.map(\.outcome) == [.refused])
        }
    }

    @Test func somebodyWithoutAProfileIsRefused() async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.post, Self.path, world.dana, body: goodJob)
            #expect(answer.status == .forbidden)
            #expect(world.steward.now.ensured.isEmpty && world.queue.now.submits.isEmpty)
        }
    }

    @Test func aSecondJobCostsTheStewardNothing() async throws {
        try await withWorld { world, client in
            for _ in 0..<3 {
                try await client.expect(.created, .post, Self.path, world.alice, body: goodJob)
            }
            #expect(world.steward.now.ensured.count == 1)
        }
    }

    @Test func theHomeIsTheWorkingDirectory() async throws {
        try await withWorld { world, client in
            _ = try await client.call(.post, Self.path, world.alice, body: goodJob)
            #expect(world.queue.now.folders == ["/home/alice"])
        }
    }

    @Test func plainHTTPIsForThisMachineAlone() async throws {
        try await withWorld { world, _ in
            for host in ["0.0.0.0", "192.0.2.1", "::", "gateway.example"] {
                #expect(throws: SallyError.self) {
                    try world.server.application(listen: .address(host: host, port: 8080, tls: nil))
                }
            }
            _ = try world.server.application(listen: .address(host: "127.0.0.1", port: 8080, tls: nil))
        }
    }

    @Test func aSubmissionUnderWayIsOpenInTheStore() async throws {
        try await withWorld { world, client in
            let latch = Latch()
            world.queue.change { $0.blocksSubmit = latch }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await client.expect(.created, .post, Self.path, world.alice, body: goodJob) }
                try await eventually("the job is on its way") { !world.queue.now.submits.isEmpty }
                #expect(try await world.submissions.withoutOutcome(cluster: World.name).count == 1)
                latch.open()
                try await group.waitForAll()
            }
            #expect(try await world.submissions.withoutOutcome(cluster: World.name).isEmpty)
        }
    }

    @Test func aRepeatedKeyIsOneJob() async throws {
        try await withWorld { world, client in
            for _ in 0..<3 {
                let answer = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
                #expect(try answer.decode(SubmitReply.self).job.rawValue == 100)
            }
            #expect(world.queue.now.submits.count == 1)
            // Another person's key is another key.
            let other = try await client.call(.post, Self.path, world.bob, body: goodJob, headers: Self.key)
            #expect(try other.decode(SubmitReply.self).job.rawValue == 101)
        }
    }

    @Test func aKeyOfAnotherRequestIsAConflict() async throws {
        try await withWorld { world, client in
            _ = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            let changed = goodJob.replacing("hello", with: "other")
            let answer = try await client.call(.post, Self.path, world.alice, body: changed, headers: Self.key)
            #expect(answer.status == .conflict)
            #expect(world.queue.now.submits.count == 1)
        }
    }

    @Test(arguments: ["", "two words", String(repeating: "k", count: 201)])
    func refusesBadKeys(key: String) async throws {
        try await withWorld { world, client in
            let answer = try await client.call(
                .post, Self.path, world.alice, body: goodJob, headers: [("Idempotency-Key", key)])
            #expect(answer.status == .badRequest)
            #expect(world.queue.now.submits.isEmpty)
        }
    }

    @Test func slurmsRefusalComesBackWithNumberAndText() async throws {
        try await withWorld { world, client in
            world.queue.change {
                $0.answer = .refused(SlurmRefusal(number: 2050, text: "Job violates accounting/QOS policy"))
            }
            for _ in 0..<2 {
                let answer = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
                #expect(answer.status == .unprocessableContent)
                #expect(
                    try answer.problem.slurm == SlurmRefusal(number: 2050, text: "Job violates accounting/QOS policy"))
            }
            #expect(world.queue.now.submits.count == 1)
        }
    }

    @Test func anUnknownAccountIsEnsuredAgainNextTime() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = .refused(SlurmRefusal(number: 2045, text: "Invalid account")) }
            _ = try await client.call(.post, Self.path, world.alice, body: goodJob)
            world.queue.change { $0.answer = nil }
            try await client.expect(.created, .post, Self.path, world.alice, body: goodJob)
            #expect(world.steward.now.ensured.count == 2)
        }
    }

    @Test func whatNeverReachedSlurmMayBeTriedAgainWithTheSameKey() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = .notSent(SallyError(.unavailable, "cluster demo does not answer")) }
            let down = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(down.status == .serviceUnavailable)
            world.queue.change { $0.answer = nil }
            let up = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(up.status == .created)
        }
    }

    @Test func aSignerThatRefusesLeavesNoReservation() async throws {
        try await withWorld { world, client in
            world.signer.change { $0.failure = SallyError(.unavailable, "the signer does not answer") }
            try await client.expect(
                .serviceUnavailable, .post, Self.path, world.alice, body: goodJob, headers: Self.key)
            world.signer.change { $0.failure = nil }
            try await client.expect(.created, .post, Self.path, world.alice, body: goodJob, headers: Self.key)
        }
    }

    @Test func aLostAnswerIsFoundByItsMarker() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.losesAnswer = true }
            let lost = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(lost.status == .accepted)
            #expect(try lost.decode(SubmitPending.self).retryAfter > 0)
            let again = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(again.status == .created)
            #expect(try again.decode(SubmitReply.self).job.rawValue == 100)
            #expect(world.queue.now.submits.count == 1)
        }
    }

    @Test func nothingIsSentAgainWhileTheOutcomeIsUnknown() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = .unknown(SallyError(.timeout, "no answer")) }
            for _ in 0..<3 {
                let answer = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
                #expect(answer.status == .accepted)
            }
            #expect(world.queue.now.submits.count == 1)
        }
    }

    @Test func afterTheTokensLifeAMissingJobMayBeSubmittedAnew() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = .unknown(SallyError(.timeout, "no answer")) }
            _ = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            world.queue.change { $0.answer = nil }
            world.clock.advance(300)
            let answer = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(answer.status == .created)
            #expect(world.queue.now.submits.count == 2)
        }
    }

    /// The token was minted before the answer was lost: who waits need not wait as if it were still to come.
    @Test func whoAsksAgainWaitsForTheTokensLifeAlone() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = .unknown(SallyError(.timeout, "no answer")) }
            try await client.expect(.accepted, .post, Self.path, world.alice, body: goodJob, headers: Self.key)
            world.queue.change { $0.answer = nil }
            world.clock.advance(45)
            try await client.expect(.accepted, .post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(world.queue.now.submits.count == 1)
            world.clock.advance(1)
            // Looking by itself takes its time.
            let open = try await world.submissions.withoutOutcome(cluster: World.name)
            #expect(try await world.cluster.submissions.reconciler.settle(open[0]) == nil)
            try await client.expect(.created, .post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(world.queue.now.submits.count == 2 && world.queue.now.jobs.count == 1)
        }
    }

    /// A gateway that died before it wrote anything down may have been about to ask for the token.
    @Test func aReservationAloneIsWaitedForToTheEnd() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = .unknown(SallyError(.timeout, "no answer")) }
            _ = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            var open = try await world.submissions.withoutOutcome(cluster: World.name)
            open[0].state = .reserved
            open[0].finished = nil
            let reconciler = world.cluster.submissions.reconciler
            world.clock.advance(195)
            #expect(try await reconciler.settle(open[0], isAwaited: true) == nil)
            world.clock.advance(1)
            guard case .failed = try await reconciler.settle(open[0], isAwaited: true) else {
                Issue.record("not settled")
                return
            }
        }
    }

    @Test func aReservationOfAGatewayThatDiedIsSettledAtTheStart() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = .unknown(SallyError(.timeout, "no answer")) }
            _ = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            let comment = world.queue.now.submits[0].comment
            world.queue.change {
                $0.finished = [makeJob(55, UserName(unchecked: "alice"), comment: comment, state: "COMPLETED")]
            }
            let open = try await world.submissions.withoutOutcome(cluster: World.name)
            #expect(open.count == 1)
            let outcome = try await world.cluster.submissions.reconciler.settle(open[0])
            #expect(outcome == .submitted(JobID(rawValue: 55)!))  // a small number
            #expect(try await world.submissions.withoutOutcome(cluster: World.name).isEmpty)
        }
    }

    @Test func somebodyElsesMarkerSettlesNothing() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = .unknown(SallyError(.timeout, "no answer")) }
            _ = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            let comment = world.queue.now.submits[0].comment
            world.queue.change { $0.jobs = [makeJob(55, UserName(unchecked: "bob"), comment: comment)] }
            let open = try await world.submissions.withoutOutcome(cluster: World.name)
            #expect(try await world.cluster.submissions.reconciler.settle(open[0]) == nil)
        }
    }

    @Test func aClientThatHangsUpLosesNothing() async throws {
        try await withWorld { world, client in
            let latch = Latch()
            world.queue.change { $0.blocksSubmit = latch }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    do {
                        _ = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
                    } catch is CancellationError {}
                }
                try await eventually("the job is on its way") { !world.queue.now.submits.isEmpty }
                group.cancelAll()
                try await group.waitForAll()
            }
            // Meanwhile the same key is answered, and not sent again.
            let pending = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(pending.status == .accepted)
            latch.open()
            try await eventually("the outcome is recorded") {
                try await world.submissions.withoutOutcome(cluster: World.name).isEmpty
            }
            let answer = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(try answer.decode(SubmitReply.self).job.rawValue == 100)
            #expect(world.queue.now.submits.count == 1)
        }
    }

    @Test func ownersDoNotSeeTheMarker() async throws {
        try await withWorld { world, client in
            _ = try await client.call(.post, Self.path, world.alice, body: goodJob)
            #expect(world.queue.now.submits[0].comment?.contains("sallyport:") == true)
            let list = try await client.call(.get, Self.path, world.alice)
            #expect(!list.text.contains("sallyport:"))
        }
    }

    @Test func canISaysWhatSubmittingWouldSay() async throws {
        try await withWorld { world, client in
            let unknown = try await client.call(.post, "/v1/clusters/demo/can-i", world.alice, body: goodJob)
            #expect(unknown.status == .badRequest)
            _ = try await client.call(.post, Self.path, world.alice, body: goodJob)
            let yes = try await client.call(.post, "/v1/clusters/demo/can-i", world.alice, body: goodJob)
            #expect(try yes.decode(CanIReply.self).allowed)
            let no = try await client.call(.post, "/v1/clusters/demo/can-i", world.alice, body: gpuJob).decode(
                CanIReply.self)
            #expect(!no.allowed && no.message.contains("gpu") && no.judged["partition"] == "gpu")
            #expect(world.queue.now.submits.count == 1)
        }
    }
}
