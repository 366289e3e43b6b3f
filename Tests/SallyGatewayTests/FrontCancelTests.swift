// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SallyModel
import SallyStore
import SallyTestSupport
import SallyWire
import SlurmModel
import StrictJSON
import Testing

@testable import SallyConfig
@testable import SallyGateway

/// What is ended, and nothing beside it.
@Suite struct FrontCancelTests {
    private static let alice = UserName(unchecked: "alice")
    private static let bob = UserName(unchecked: "bob")
    private static let dana = UserName(unchecked: "dana")
    private static let slurm = "/slurm/v0.0.42"

    private static func running(_ job: QueuedJob) -> QueuedJob {
        var job = job
        job.view.states = ["RUNNING"]
        return job
    }

    /// An array of Alice's, of which two tasks run: one has a number of its own, the other the array's.
    private static func world(_ jobs: [QueuedJob]? = nil) -> WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change {
                $0.jobs =
                    jobs ?? [
                        running(makeTask(5, of: 5, "5_1", alice)), running(makeTask(8, of: 5, "5_0", alice)),
                        makeTask(9, of: 5, "5_[2-4%2]", alice), makeJob(2, bob), makeJob(3, dana),
                    ]
            }
        }
        return settings
    }

    @Test(arguments: [
        ("job/5_1", "", ["5_1"]), ("job/5_0", "", ["5_0"]), ("job/5_3", "", ["5_3"]), ("job/5", "", ["5"]),
        ("job/8", "", ["8"]), ("jobs", #"{"job_state": ["RUNNING"]}"#, ["5_0", "5_1"]),
        ("jobs", #"{"job_state": "pending"}"#, ["5_[waiting]"]),
        ("jobs", #"{"jobs": ["5"], "job_state": ["RUNNING"]}"#, ["5_0", "5_1"]),
        ("jobs", #"{"jobs": ["5_1", "5_3"], "job_state": ["PENDING"]}"#, ["5_3"]),
        ("jobs", #"{"jobs": ["5_[0-1]", "5_0", "05_1"]}"#, ["5_0", "5_1"]),
        ("jobs", #"{"user_name": "alice"}"#, ["5_0", "5_1", "5_[waiting]"]),
        ("jobs", #"{"account": "LAB"}"#, ["5_0", "5_1", "5_[waiting]"]),
        ("jobs", #"{"jobs": ["5"]}"#, ["5"]), ("jobs", #"{"job_state": ["TIMEOUT"]}"#, []),
    ])
    func whatIsNamedIsEnded(path: String, body: String, ended: [String]) async throws {
        try await withWorld(Self.world()) { world, client in
            let answer = try await client.call(
                .delete, "\(Self.slurm)/\(path)", world.alice, body: body.isEmpty ? nil : body)
            #expect(answer.status == .ok, "\(answer.text)")
            #expect(try answer.json["status"]?.array?.isEmpty == true, "\(answer.text)")
            #expect(world.queue.now.cancels.map { String($0.prefix { $0 != " " }) }.sorted() == ended)
        }
    }

    /// `5_1` is not `5_11`, and a job that is no array has no tasks.
    @Test(arguments: ["5_11", "5_5", "2_0", "3_0", "99_1", "5+1", "8_0"])
    func whatIsNotThereIsNotEnded(job: String) async throws {
        try await withWorld(Self.world()) { world, client in
            let answer = try await client.call(.delete, "\(Self.slurm)/job/\(job)", world.alice)
            #expect(answer.status == .notFound, "\(answer.text)")
            #expect(try answer.slurmError == 2017)
            #expect(world.queue.now.cancelled.isEmpty && world.signer.now.minted.isEmpty)
        }
    }

    /// A task that has the array's number is the array for a Slurm that takes numbers alone, unless nothing else is left.
    @Test func theLastTaskIsItsArray() async throws {
        let jobs = [Self.running(makeTask(5, of: 5, "5_1", Self.alice)), makeTask(6, of: 5, "5_[2-4]", Self.alice)]
        for (left, sent) in [(jobs, "5_1 -"), (Array(jobs.prefix(1)), "5_1 5")] {
            try await withWorld(Self.world(left)) { world, client in
                try await client.expect(.ok, .delete, "\(Self.slurm)/job/5_1", world.alice)
                #expect(world.queue.now.cancels == [sent])
            }
        }
        try await withWorld(Self.world([jobs[1]])) { world, client in
            try await client.expect(
                .ok, .delete, "\(Self.slurm)/jobs", world.alice, body: #"{"job_state": ["PENDING"]}"#)
            #expect(world.queue.now.cancels == ["5_[waiting] 5"])
        }
    }

    @Test func componentsAreNamedByTheirJob() async throws {
        let parts = (0..<2).map { makeComponent($0, of: 20, Self.alice) }
        let jobs = parts + [makeJob(22, Self.alice)]
        try await withWorld(Self.world(jobs)) { world, client in
            let one = try await client.call(.get, "\(Self.slurm)/job/20+1", world.alice)
            #expect(try one.json["jobs"]?.array?.compactMap { $0["job_id"]?.integer() } == [21])
            // 22 follows them and is none.
            for method in [HTTPRequest.Method.get, .delete] {
                try await client.expect(.notFound, method, "\(Self.slurm)/job/20+2", world.alice)
            }
            try await client.expect(.notImplemented, .post, "\(Self.slurm)/job/20+1", world.alice, body: "{}")
            try await client.expect(.ok, .delete, "\(Self.slurm)/job/20+1", world.alice)
            #expect(world.queue.now.cancels == ["20+1 -"])
        }
        try await withWorld(Self.world(jobs)) { world, client in
            try await client.expect(
                .ok, .delete, "\(Self.slurm)/jobs", world.alice, body: #"{"partition": "debug"}"#)
            #expect(Set(world.queue.now.cancels) == ["20+0 -", "20+1 -", "22 22"])
        }
    }

    /// As it is shown before the queue is read again: what was ended, and nothing beside it.
    @Test(arguments: [
        ("5_0", ["5_0 CANCELLED", "5_1 RUNNING", "5_2 PENDING", "5_3 PENDING", "5_4 PENDING"]),
        ("5_1", ["5_0 RUNNING", "5_1 CANCELLED", "5_2 PENDING", "5_3 PENDING", "5_4 PENDING"]),
        ("5_3", ["5_0 RUNNING", "5_1 RUNNING", "5_2 PENDING", "5_4 PENDING"]),
        ("5", ["5_0 CANCELLED", "5_1 CANCELLED", "5_2 CANCELLED", "5_3 CANCELLED", "5_4 CANCELLED"]),
    ])
    func whatWasEndedShowsAtOnce(job: String, shown: [String]) async throws {
        try await withWorld(Self.world()) { world, client in
            try await Self.unread(world) {
                try await client.expect(.ok, .delete, "\(Self.slurm)/job/\(job)", world.alice)
                #expect(try await Self.states(client, world) == shown)
            }
        }
    }

    @Test func partsThatWereEndedShowAtOnce() async throws {
        try await withWorld(Self.world()) { world, client in
            try await Self.unread(world) {
                try await client.expect(
                    .ok, .delete, "\(Self.slurm)/jobs", world.alice, body: #"{"job_state": ["PENDING"]}"#)
                let waiting = ["5_2 CANCELLED", "5_3 CANCELLED", "5_4 CANCELLED"]
                #expect(try await Self.states(client, world) == ["5_0 RUNNING", "5_1 RUNNING"] + waiting)
                // Of what is ended later nothing is taken back.
                try await client.expect(.ok, .delete, "\(Self.slurm)/job/5", world.alice)
                #expect(try await Self.states(client, world) == ["5_0 CANCELLED", "5_1 CANCELLED"] + waiting)
            }
        }
        let jobs = (0..<3).map { makeComponent($0, of: 20, Self.alice) }
        try await withWorld(Self.world(jobs)) { world, client in
            try await Self.unread(world) {
                try await client.expect(.ok, .delete, "\(Self.slurm)/job/20+1", world.alice)
                #expect(try await Self.states(client, world) == ["20 PENDING", "21 CANCELLED", "22 PENDING"])
                try await client.expect(.ok, .delete, "\(Self.slurm)/job/20", world.alice)
                #expect(try await Self.states(client, world) == ["20 CANCELLED", "21 CANCELLED", "22 CANCELLED"])
            }
        }
    }

    /// What Slurm says afterwards is shown as it says it.
    @Test func slurmsWordAfterTheEndIsShown() async throws {
        try await withWorld(Self.world([makeTask(5, of: 5, "5_[0-1]", Self.alice)])) { world, client in
            try await Self.unread(world) {
                let keeper = world.cluster.keeper
                let task = Self.running(makeTask(6, of: 5, "5_1", Self.alice))
                let theirs = Self.running(makeTask(7, of: 5, "5_9", Self.bob))
                keeper.showEnded(
                    JobTarget(job: JobID(rawValue: 5)!, part: .task(1)), of: Self.alice,  // a small number
                    told: [makeTask(5, of: 5, "5_0", Self.alice), task, theirs])
                let shown = try await Self.states(client, world)
                #expect(shown == ["5_0 PENDING", "5_1 CANCELLED"])
                #expect(keeper.snapshot.records(JobID(rawValue: 5)!).map(\.id.rawValue) == [5, 6])  // a small number
                #expect(keeper.snapshot.jobs.map(\.id.rawValue) == [5, 6])
            }
        }
    }

    /// While no read of the queue is heard of.
    private static func unread(_ world: World, _ body: () async throws -> Void) async throws {
        let latch = Latch()
        world.queue.change { $0.blocksReads = latch }
        defer {
            world.queue.change { $0.blocksReads = nil }
            latch.open()
        }
        try await body()
    }

    /// Of Alice's jobs, as `/jobs/state` names them.
    private static func states(_ client: any TestClientProtocol, _ world: World) async throws -> [String] {
        let answer = try await client.call(.get, "\(slurm)/jobs/state", world.alice)
        return (try answer.json["jobs"]?.array ?? []).map { job in
            "\(job["job_id"]?.string ?? "") \(job["state"]?.array?.first?.string ?? "")"
        }.sorted()
    }

    /// Numbers are given again: what counts is whose job it is now, not whose it was when the queue was read.
    @Test(arguments: ["/v1/clusters/demo/jobs/1", "/slurm/v0.0.42/job/1"])
    func slurmIsAskedWhoseJobItIs(path: String) async throws {
        try await withWorld(Self.world([makeJob(1, Self.alice)])) { world, client in
            let latch = Latch()
            world.queue.change { $0.blocksReads = latch }
            defer {
                world.queue.change { $0.blocksReads = nil }
                latch.open()
            }
            world.queue.change { $0.jobs = [makeJob(1, Self.bob)] }
            try await client.expect(.notFound, .delete, path, world.alice)
            #expect(world.queue.now.cancelled.isEmpty && world.signer.now.minted.isEmpty)
        }
    }

    /// A filter holds for the job as it is when it is ended.
    @Test func whatDoesNotMatchAnyMoreIsLeftAlone() async throws {
        try await withWorld(Self.world([makeJob(1, Self.alice)])) { world, client in
            let latch = Latch()
            world.queue.change { $0.blocksReads = latch }
            defer {
                world.queue.change { $0.blocksReads = nil }
                latch.open()
            }
            world.queue.change { $0.jobs = [Self.running(makeJob(1, Self.alice))] }
            let answer = try await client.call(
                .delete, "\(Self.slurm)/jobs", world.alice, body: #"{"jobs": ["1"], "job_state": ["PENDING"]}"#)
            #expect(answer.status == .ok && world.queue.now.cancelled.isEmpty)
        }
    }

    /// A list costs what its jobs cost one by one.
    @Test func everyJobOfAListCounts() async throws {
        var settings = Self.world((1...9).map { makeJob(UInt32($0), Self.alice) })
        settings.rates.requestsPerMinute = 20
        try await withWorld(settings) { world, client in
            let path = "\(Self.slurm)/jobs"
            func list(_ count: Int) -> String {
                #"{"jobs": [\#((1...count).map { "\"\($0)\"" }.joined(separator: ","))]}"#
            }
            // Nine of the ten that may come at once.
            try await client.expect(.ok, .delete, path, world.alice, body: #"{"user_name": "alice"}"#)
            #expect(world.queue.now.cancelled.count == 9)
            var last = try await client.call(.delete, path, world.alice, body: list(9))
            for _ in 0..<50 where !last.text.contains("count as 9 requests") {
                last = try await client.call(.delete, path, world.alice, body: list(9))
            }
            #expect(last.status == .tooManyRequests && last.text.contains("count as 9 requests"))
            #expect(last.headers[.retryAfter].flatMap { Int($0) } ?? 0 > 1)
            #expect(try last.slurmError == 1804)
            // More than may ever come at once; another has places of their own.
            let long = try await client.call(.delete, path, world.bob, body: list(11))
            #expect(long.status == .contentTooLarge && long.text.contains("10 may come at once"), "\(long.text)")
        }
    }

    @Test func aListIsBounded() async throws {
        try await withWorld(Self.world()) { world, client in
            for jobs in [(1...1001).map { "\"\($0)\"" }.joined(separator: ","), #""5_[0-1000]""#] {
                let answer = try await client.call(
                    .delete, "\(Self.slurm)/jobs", world.alice, body: #"{"jobs": [\#(jobs)]}"#)
                #expect(answer.status == .contentTooLarge && answer.text.contains("1000"), "\(answer.text)")
            }
            #expect(world.queue.now.cancelled.isEmpty)
        }
    }

    /// However many requests somebody may make.
    @Test(arguments: [#"{"user_name": "alice"}"#, #"{"job_state": ["RUNNING"]}"#])
    func whatIsFoundIsBounded(body: String) async throws {
        let settings = Self.world((1...1001).map { Self.running(makeJob(UInt32($0), Self.alice)) })
        try await withWorld(settings) { world, client in
            let answer = try await client.call(.delete, "\(Self.slurm)/jobs", world.alice, body: body)
            #expect(answer.status == .contentTooLarge && answer.text.contains("more than 1000 jobs"), "\(answer.text)")
            #expect(world.queue.now.cancelled.isEmpty)
        }
    }

    /// What a list ends at the same time counts among what a person has under way.
    @Test func aListTakesThePlacesOfRequests() async throws {
        var settings = Self.world((1...6).map { makeJob(UInt32($0), Self.alice) })
        settings.rates.concurrentRequests = 3
        try await withWorld(settings) { world, client in
            let latch = Latch()
            world.queue.change { $0.blocksCancels = latch }
            try await withThrowingTaskGroup(of: HTTPResponse.Status.self) { group in
                defer { latch.open() }
                group.addTask {
                    try await client.call(
                        .delete, "\(Self.slurm)/jobs", world.alice, body: #"{"user_name": "alice"}"#
                    ).status
                }
                try await eventually("three are ended") { world.queue.now.cancelled.count >= 3 }
                let other = try await client.call(.get, "/v1/me", world.alice)
                #expect(other.status == .tooManyRequests)
                try await client.expect(.ok, .get, "/v1/me", world.bob)
                #expect(world.queue.now.cancelled.count == 3)
                latch.open()
                for try await status in group { #expect(status == .ok) }
            }
            #expect(world.queue.now.cancelled.count == 6)
            try await client.expect(.ok, .get, "/v1/me", world.alice)
        }
    }

    /// In a list as alone, and here as under /v1: the same counter, and of what policy refuses the same event.
    @Test func refusalsLeaveWhatTheyLeaveUnderV1() async throws {
        try await withWorld(Self.world()) { world, client in
            func refused(_ code: String) -> Int {
                let line = world.server.dependencies.metrics.render().split(separator: "\n")
                    .first { $0.hasPrefix("sallyport_refusals_total{code=\"\(code)\"}") }
                return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
            }
            let calls: [(HTTPRequest.Method, String, String?)] = [
                (.delete, "/v1/clusters/demo/jobs/2", nil), (.delete, "\(Self.slurm)/job/2", nil),
                (.delete, "\(Self.slurm)/jobs", #"{"jobs": ["2"]}"#),
                (.delete, "/clusters/nowhere/slurm/v0.0.42/job/2", nil),
            ]
            for (count, call) in calls.enumerated() {
                _ = try await client.call(call.0, call.1, world.alice, body: call.2)
                #expect(refused("not-found") == count + 1, "\(call.1)")
            }
            // Dana has a job and no rule.
            for (count, call) in calls.prefix(3).enumerated() {
                let body = call.2?.replacing("2", with: "3")
                let path = call.1.replacing("/2", with: "/3")
                _ = try await client.call(call.0, path, world.dana, body: body)
                let events = try await world.audit.page(AuditQuery(action: "job.cancel")).events
                #expect(events.count == count + 1 && refused("denied") == count + 1, "\(call.1)")
                let event = try #require(events.first)
                #expect(event.outcome == .refused && event.target == "3" && event.actor == events.last?.actor)
                #expect(event.details == events.last?.details && event.request != events.last?.request || count == 0)
            }
            #expect(world.queue.now.cancelled.isEmpty)
        }
    }

    @Test func aCancelIsRecordedAsItIsSpelled() async throws {
        try await withWorld(Self.world()) { world, client in
            try await client.expect(
                .ok, .delete, "\(Self.slurm)/job/5_1?signal=USR1&flags=BATCH_JOB", world.alice)
            let event = try #require(try await world.audit.page(AuditQuery(action: "job.cancel")).events.first)
            #expect(event.target == "5_1" && event.outcome == .allowed)
            #expect(event.details.map { "\($0.name)=\($0.value)" } == ["signal=USR1", "flags=BATCH_JOB"])
        }
    }
}
