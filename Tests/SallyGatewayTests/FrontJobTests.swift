// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SallyModel
import SallyWire
import SlurmModel
import StrictJSON
import Testing

@testable import SallyGateway

@Suite struct FrontJobTests {
    private static let alice = UserName(unchecked: "alice")
    private static let bob = UserName(unchecked: "bob")
    private static let slurm = "/slurm/v0.0.42"

    /// Alice has 1, the tasks of 5 and, finished, 6; Bob has 2.
    private static var settings: WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change {
                $0.jobs = [
                    recorded(makeJob(1, alice), "mine \(marker)"), recorded(makeJob(2, bob), "his"),
                    makeTask(5, of: 5, "5_[1-3%2]", alice), running(makeTask(7, of: 5, "5_0", alice)),
                    makeJob(6, alice, state: "COMPLETED"),
                ]
            }
        }
        return settings
    }

    private static func running(_ job: QueuedJob) -> QueuedJob {
        var job = job
        job.view.states = ["RUNNING"]
        return job
    }

    private static let marker = "sallyport:" + String(repeating: "a", count: 32)

    /// The job with all that a slurmrestd of v0.0.38 says of it.
    private static func recorded(_ job: QueuedJob, _ comment: String) -> QueuedJob {
        var record = SlurmRecord(.job, version: APIVersion(rawValue: 38))
        record["job_id"] = .integer(Int64(job.view.job.rawValue))
        record["user_name"] = .text(job.view.user)
        record["comment"] = .text(comment)
        record["job_state"] = .words(["RUNNING"])
        record["time_limit"] = .integer(7)
        record["show_flags"] = .words(["SHOW_ALL", "SHOW_DETAIL"])
        return QueuedJob(
            view: job.view, owner: job.owner, array: job.array, marker: job.marker, record: record.packed)
    }

    private static func ids(_ answer: TestResponse) throws -> [Int] {
        (try answer.json["jobs"]?.array ?? []).compactMap { $0["job_id"]?.integer() }
    }

    @Test(arguments: frontVersions)
    func everybodySeesOwnJobsAlone(version: String) async throws {
        try await withWorld(Self.settings) { world, client in
            let list = try await client.call(.get, "/slurm/\(version)/jobs/", world.alice)
            #expect(list.status == .ok)
            #expect(try Self.ids(list) == [1, 5, 6, 7])
            for job in try list.json["jobs"]?.array ?? [] {
                #expect(job["user_name"]?.string == "alice")
                #expect(job["job_state"]?.array?.isEmpty == false)
            }
            #expect(try Self.ids(try await client.call(.get, "/slurm/\(version)/jobs", world.bob)) == [2])
            #expect(try list.json["last_update"]?["set"]?.bool == true)
        }
    }

    @Test func anothersJobIsLikeAMissingOne() async throws {
        try await withWorld(Self.settings) { world, client in
            #expect(try Self.ids(try await client.call(.get, "\(Self.slurm)/job/1", world.alice)) == [1])
            for (path, method) in [("job", HTTPRequest.Method.get), ("job", .delete)] {
                let other = try await client.call(method, "\(Self.slurm)/\(path)/2", world.alice)
                let none = try await client.call(method, "\(Self.slurm)/\(path)/9", world.alice)
                #expect(other.status == .notFound && none.status == .notFound)
                #expect(try other.slurmError == 2017)
                #expect(other.text.replacing("job 2", with: "job N") == none.text.replacing("job 9", with: "job N"))
            }
            #expect(world.queue.now.cancelled.isEmpty)
        }
    }

    @Test(arguments: ["0", "x", "1_", "1_2_3", "1_x", "99999999999", "1+", "1+x", "1_2+3", "1.2", "-1"])
    func refusesWhatIsNoJob(id: String) async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(.get, "\(Self.slurm)/job/\(id)", world.alice)
            #expect(answer.status == .badRequest, "\(answer.text)")
        }
    }

    @Test func arraysAndTasks() async throws {
        try await withWorld(Self.settings) { world, client in
            #expect(try Self.ids(try await client.call(.get, "\(Self.slurm)/job/5", world.alice)) == [5, 7])
            #expect(try Self.ids(try await client.call(.get, "\(Self.slurm)/job/5_0", world.alice)) == [7])
            let waiting = try await client.call(.get, "\(Self.slurm)/job/5_2", world.alice)
            #expect(try Self.ids(waiting) == [5])
            #expect(try waiting.json["warnings"]?.array?.count == 1)
            let states = try await client.call(.get, "\(Self.slurm)/jobs/state/?job_id=5,2", world.alice).json
            #expect(states["jobs"]?.array?.compactMap { $0["job_id"]?.string } == ["5_1", "5_2", "5_3", "5_0"])
            let all = try await client.call(.get, "\(Self.slurm)/jobs/state", world.alice).json
            #expect(all["jobs"]?.array?.count == 6)
            let one = try await client.call(.get, "\(Self.slurm)/jobs/state?job_id=5_2,5_7,5_2", world.alice).json
            #expect(one["jobs"]?.array?.compactMap { $0["job_id"]?.string } == ["5_2"])
            try await client.expect(.ok, .delete, "\(Self.slurm)/job/5_2", world.alice)
            try await client.expect(.ok, .delete, "\(Self.slurm)/job/5_0", world.alice)
            #expect(world.queue.now.cancels == ["5_2 -", "5_0 7"])
        }
    }

    /// The record is Slurm's, the states are those that are known since, and our marker is nobody's to see.
    @Test func aJobIsItsWholeRecord() async throws {
        try await withWorld(Self.settings) { world, client in
            for version in frontVersions {
                let answer = try await client.call(.get, "/slurm/\(version)/job/1", world.alice)
                let job = try #require(try answer.json["jobs"]?.array?.first)
                #expect(job["comment"]?.string == "mine")
                #expect(job["time_limit"]?["number"]?.integer() == 7)
                #expect(job["job_state"]?.array?.compactMap(\.string) == ["PENDING"])
                #expect(!answer.text.contains(Self.marker))
                #expect(!answer.text.contains("SHOW_ALL"))
            }
        }
    }

    /// As under /v1, with a word for clients that look at nothing but the body.
    @Test(arguments: ["jobs", "job/1", "jobs/state", "jobs/state?job_id=1", "diag"])
    func whatIsStaleSaysSo(path: String) async throws {
        try await withWorld(Self.settings) { world, client in
            let fresh = try await client.call(.get, "\(Self.slurm)/\(path)", world.alice)
            #expect(fresh.status == .ok && fresh.headers[.stale] == nil)
            #expect(fresh.headers[.age].flatMap { Int($0) } != nil)
            #expect(try fresh.json["warnings"]?.array?.isEmpty == true)
            world.queue.change { $0.failure = SallyError(.unavailable, "cluster demo is away") }
            await #expect(throws: SallyError.self) {
                try await world.cluster.keeper.snapshot(readAfter: .now, within: .seconds(240))
            }
            let stale = try await client.call(.get, "\(Self.slurm)/\(path)", world.alice)
            #expect(stale.status == .ok && stale.headers[.stale] == "true")
            let age = try #require(stale.headers[.age])
            let warnings = try stale.json["warnings"]?.array ?? []
            #expect(warnings.count == 1 && warnings.first?["source"]?.string == "sallyport")
            #expect(
                warnings.first?["description"]?.string
                    == "this is what Slurm said \(age) seconds ago: cluster demo is away")
        }
    }

    /// At once, as far as we know it, and without our marker.
    @Test func anOwnSubmissionIsThereBeforeTheQueueIsRead() async throws {
        try await withWorld(Self.settings) { world, client in
            _ = try await client.call(.post, "\(Self.slurm)/job/submit", world.alice, body: frontJob)
            for path in ["jobs", "job/100"] {
                let answer = try await client.call(.get, "\(Self.slurm)/\(path)", world.alice)
                #expect(try Self.ids(answer).contains(100))
                #expect(!answer.text.contains("sallyport:"), "\(answer.text)")
            }
        }
    }

    @Test func cancelAndSignal() async throws {
        try await withWorld(Self.settings) { world, client in
            try await client.expect(.badRequest, .delete, "\(Self.slurm)/job/1?signal=rm%20-rf", world.alice)
            for (query, status) in [
                ("flags=BATCH_JOB", 400), ("signal=USR1&flags=HURRY", 501), ("signal=USR1&flags=BATCH_JOB,nosuch", 501),
                ("signal=0", 400), ("signal=65", 400), ("signal=NOSUCH", 400), ("signal=USR1&signal=USR1", 400),
            ] {
                let answer = try await client.call(.delete, "\(Self.slurm)/job/1?\(query)", world.alice)
                #expect(answer.status.code == status, "\(query): \(answer.text)")
            }
            #expect(world.queue.now.cancelled.isEmpty)
            try await client.expect(.ok, .delete, "\(Self.slurm)/job/1?signal=sigusr1&flags=full_job", world.alice)
            try await client.expect(.ok, .delete, "\(Self.slurm)/job/7/", world.alice, body: #"{"signal": 15}"#)
            #expect(world.queue.now.signals == ["USR1", "15"] && world.queue.now.flags == ["FULL_JOB"])
            let finished = try await client.call(.delete, "\(Self.slurm)/job/6", world.alice)
            #expect(finished.status == .conflict)
            #expect(try finished.slurmError == 2021)
        }
    }

    @Test func aListIsEndedJobByJob() async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(
                .delete, "\(Self.slurm)/jobs/", world.alice, body: #"{"jobs": ["1", 2, "6", "nonsense"]}"#)
            #expect(answer.status == .ok)
            let status = try answer.json["status"]?.array ?? []
            #expect(status.map { $0["step_id"]?.string } == ["2", "6", "nonsense"])
            #expect(status.map { $0["error"]?["code"]?.integer() } == [2017, 2021, 2017])
            #expect(world.queue.now.cancelled.map(\.rawValue) == [1])
        }
    }

    @Test func filtersEndOnlyOwnJobs() async throws {
        try await withWorld(Self.settings) { world, client in
            let path = "\(Self.slurm)/jobs/"
            for (body, status) in [
                ("{}", 400), (#"{"jobs": []}"#, 400), (#"{"user_name": "bob"}"#, 403), (#"{"user_id": "0"}"#, 403),
                (#"{"qos": "x"}"#, 501), (#"{"nosuch": "x"}"#, 400), (#"{"jobs": ["1"], "signal": "x y"}"#, 400),
                ("[]", 400), (#"{"partition": "elsewhere"}"#, 200), (#"{"job_state": ["TIMEOUT"]}"#, 200),
                (#"{"job_state": ["RUNNNING"]}"#, 400), (#"{"user_name": "alice", "flags": ["BATCH_JOB"]}"#, 400),
                (#"{"jobs": ["1"], "jobs": ["7"]}"#, 400),
            ] {
                let answer = try await client.call(.delete, path, world.alice, body: body)
                #expect(answer.status.code == status, "\(body): \(answer.text)")
            }
            #expect(world.queue.now.cancelled.isEmpty)
            let both = #"{"jobs": ["1"], "partition": "elsewhere"}"#
            try await client.expect(.ok, .delete, path, world.alice, body: both)
            #expect(world.queue.now.cancelled.isEmpty)
            try await client.expect(.ok, .delete, path, world.alice, body: #"{"user_name": "alice"}"#)
            let ended = world.queue.now.cancels.map { String($0.prefix { $0 != " " }) }
            #expect(ended.sorted() == ["1", "5_0", "5_[waiting]"])
        }
    }

    @Test func manyNamesOfJobsAreRefused() async throws {
        try await withWorld(Self.settings) { world, client in
            let path = "\(Self.slurm)/jobs/state"
            let once = try await client.call(.get, "\(path)?job_id=5", world.alice)
            let often = try await client.call(.get, "\(path)?job_id=5,5,5,05", world.alice)
            #expect(once.text == often.text)
            let most = (1...1000).map(String.init).joined(separator: ",")
            try await client.expect(.ok, .get, path, world.alice, body: #"{"job_id": "\#(most),1000,1"}"#)
            let more = try await client.call(.get, path, world.alice, body: #"{"job_id": "\#(most),1001"}"#)
            #expect(more.status == .badRequest && more.text.contains("job_id has more than 1000 values"))
            // Every list of a query is bounded.
            let names = try await client.call(
                .get, "/slurmdb/v0.0.42/jobs", world.alice, body: #"{"account": "\#(most),1001"}"#)
            #expect(names.status == .badRequest && names.text.contains("1000"))
        }
    }

    /// More than fit into one piece: written while it is sent, and the same.
    @Test func aLongListIsWhole() async throws {
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change { $0.jobs = (1...300).map { Self.recorded(makeJob(UInt32($0), Self.alice), "c") } }
        }
        try await withWorld(settings) { world, client in
            let list = try await client.call(.get, "\(Self.slurm)/jobs", world.alice)
            #expect(try Self.ids(list) == Array(1...300))
            #expect(try list.json["meta"]?["client"]?["user"]?.string == "alice")
            let states = try await client.call(.get, "\(Self.slurm)/jobs/state", world.alice)
            #expect(try states.json["jobs"]?.array?.count == 300)
        }
    }

    @Test func flagsOtherThanTheUsualAreRefused() async throws {
        try await withWorld(Self.settings) { world, client in
            try await client.expect(.ok, .get, "\(Self.slurm)/jobs?flags=DETAIL,ALL&update_time=17", world.alice)
            try await client.expect(.notImplemented, .get, "\(Self.slurm)/jobs?flags=FEDERATION", world.alice)
            try await client.expect(.badRequest, .get, "\(Self.slurm)/jobs?update_time=now", world.alice)
        }
    }

    @Test func diagCountsAndTellsNothingElse() async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(.get, "\(Self.slurm)/diag", world.alice).json
            #expect(answer["statistics"]?["jobs_pending"]?.integer() == 3)
            #expect(answer["statistics"]?["jobs_running"]?.integer() == 1)
            #expect(answer["statistics"]?["rpcs_by_user"] == nil)
        }
    }
}
