// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SallyIdentity
import SallyKeepProtocol
import SallyModel
import SallyStore
import SallyTestSupport
import SallyWire
import Testing

@testable import SallyGateway

/// What happens between a lost answer and the moment when it is known what became of it.
@Suite struct UnknownOutcomeTests {
    private static let path = "/v1/clusters/demo/jobs"
    private static let key = [("Idempotency-Key", "key-1")]
    private static let lost = SubmitResult.unknown(SallyError(.timeout, "no answer"))
    /// A token of 15 s, minted at once, a clock that is at most 1 s behind, 15 s of grace.
    private static let certain: Int64 = 31

    private func ask(
        _ world: World, _ client: any TestClientProtocol, _ wanted: HTTPResponse.Status, _ token: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await client.expect(
            wanted, .post, Self.path, token ?? world.alice, body: goodJob, headers: Self.key,
            sourceLocation: sourceLocation)
    }

    /// So much later that alice has to sign in again.
    private func muchLater(_ world: World, _ seconds: Int64) async throws -> String {
        world.clock.advance(seconds)
        return try await World.signIn("alice", ["hpc-users"], world.identities, world.sessions).1.accessToken.reveal()
    }

    @Test func aLostAnswerIsFoundByItsMarker() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.losesAnswer = true }
            let lost = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(lost.status == .accepted && lost.headers[.retryAfter] == "5")
            let pending = try lost.decode(SubmitPending.self)
            #expect(pending.outcome == "unknown" && pending.message == "outcome being checked")
            let again = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(again.status == .created)
            #expect(try again.decode(SubmitReply.self).job.rawValue == 100)
            #expect(world.queue.now.submits.count == 1)
        }
    }

    /// As a job_submit plugin that returns slurm.ERROR is heard (22.05.8, 24.11.5): it may be a refusal, and is one when there is no job.
    @Test func anUnexplainedWordIsARefusalOnceThereIsNoJob() async throws {
        try await withWorld { world, client in
            let word = SlurmRefusal(number: -1, text: "Unspecified error")
            world.queue.change { $0.answer = .unknown(SallyError(.unavailable, "Unspecified error"), word) }
            try await ask(world, client, .accepted)
            try await ask(world, client, .accepted)
            world.clock.advance(Self.certain + 1)
            for _ in 0..<2 {
                let told = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
                let problem = try told.decode(Problem.self)
                #expect(told.status == .unprocessableContent && problem.slurm == word)
                #expect(problem.hint?.contains("job_submit plugin") == true)
            }
            #expect(world.queue.now.submits.count == 1)
        }
    }

    @Test func nothingIsSentAgainWhileTheOutcomeIsUnknown() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = Self.lost }
            for _ in 0..<3 { try await ask(world, client, .accepted) }
            let answer = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(try answer.decode(SubmitPending.self).knownWithin == Int(Self.certain) + 1)
            #expect(world.queue.now.submits.count == 1)
        }
    }

    /// Not a second before the token is dead, and then at once.
    @Test func afterTheTokensLifeAMissingJobMayBeSubmittedAnew() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = Self.lost }
            try await ask(world, client, .accepted)
            world.queue.change { $0.answer = nil }
            world.clock.advance(Self.certain)
            try await ask(world, client, .accepted)
            #expect(world.queue.now.submits.count == 1 && world.queue.now.accountingReads == 0)
            world.clock.advance(1)
            try await ask(world, client, .created)
            #expect(world.queue.now.submits.count == 2 && world.queue.now.jobs.count == 1)
        }
    }

    /// slurmctld checks tokens by its own clock: where that is behind they live longer.
    @Test(arguments: [(-90 as Int64, 90 as Int64), (90, 0)])
    func aClockThatIsBehindIsWaitedFor(skew: Int64, more: Int64) async throws {
        try await withWorld { world, client in
            world.queue.change { state in
                state.answer = Self.lost
                state.skew = skew
            }
            try await ask(world, client, .accepted)
            world.queue.change { $0.answer = nil }
            // Ahead by more than a second, there is no second of doubt.
            world.clock.advance(Self.certain + more - (skew > 0 ? 1 : 0))
            try await ask(world, client, .accepted)
            #expect(world.queue.now.submits.count == 1)
            world.clock.advance(1)
            try await ask(world, client, .created)
        }
    }

    @Test(arguments: [-301 as Int64, 301])
    func anImplausibleClockDecidesNothing(skew: Int64) async throws {
        try await withWorld { world, client in
            world.queue.change { state in
                state.answer = Self.lost
                state.skew = skew
            }
            try await ask(world, client, .accepted)
            let alice = try await muchLater(world, 3600)
            let answer = try await client.call(.post, Self.path, alice, body: goodJob, headers: Self.key)
            #expect(answer.status == .accepted)
            let obstacle = try #require(try answer.decode(SubmitPending.self).obstacle)
            #expect(obstacle.contains("clock of cluster demo") && obstacle.contains("301 s"), "\(obstacle)")
            #expect(world.queue.now.submits.count == 1)
            world.queue.change { state in
                state.answer = nil
                state.skew = 0
            }
            try await ask(world, client, .created, alice)
        }
    }

    /// What is there needs no clock to be seen.
    @Test func anImplausibleClockHidesNoJob() async throws {
        try await withWorld { world, client in
            world.queue.change { state in
                state.losesAnswer = true
                state.skew = -5000
            }
            try await ask(world, client, .accepted)
            try await ask(world, client, .created)
            #expect(world.queue.now.submits.count == 1)
        }
    }

    /// A gateway that died before it wrote anything down, and the signer says whether it got its token.
    @Test(arguments: [(true, 20, 0), (false, 20, 80), (false, nil, 210)] as [(Bool, Int64?, Int64)])
    func aReservationAloneIsWaitedForAsLongAsItsTokenMayCome(
        wasMinted: Bool, within: Int64?, more: Int64
    ) async throws {
        try await withWorld { world, client in
            let person = try #require(world.people["alice"])
            let fingerprint = try await world.cluster.submissions.reader.read(Array(goodJob.utf8)).fingerprint
            let position = try await world.reserve(
                "key-1", fingerprint, person, mintBy: within.map { Timestamp(world.clock.now.rawValue + $0) })
            if wasMinted { try await world.mint(position, person) }
            world.clock.advance(Self.certain + more)
            try await ask(world, client, .accepted)
            world.clock.advance(1)
            try await ask(world, client, .created)
            #expect(world.queue.now.submits.count == 1)
        }
    }

    /// So that what is said of a reservation's last token holds.
    @Test func noTokenIsAskedForLaterThanWasSaid() async throws {
        try await withWorld { world, client in
            // With both named, the account is made after the decision.
            let body = goodJob.replacing(
                "\"script\"", with: "\"account\":\"lab\",\"chdir\":\"/home/alice\",\"script\"")
            world.steward.change { $0.meanwhile = { world.clock.advance(150) } }
            try await client.expect(.serviceUnavailable, .post, Self.path, world.alice, body: body)
            #expect(world.signer.now.minted.isEmpty)
            world.steward.change { $0.meanwhile = { world.clock.advance(149) } }
            try await client.expect(.created, .post, Self.path, world.bob, body: body)
            #expect(world.signer.now.minted.map(\.mintBy) == [Timestamp(world.clock.now.rawValue + 1)])
            // Where the account is there nothing takes long.
            world.queue.change { $0.answer = Self.lost }
            try await client.expect(.accepted, .post, Self.path, world.bob, body: body)
            let open = try #require(try await world.submissions.withoutOutcome(cluster: World.name).first)
            #expect(open.mintBy == open.created + SubmissionSteps.promptness)
        }
    }

    @Test func aSignerThatIsAwayMeansMorePatience() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = Self.lost }
            world.clock.advance(10)
            try await ask(world, client, .accepted)
            world.signer.change { $0.recordsFailure = SallyError(.unavailable, "the signer does not answer") }
            world.queue.change { $0.answer = nil }
            // From the moment on that the outcome was written down as unknown, not from the token's.
            world.clock.advance(Self.certain)
            try await ask(world, client, .accepted)
            world.clock.advance(1)
            try await ask(world, client, .created)
        }
    }

    @Test(arguments: [true, false])
    func queueAndAccountingHaveToAnswerBoth(queueIsAway: Bool) async throws {
        try await withWorld { world, client in
            let away = SallyError(.unavailable, "cluster demo does not answer")
            world.queue.change { $0.answer = Self.lost }
            try await ask(world, client, .accepted)
            world.queue.change { state in
                state.answer = nil
                if queueIsAway { state.failure = away } else { state.accountingFailure = away }
            }
            world.clock.advance(Self.certain + 1)
            let answer = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(answer.status == .accepted)
            #expect(try answer.decode(SubmitPending.self).obstacle == "cluster demo does not answer")
            #expect(world.queue.now.submits.count == 1)
            world.queue.change { state in
                state.failure = nil
                state.accountingFailure = nil
            }
            // What accounting did not say is asked again after a pause.
            try await eventually("both have answered") {
                try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key).status
                    == .created
            }
            #expect(world.queue.now.submits.count == 2)
        }
    }

    @Test func aJobThatHasEndedAndLeftTheQueueIsFoundInAccounting() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = Self.lost }
            try await ask(world, client, .accepted)
            let comment = world.queue.now.submits[0].comment
            world.queue.change {
                $0.finished = [makeJob(55, UserName(unchecked: "alice"), comment: comment, state: "COMPLETED")]
            }
            world.clock.advance(Self.certain + 1)
            let answer = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(try answer.decode(SubmitReply.self).job.rawValue == 55)
            #expect(world.queue.now.submits.count == 1)
            #expect(try await world.submissions.withoutOutcome(cluster: World.name).isEmpty)
        }
    }

    /// While the queue still shows what has ended it is enough by itself; later nobody can tell any more.
    @Test(arguments: [(true, 200 as Int64, true), (false, 200, true), (true, 3600, true), (false, 3600, false)])
    func aClusterWithoutAccountingIsDecidedByItsQueueAlone(
        accounting: Bool, after: Int64, isDecided: Bool
    ) async throws {
        try await withWorld(WorldSettings(accounting: accounting)) { world, client in
            world.queue.change { $0.answer = Self.lost }
            try await ask(world, client, .accepted)
            world.queue.change { $0.answer = nil }
            let alice = try await muchLater(world, after)
            let answer = try await client.call(.post, Self.path, alice, body: goodJob, headers: Self.key)
            #expect(answer.status == (isDecided ? .created : .accepted))
            #expect(world.queue.now.accountingReads == (accounting ? 1 : 0))
            if !isDecided {
                let obstacle = try #require(try answer.decode(SubmitPending.self).obstacle)
                #expect(obstacle.contains("no accounting"), "\(obstacle)")
            }
        }
    }

    /// Without AccountingStoreFlags=job_comment accounting has the job and not its marker.
    @Test(
        arguments: [
            (nil, false, false), ("some comment", false, true), (nil, true, true),
        ] as [(String?, Bool, Bool)])
    func accountingWithoutCommentsDecidesNothing(other: String?, isKnown: Bool, isDecided: Bool) async throws {
        try await withWorld { world, client in
            let alice = UserName(unchecked: "alice")
            if isKnown {
                // Job 100 is another submission's outcome.
                try await client.expect(
                    .created, .post, Self.path, world.alice, body: goodJob, headers: [("Idempotency-Key", "key-0")])
            }
            world.queue.change { $0.answer = Self.lost }
            try await ask(world, client, .accepted)
            world.queue.change { state in
                state.jobs = []
                state.finished = [makeJob(100, alice, state: "COMPLETED")]
                if let other { state.finished.append(makeJob(7, alice, comment: other, state: "COMPLETED")) }
                state.answer = nil
            }
            let token = try await muchLater(world, 3600)
            let answer = try await client.call(.post, Self.path, token, body: goodJob, headers: Self.key)
            #expect(answer.status == (isDecided ? .created : .accepted), "\(answer.text)")
            if !isDecided { #expect(try answer.decode(SubmitPending.self).obstacle?.contains("job_comment") == true) }
        }
    }

    /// A record that was too large to be read may be the job: nothing is sent again. One that is found decides all the same,
    /// wherever accounting says that it ran.
    @Test(arguments: [false, true]) func accountingThatCouldNotBeReadWhollyDecidesNothing(isElsewhere: Bool)
        async throws
    {
        try await withWorld { world, client in
            world.queue.change { state in
                state.answer = Self.lost
                state.passedOver = 1
            }
            try await ask(world, client, .accepted)
            world.queue.change { $0.answer = nil }
            let token = try await muchLater(world, 3600)
            let answer = try await client.call(.post, Self.path, token, body: goodJob, headers: Self.key)
            #expect(answer.status == .accepted, "\(answer.text)")
            #expect(try answer.decode(SubmitPending.self).obstacle?.contains("too large") == true)
            #expect(world.queue.now.submits.count == 1)
            let comment = world.queue.now.submits[0].comment
            world.queue.change { state in
                let job = makeJob(55, UserName(unchecked: "alice"), comment: comment, state: "COMPLETED")
                if isElsewhere { state.finishedElsewhere = [job] } else { state.finished = [job] }
            }
            try await eventually("the job is found") {
                try await client.call(.post, Self.path, token, body: goodJob, headers: Self.key).status == .created
            }
            #expect(world.queue.now.submits.count == 1)
        }
    }

    /// What slurmctld has not told slurmdbd yet, accounting does not have.
    @Test func accountingIsWaitedForUntilItWasToldEverything() async throws {
        try await withWorld { world, client in
            world.queue.change { state in
                state.answer = Self.lost
                state.backlog = 3
            }
            try await ask(world, client, .accepted)
            world.queue.change { $0.answer = nil }
            let alice = try await muchLater(world, 3600)
            let answer = try await client.call(.post, Self.path, alice, body: goodJob, headers: Self.key)
            #expect(answer.status == .accepted)
            let obstacle = try answer.decode(SubmitPending.self).obstacle
            #expect(obstacle?.contains("slurmdbd") == true, "\(String(describing: obstacle))")
            #expect(world.queue.now.submits.count == 1)
            world.queue.change { $0.backlog = 0 }
            // What accounting could not tell is asked again after a pause.
            try await eventually("accounting was told everything") {
                try await client.call(.post, Self.path, alice, body: goodJob, headers: Self.key).status == .created
            }
            #expect(world.queue.now.submits.count == 2)
        }
    }

    /// While a directory service does not answer Slurm cannot name users: the job may well be the person's.
    @Test func aMarkedJobThatSlurmGivesNobodyDecidesNothing() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = Self.lost }
            try await ask(world, client, .accepted)
            let comment = world.queue.now.submits[0].comment
            world.queue.change { state in
                state.answer = nil
                state.jobs = [makeJob(55, nil, comment: comment)]
            }
            world.clock.advance(Self.certain + 1)
            let answer = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(answer.status == .accepted, "\(answer.text)")
            #expect(try answer.decode(SubmitPending.self).obstacle?.contains("job 55") == true)
            world.queue.change { $0.jobs = [makeJob(55, UserName(unchecked: "alice"), comment: comment)] }
            let found = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(try found.decode(SubmitReply.self).job.rawValue == 55)
            #expect(world.queue.now.submits.count == 1)
        }
    }

    /// After MaxJobId, or where slurmctld lost its state, a number names a second job. A requeued job is the first all the same.
    @Test(arguments: [(3600 as Int64, false, true), (3600, true, false), (60, false, false)])
    func aNumberThatSlurmGaveAgainIsTheNewJobs(later: Int64, isRequeued: Bool, isFound: Bool) async throws {
        try await withWorld { world, client in
            let first = try await client.call(
                .post, Self.path, world.alice, body: goodJob, headers: [("Idempotency-Key", "key-0")])
            #expect(try first.decode(SubmitReply.self).job.rawValue == 100)
            let alice = try await muchLater(world, later)
            world.signer.change { $0.mintTime = world.clock.now }
            world.queue.change { $0.answer = Self.lost }
            try await ask(world, client, .accepted, alice)
            let again = makeJob(
                100, UserName(unchecked: "alice"), comment: world.queue.now.submits[1].comment,
                submitted: world.clock.now, isRequeued: isRequeued)
            world.queue.change { $0.jobs = [again] }
            let answer = try await client.call(.post, Self.path, alice, body: goodJob, headers: Self.key)
            #expect(answer.status == (isFound ? .created : .accepted), "\(answer.text)")
            if isFound { #expect(try answer.decode(SubmitReply.self).job.rawValue == 100) }
            #expect(world.queue.now.submits.count == 2)
        }
    }

    @Test func everybodySharesOneLook() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = Self.lost }
            for number in 0..<20 {
                try await client.expect(
                    .accepted, .post, Self.path, world.alice, body: goodJob,
                    headers: [("Idempotency-Key", "key-\(number)")])
            }
            world.queue.change { $0.answer = nil }
            world.clock.advance(Self.certain + 1)
            let latch = Latch()
            world.queue.change { $0.blocksReads = latch }
            let (reads, looks) = (world.queue.now.reads, world.queue.now.accountingReads)
            var opened = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        try await client.expect(
                            .created, .post, Self.path, world.alice, body: goodJob,
                            headers: [("Idempotency-Key", "key-\(number)")])
                    }
                }
                try await eventually("all are waiting") { world.cluster.submissions.reconciler.callers == 20 }
                world.queue.change { $0.blocksReads = nil }
                opened = .now
                latch.open()
                try await group.waitForAll()
            }
            // One look that was under way, and one for all who came meanwhile; each reads once or twice at most. The keeper's
            // loop goes on each second.
            #expect(world.queue.now.accountingReads - looks <= 2)
            let turns = Int(opened.duration(to: .now) / .seconds(1))
            #expect(world.queue.now.reads - reads <= 6 + turns)
            #expect(world.queue.now.submits.count == 40)
        }
    }

    /// A key that comes back after its day has the marker of the job before.
    @Test func aJobOfYesterdaysKeyIsNotTheAnswer() async throws {
        try await withWorld { world, client in
            try await ask(world, client, .created)
            let alice = try await muchLater(world, 86_400)
            world.signer.change { $0.mintTime = world.clock.now }
            world.queue.change { $0.answer = Self.lost }
            try await ask(world, client, .accepted, alice)
            world.queue.change { $0.answer = nil }
            try await ask(world, client, .accepted, alice)
            world.clock.advance(Self.certain + 1)
            let answer = try await client.call(.post, Self.path, alice, body: goodJob, headers: Self.key)
            #expect(try answer.decode(SubmitReply.self).job.rawValue == 101)
        }
    }

    @Test func keysGoAwayByThemselvesAfterADay() async throws {
        try await withWorld { world, client in
            try await ask(world, client, .created)
            let alice = try await muchLater(world, 86_400)
            #expect(try await world.submissions.purgeKeys(cluster: World.name) == 1)
            try await ask(world, client, .created, alice)
            #expect(world.queue.now.submits.count == 2)
        }
    }
}
