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
import SlurmClient
import SlurmModel
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
            #expect(answer.status == .unprocessableContent)
            #expect(try answer.problem.code == .keyReused)
            #expect(world.queue.now.submits.count == 1)
        }
    }

    @Test(arguments: [[""], ["two words"], [String(repeating: "k", count: 201)], ["one", "two"], ["one", "one"]])
    func refusesBadKeys(keys: [String]) async throws {
        try await withWorld { world, client in
            let answer = try await client.call(
                .post, Self.path, world.alice, body: goodJob, headers: keys.map { ("Idempotency-Key", $0) })
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

    /// By whatever number: what the first answer says, the key says for a day.
    @Test(arguments: [2014, 2017, 2021, 2036, 2045, 2050, 2051, 2073])
    func aRefusalIsTheSameWhenItIsAskedAgain(number: Int) async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = .refused(SlurmRefusal(number: number, text: "no")) }
            var answers: [Problem] = []
            for _ in 0..<2 {
                let answer = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
                var problem = try answer.problem
                #expect(answer.status.code == problem.status)
                problem.request = ""
                answers.append(problem)
            }
            #expect(answers[0] == answers[1])
            let error = SlurmError.refused(SlurmRefusal(number: number, text: "no")).error(cluster: World.name)
            #expect(answers[0] == Problem(error, request: ""))
            #expect(world.queue.now.submits.count == 1)
        }
    }

    private static let slurmsLimit = SlurmRefusal(number: 2050, text: "Job violates accounting/QOS policy")

    private static func limited(_ limit: Int64) -> [SlurmListing: [SlurmRecord]] {
        let version = APIVersion(rawValue: 42)
        var association = SlurmRecord(.association, version: version)
        association["cluster"] = .text("Demo")
        association["user"] = .text("alice")
        association["account"] = .text("lab")
        association["max.jobs.total"] = .integer(limit)
        var qos = SlurmRecord(.qos, version: version)
        qos["name"] = .text("normal")
        return [.associations: [association], .qos: [qos]]
    }

    @Test func theLimitsThatMayBeMeantAreNamedAndStayNamed() async throws {
        try await withWorld { world, client in
            world.queue.change { state in
                state.answer = .refused(Self.slurmsLimit)
                state.records = Self.limited(1)
            }
            let first = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(
                try first.problem.hint
                    == "one of these is reached: MaxSubmitJobs=1 of your association with account lab: "
                    + "wait for jobs to end, ask for less, or ask an administrator")
            #expect(try first.problem.slurm == Self.slurmsLimit)
            // Whatever has become of the limit since.
            world.clock.advance(60)
            world.queue.change { $0.records = Self.limited(7) }
            let again = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(try again.problem.hint == first.problem.hint)
            let other = try await client.call(
                .post, Self.path, world.alice, body: goodJob, headers: [("Idempotency-Key", "key-2")])
            #expect(try other.problem.hint?.contains("MaxSubmitJobs=7") == true)
            // The same at the other door.
            let front = try await client.call(.post, "/slurm/v0.0.42/job/submit", world.alice, body: frontJob)
            #expect(front.status == .unprocessableContent && front.text.contains("MaxSubmitJobs=7"), "\(front.text)")
        }
    }

    @Test(arguments: [true, false])
    func whereNoLimitIsKnownTheHintIsGeneral(accounting: Bool) async throws {
        var settings = WorldSettings()
        settings.accounting = accounting
        try await withWorld(settings) { world, client in
            world.queue.change { state in
                state.answer = .refused(Self.slurmsLimit)
                if !accounting { state.records = Self.limited(1) }
            }
            let answer = try await client.call(.post, Self.path, world.alice, body: goodJob, headers: Self.key)
            #expect(try answer.problem.hint?.hasPrefix("a limit of your association or QOS is reached") == true)
            #expect(world.queue.now.listed.isEmpty == !accounting)
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

    /// What slurm.conf says of CPUs and memory, as the gateway's file says it.
    @Test(arguments: [("none", false, "cpus=1"), ("MaxMemPerCPU=1000", false, "cpus=3"), ("none", true, "cpus=4")])
    func whatSlurmAddsIsJudged(limits: String, wholeSockets: Bool, cpus: String) async throws {
        var settings = WorldSettings()
        settings.memoryLimits = try limits == "none" ? MemoryLimits.nothing : MemoryLimits(limits)
        settings.wholeSockets = wholeSockets
        settings.before = { queue in
            queue.change { state in
                for index in state.nodes.indices { state.nodes[index].cpusPerSocket = 4 }
            }
        }
        try await withWorld(settings) { world, client in
            let job = ##"{"account": "lab", "nodes": "1", "mem": "3000M", "script": "#!/bin/sh\n"}"##
            let asked = try await client.call(.post, "/v1/clusters/demo/can-i", world.alice, body: job)
            let bounds = try asked.decode(CanIReply.self).judged["bounds"]
            #expect(bounds?.split(separator: " ").contains { $0 == cpus } == true, "\(bounds ?? "")")
        }
    }

    /// select/linear, as the gateway's file says it.
    @Test(arguments: [(false, "cpus=1"), (true, "cpus=8")])
    func wholeNodesAreJudged(wholeNodes: Bool, cpus: String) async throws {
        var settings = WorldSettings()
        settings.wholeNodes = wholeNodes
        settings.memoryLimits = MemoryLimits.nothing
        try await withWorld(settings) { world, client in
            let job = ##"{"account": "lab", "nodes": "1", "mem": "1M", "script": "#!/bin/sh\n"}"##
            let asked = try await client.call(.post, "/v1/clusters/demo/can-i", world.alice, body: job)
            let bounds = try asked.decode(CanIReply.self).judged["bounds"]
            #expect(bounds?.split(separator: " ").contains { $0 == cpus } == true, "\(bounds ?? "")")
        }
    }

    /// slurm.conf's JobDefaults, as the gateway's file says them; of nodes whole where it does not.
    @Test(arguments: [(nil, "cpus=8"), ("DefCpuPerGPU=3", "cpus=6"), ("", "cpus=1")] as [(String?, String)])
    func whatGPUsBringIsJudged(defaults: String?, cpus: String) async throws {
        var settings = WorldSettings()
        settings.jobDefaults = try defaults.map { try JobDefaults($0).whole }
        try await withWorld(settings) { world, client in
            let job = ##"{"account": "lab", "gpus": "2", "nodes": "1", "script": "#!/bin/sh\n"}"##
            let asked = try await client.call(.post, "/v1/clusters/demo/can-i", world.alice, body: job)
            try await client.expect(.created, .post, Self.path, world.alice, body: job)
            // The newest is the outcome, which says no more of the job.
            let decided = try await world.audit.page(AuditQuery(action: "job.submit")).events.last
            let said = [
                try asked.decode(CanIReply.self).judged["bounds"],
                decided?.details.first { $0.name == "bounds" }?.value,
            ]
            for bounds in said {
                #expect(bounds?.split(separator: " ").contains { $0 == cpus } == true, "\(bounds ?? "")")
            }
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
