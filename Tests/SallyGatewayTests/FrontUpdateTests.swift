// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SallyKeepProtocol
import SallyModel
import SallyStore
import SallyTestSupport
import SallyWire
import SlurmClient
import SlurmModel
import StrictJSON
import Testing

@testable import SallyGateway

/// Changing a job: judged as the job that it would become.
@Suite struct FrontUpdateTests {
    private static let alice = UserName(unchecked: "alice")
    private static let marker = "sallyport:" + String(repeating: "a", count: 32)
    private static let path = "/slurm/v0.0.42/job"

    private static func job(
        _ id: UInt32, _ owner: String, state: String = "PENDING", task: String? = nil, partition: String = "debug",
        qos: String = "", first: Int64 = 0, version: Int = 42
    ) -> QueuedJob {
        var record = SlurmRecord(.job, version: APIVersion(rawValue: version))
        record["job_id"] = .integer(Int64(id))
        record["user_name"] = .text(owner)
        record["account"] = .text("lab")
        record["partition"] = .text(partition)
        record["qos"] = .text(qos)
        record["het_job_id"] = .integer(first)
        record["job_state"] = .words([state])
        record["comment"] = .text("mine \(marker)")
        record["tasks"] = .integer(1)
        record["cpus"] = .integer(1)
        record["node_count"] = .integer(1)
        record["time_limit"] = .integer(10)
        let plain = makeJob(id, UserName(unchecked: owner), comment: "mine \(marker)", state: state)
        var view = plain.view
        if let task { view.displayID = task }
        return QueuedJob(
            view: view, owner: plain.owner, array: task == nil ? nil : JobID(rawValue: 5), marker: plain.marker,
            record: record.packed)
    }

    private static var settings: WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change {
                $0.jobs = [
                    job(1, "alice"), job(2, "bob"), job(3, "alice", state: "COMPLETED"),
                    job(5, "alice", task: "5_[1-3]"), job(6, "alice", task: "5_0"),
                ]
            }
        }
        return settings
    }

    @Test(arguments: frontVersions)
    func anUpdateIsBuiltAnewWithATokenOfItsOwn(version: String) async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(
                .post, "/slurm/\(version)/job/1/", world.alice, body: #"{"hold": true, "name": "other"}"#)
            #expect(answer.status == .ok, "\(answer.text)")
            #expect(try answer.json["results"]?.array?.isEmpty == true)
            let update = try #require(world.queue.now.updates.first)
            #expect(update.job.rawValue == 1)
            #expect(update.body["hold"]?.bool == true && update.body["name"]?.string == "other")
            #expect(update.body.object?.count == 2)
            #expect(world.signer.now.minted.map(\.purpose) == [.update])
            #expect(world.signer.now.minted.map(\.mintBy) == [world.clock.now + UpdateTurns.preparation])
            let event = try await world.audit.page(AuditQuery(action: "job.update")).events.first
            #expect(event?.target == "1")
        }
    }

    @Test func theJobThatItBecomesIsJudged() async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(.post, "\(Self.path)/1", world.alice, body: #"{"partition": "gpu"}"#)
            #expect(answer.status == .forbidden, "\(answer.text)")
            #expect(try answer.slurmError == 2002)
            #expect(world.queue.now.updates.isEmpty && world.signer.now.minted.isEmpty)
        }
    }

    /// Our marker stays at the end of the comment, whatever the person does to it.
    @Test(arguments: [(#"{"comment": "new"}"#, "new \(marker)"), (#"{"comment": ""}"#, marker)])
    func theMarkerStays(body: String, comment: String) async throws {
        try await withWorld(Self.settings) { world, client in
            try await client.expect(.ok, .post, "\(Self.path)/1", world.alice, body: body)
            #expect(world.queue.now.updates.first?.body["comment"]?.string == comment)
        }
    }

    @Test func onlyOwnJobsThatHaveNotEnded() async throws {
        try await withWorld(Self.settings) { world, client in
            for (job, status, number) in [("2", 404, 2017), ("9", 404, 2017), ("3", 409, 2021), ("5_0", 501, 2036)] {
                let answer = try await client.call(
                    .post, "\(Self.path)/\(job)", world.alice, body: #"{"hold": true}"#)
                #expect(answer.status.code == status, "\(answer.text)")
                #expect(try answer.slurmError == number)
                #expect(answer.text.contains("shows how it ended") == (number == 2021))
            }
            #expect(world.queue.now.updates.isEmpty && world.signer.now.minted.isEmpty)
            try await client.expect(.ok, .post, "\(Self.path)/5", world.alice, body: #"{"hold": true}"#)
            #expect(world.queue.now.updates.map(\.job.rawValue) == [5])
        }
    }

    @Test(arguments: ["{}", "[]", "{", #"{"nosuch": 1}"#, #"{"user_id": "0"}"#, #"{"script": "x"}"#])
    func refusesWhatIsNoUpdate(body: String) async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(.post, "\(Self.path)/1", world.alice, body: body)
            #expect([400, 501].contains(answer.status.code), "\(answer.text)")
            // The query is no update, as it would be to slurmrestd.
            try await client.expect(
                .badRequest, .post, "\(Self.path)/1?comment=x", world.alice, body: #"{"hold": true}"#)
            #expect(world.queue.now.updates.isEmpty)
        }
    }

    private static func change(_ world: World, _ job: QueuedJob) {
        world.queue.change { state in
            state.jobs.removeAll { $0.view.job == job.view.job }
            state.jobs.append(job)
        }
    }

    /// The second is judged on what the first left behind, of an array's task as of the array.
    @Test(arguments: [(1, 1), (5, 6), (6, 5)]) func updatesOfOneJobAreJudgedOneAfterTheOther(first: Int, second: Int)
        async throws
    {
        try await withWorld(Self.settings) { world, client in
            let latch = Latch()
            world.queue.change { $0.blocksUpdates = latch }
            try await withThrowingTaskGroup(of: HTTPResponse.Status.self) { group in
                group.addTask {
                    try await client.call(.post, "\(Self.path)/\(first)", world.alice, body: #"{"nice": 1}"#).status
                }
                try await eventually("the first is with Slurm") { world.queue.now.updates.count == 1 }
                group.addTask {
                    try await client.call(.post, "\(Self.path)/\(second)", world.alice, body: #"{"nice": 2}"#).status
                }
                let line = JobID(rawValue: first == 1 ? 1 : 5)!  // small numbers
                try await eventually("the second waits, or does not") {
                    world.cluster.updates.waiting(line) == 1 || world.queue.now.updates.count == 2
                }
                #expect(world.cluster.updates.waiting(line) == 1)
                // As if the first had moved it.
                if first == 1 {
                    Self.change(world, Self.job(1, "alice", partition: "gpu"))
                } else {
                    Self.change(world, Self.job(5, "alice", task: "5_[1-3]", partition: "gpu"))
                    Self.change(world, Self.job(6, "alice", task: "5_0", partition: "gpu"))
                }
                latch.open()
                var answers: Set<Int> = []
                for try await status in group { answers.insert(status.code) }
                #expect(answers == [200, 403])
            }
            #expect(world.queue.now.updates.count == 1)
        }
    }

    /// Each part of a heterogeneous job has a number of its own.
    @Test func partsOfAHeterogeneousJobWaitForEachOther() {
        #expect(Self.job(12, "alice", first: 11).line.rawValue == 11)
        #expect(Self.job(11, "alice", first: 11).line.rawValue == 11)
        #expect(Self.job(6, "alice", task: "5_0").line.rawValue == 5)
        #expect(Self.job(7, "alice").line.rawValue == 7)
    }

    /// Nobody knows what it would be put onto.
    @Test func afterALostAnswerNothingIsChangedUntilItsTokenHasEnded() async throws {
        try await withWorld(Self.settings) { world, client in
            // In whatever way it was lost.
            world.queue.change { $0.updateResult = .unknown(SallyError(.unavailable, "cut off")) }
            try await client.expect(.gatewayTimeout, .post, "\(Self.path)/5", world.alice, body: #"{"nice": 1}"#)
            world.queue.change { $0.updateResult = .done }
            for job in [5, 6] {
                try await client.expect(.conflict, .post, "\(Self.path)/\(job)", world.alice, body: #"{"nice": 2}"#)
            }
            #expect(world.queue.now.updates.count == 1 && world.signer.now.minted.count == 1)
            try await client.expect(.ok, .post, "\(Self.path)/1", world.alice, body: #"{"nice": 2}"#)
            // What Slurm refused is known.
            world.queue.change { $0.updateResult = .refused(SallyError(.slurmRefused, "no")) }
            try await client.expect(.unprocessableContent, .post, "\(Self.path)/1", world.alice, body: #"{"nice": 3}"#)
            world.queue.change { $0.updateResult = .done }
            try await client.expect(.ok, .post, "\(Self.path)/1", world.alice, body: #"{"nice": 4}"#)
        }
    }

    /// A token of 15 s, by slurmctld's clock, which measuring tells to the second, and 15 s for a request that was let in at the
    /// last moment: as of a submission. Where the clock is not told, it may be five minutes behind.
    @Test(arguments: [(0, 31), (-90, 121), (90, 30), (nil, 330)] as [(Int64?, Int64)])
    func aLostAnswerKeepsOthersAwayAsLongAsItsTokenMayLive(skew: Int64?, seconds: Int64) async throws {
        try await withWorld(Self.settings) { world, client in
            world.queue.change { state in
                state.skew = skew ?? 0
                state.hidesClock = skew == nil
                state.updateResult = .unknown(SallyError(.timeout, "no answer"))
            }
            try await client.expect(.gatewayTimeout, .post, "\(Self.path)/1", world.alice, body: #"{"nice": 1}"#)
            world.queue.change { $0.updateResult = .done }
            world.clock.advance(seconds)
            let early = try await client.call(.post, "\(Self.path)/1", world.alice, body: #"{"nice": 2}"#)
            #expect(early.status == .conflict, "\(early.text)")
            #expect(early.text.contains("try again in 1 seconds"), "\(early.text)")
            #expect(world.queue.now.updates.count == 1)
            world.clock.advance(1)
            try await client.expect(.ok, .post, "\(Self.path)/1", world.alice, body: #"{"nice": 3}"#)
            // It is over for good: the clock is not asked for again.
            world.queue.change { $0.hidesClock = true }
            try await client.expect(.ok, .post, "\(Self.path)/1", world.alice, body: #"{"nice": 4}"#)
        }
    }

    /// As of a submission: nothing is decided by such clocks.
    @Test func clocksThatCannotBeDecideNothing() async throws {
        try await withWorld(Self.settings) { world, client in
            world.queue.change { $0.updateResult = .unknown(SallyError(.timeout, "no answer")) }
            try await client.expect(.gatewayTimeout, .post, "\(Self.path)/1", world.alice, body: #"{"nice": 1}"#)
            world.queue.change { $0.updateResult = .done }
            world.clock.advance(400)
            for skew in [-301, 301] as [Int64] {
                world.queue.change { $0.skew = skew }
                let answer = try await client.call(.post, "\(Self.path)/1", world.alice, body: #"{"nice": 2}"#)
                #expect(answer.status != .ok && answer.text.contains("301 s"), "\(answer.text)")
            }
            #expect(world.queue.now.updates.count == 1)
            world.queue.change { $0.skew = 0 }
            try await client.expect(.ok, .post, "\(Self.path)/1", world.alice, body: #"{"nice": 2}"#)
        }
    }

    /// Its turn has a time: what took longer is not sent.
    @Test func aChangeThatTookTooLongToPrepareIsNotSent() async throws {
        try await withWorld(Self.settings) { world, client in
            let latch = Latch()
            world.queue.change { $0.blocksLists = latch }
            try await withThrowingTaskGroup(of: HTTPResponse.Status.self) { group in
                defer { latch.open() }
                group.addTask {
                    try await client.call(.post, "\(Self.path)/1", world.alice, body: #"{"name": "x"}"#).status
                }
                try await eventually("it is being prepared") { world.queue.now.listed.contains(.associations) }
                world.clock.advance(60)
                latch.open()
                let status = try await group.next()
                #expect(status == .serviceUnavailable)
            }
            #expect(world.queue.now.updates.isEmpty && world.signer.now.minted.isEmpty)
            try await client.expect(.ok, .post, "\(Self.path)/1", world.alice, body: #"{"name": "x"}"#)
        }
    }

    /// 22.05 says of every change of an array that it failed: that is neither a refusal nor a lost answer.
    @Test func anAnswerThatDoesNotTellIsAWarning() async throws {
        try await withWorld(Self.settings) { world, client in
            world.queue.change { $0.updateResult = .unsaid }
            for _ in 0..<2 {
                let answer = try await client.call(.post, "\(Self.path)/5", world.alice, body: #"{"nice": 1}"#)
                #expect(answer.status == .ok, "\(answer.text)")
                #expect(try answer.json["warnings"]?.array?.count == 1)
            }
        }
    }

    /// What GPUs bring of a job that says nothing: as the gateway's file says, and of nodes whole where it does not.
    @Test(arguments: [(nil, "cpus=8"), ("DefCpuPerGPU=3", "cpus=6"), ("", "cpus=1")] as [(String?, String)])
    func whatGPUsBringIsJudged(defaults: String?, cpus: String) async throws {
        var settings = Self.settings
        settings.jobDefaults = try defaults.map { try JobDefaults($0).whole }
        try await withWorld(settings) { world, client in
            let body = #"{"tres_per_job": "gres/gpu:2", "maximum_nodes": 1}"#
            try await client.expect(.ok, .post, "\(Self.path)/1", world.alice, body: body)
            let event = try await world.audit.page(AuditQuery(action: "job.update")).events.first
            let bounds = event?.details.first { $0.name == "bounds" }?.value ?? ""
            #expect(bounds.split(separator: " ").contains { $0 == cpus }, "\(bounds)")
        }
    }

    /// 22.05 reports no tasks that come with GPUs: more of them may bring more than anybody knows.
    @Test(arguments: [(38, 501), (42, 200)]) func whatSlurmKeepsToItselfIsRefused(version: Int, status: Int)
        async throws
    {
        try await withWorld(Self.settings) { world, client in
            Self.change(world, Self.job(1, "alice", version: version))
            let body = #"{"tres_per_job": "gres/gpu:1"}"#
            let answer = try await client.call(.post, "\(Self.path)/1", world.alice, body: body)
            #expect(answer.status.code == status, "\(answer.text)")
            #expect(world.queue.now.updates.count == (status == 200 ? 1 : 0))
        }
    }

    /// As those of /v1 are: whichever record of an array it is that policy refuses.
    @Test(arguments: [("1", #"{"partition": "gpu"}"#), ("5", #"{"name": "x"}"#)])
    func refusalsAreRecorded(job: String, body: String) async throws {
        try await withWorld(Self.settings) { world, client in
            Self.change(world, Self.job(6, "alice", task: "5_0", partition: "gpu"))
            try await client.expect(.forbidden, .post, "\(Self.path)/\(job)", world.alice, body: body)
            let events = try await world.audit.page(AuditQuery(action: "job.update")).events
            #expect(events.map(\.outcome) == [.refused] && events.first?.target == job)
            #expect(world.queue.now.updates.isEmpty && world.signer.now.minted.isEmpty)
        }
    }

    /// The rule permits none by name: what is judged is the job's own, and the default of its association counts as none.
    @Test func theQOSOfTheJobIsJudged() async throws {
        try await withWorld(Self.settings) { world, client in
            Self.change(world, Self.job(1, "alice", qos: "long"))
            try await client.expect(.forbidden, .post, "\(Self.path)/1", world.alice, body: #"{"name": "x"}"#)
            var association = SlurmRecord(.association, version: APIVersion(rawValue: 42))
            association["user"] = .text("alice")
            association["cluster"] = .text("demo")
            association["account"] = .text("lab")
            association["qos"] = .words(["long"])
            let above = ["root", "lab"].map { name in
                var account = SlurmRecord(.association, version: APIVersion(rawValue: 42))
                account["cluster"] = .text("demo")
                account["account"] = .text(name)
                if name != "root" { account["parent_account"] = .text("root") }
                return account
            }
            // Accounting serves other clusters, too.
            for (cluster, status) in [("elsewhere", HTTPResponse.Status.forbidden), ("demo", .ok)] {
                association["cluster"] = .text(cluster)
                let known = association
                world.queue.change { $0.records[.associations] = above + [known] }
                // Lists are kept for some seconds.
                world.clock.advance(20)
                try await client.expect(status, .post, "\(Self.path)/1", world.alice, body: #"{"name": "x"}"#)
            }
        }
    }
}
