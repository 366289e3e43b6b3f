// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SallyKeepProtocol
import SallyModel
import SallyStore
import SallyTestSupport
import SallyWire
import SlurmModel
import StrictJSON
import Testing

@testable import SallyGateway

@Suite struct JobTests {
    private static let path = "/v1/clusters/demo/jobs"
    private static let alice = UserName(unchecked: "alice")
    private static let bob = UserName(unchecked: "bob")

    /// Alice has 1 and, finished, 3; Bob has 2 and, finished, 4.
    private static var settings: WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change {
                $0.jobs = [makeJob(1, alice), makeJob(2, bob)]
                $0.finished = [makeJob(3, alice, state: "COMPLETED"), makeJob(4, bob, state: "COMPLETED")]
            }
        }
        return settings
    }

    @Test func everybodySeesOwnJobsAlone() async throws {
        try await withWorld(Self.settings) { world, client in
            let own = try await client.call(.get, Self.path, world.alice).decode(JobList.self)
            #expect(own.jobs.map(\.job.rawValue) == [1])
            let all = try await client.call(.get, "\(Self.path)?all=true", world.alice).decode(JobList.self)
            #expect(all.jobs.map(\.job.rawValue) == [1, 3])
            let administrator = try await client.call(.get, Self.path, world.dana)
            #expect(administrator.status == .forbidden)
        }
    }

    @Test func anothersJobIsLikeAMissingOne() async throws {
        try await withWorld(Self.settings) { world, client in
            #expect(try await client.call(.get, "\(Self.path)/1", world.alice).decode(JobView.self).job.rawValue == 1)
            #expect(
                try await client.call(.get, "\(Self.path)/3", world.alice).decode(JobView.self).states == ["COMPLETED"])
            for (others, missing) in [(2, 9), (4, 9)] {
                let other = try await client.call(.get, "\(Self.path)/\(others)", world.alice)
                let none = try await client.call(.get, "\(Self.path)/\(missing)", world.alice)
                #expect(other.status == .notFound && none.status == .notFound)
                #expect(
                    try other.problem.detail.replacing("\(others)", with: "N")
                        == none.problem.detail.replacing("\(missing)", with: "N"))
            }
        }
    }

    /// One slurmdbd serves several clusters, whose jobs have the same numbers.
    @Test func whatRanOnAnotherClusterIsNotShown() async throws {
        try await withWorld(Self.settings) { world, client in
            world.queue.change { $0.finishedElsewhere = [makeJob(8, Self.alice, state: "FAILED")] }
            let all = try await client.call(.get, "\(Self.path)?all=true", world.alice).decode(JobList.self)
            #expect(all.jobs.map(\.job.rawValue) == [1, 3] && all.omitted == nil)
            try await client.expect(.notFound, .get, "\(Self.path)/8", world.alice)
        }
    }

    /// A list says how many it lacks, on every page; a job that was not read is not said to be none.
    @Test func whatWasTooLargeToBeReadIsSaid() async throws {
        try await withWorld(Self.settings) { world, client in
            world.queue.change { $0.passedOver = 2 }
            let own = try await client.call(.get, Self.path, world.alice)
            #expect(try own.decode(JobList.self).omitted == nil && !own.text.contains("omitted"))
            for query in ["?all=true", "?all=true&limit=1", "?all=true&limit=1&fields=id"] {
                let answer = try await client.call(.get, "\(Self.path)\(query)", world.alice).json
                #expect(answer["omitted"]?.integer() == 2, "\(query)")
            }
            try await client.expect(.ok, .get, "\(Self.path)/3", world.alice)
            let missing = try await client.call(.get, "\(Self.path)/9", world.alice)
            #expect(missing.status == .contentTooLarge)
            #expect(try missing.problem.detail.contains("too large"))
        }
    }

    /// The newest 1,000; the rest is counted.
    @Test func aLongHistoryIsCutAndSaysSo() async throws {
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change { $0.finished = (1...1003).map { makeJob($0, Self.alice, state: "COMPLETED") } }
        }
        try await withWorld(settings) { world, client in
            let all = try await client.call(.get, "\(Self.path)?all=true", world.alice).decode(JobList.self)
            #expect(all.jobs.count == 1000 && all.jobs.first?.job.rawValue == 4 && all.omitted == 3)
        }
    }

    @Test func cancelIsForOwnJobsAndConfirmed() async throws {
        try await withWorld(Self.settings) { world, client in
            try await client.expect(.notFound, .delete, "\(Self.path)/2", world.alice)
            #expect(world.queue.now.cancelled.isEmpty && world.signer.now.minted.isEmpty)
            try await client.expect(.noContent, .delete, "\(Self.path)/1", world.alice)
            #expect(world.queue.now.cancelled.map(\.rawValue) == [1])
            #expect(world.signer.now.minted.map(\.purpose) == [.cancel])
        }
    }

    /// Of an array of Alice's of which two tasks run, and a heterogeneous job.
    private static var parts: WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in
            var tasks = [makeTask(5, of: 5, "5_1", alice), makeTask(8, of: 5, "5_0", alice)]
            for place in tasks.indices { tasks[place].view.states = ["RUNNING"] }
            let rest = [makeTask(9, of: 5, "5_[2-4]", alice), makeJob(2, bob)]
            let jobs = tasks + rest + (0..<2).map { makeComponent($0, of: 20, alice) }
            queue.change { $0.jobs = jobs }
        }
        return settings
    }

    /// A part is judged as its job is, ended by itself, and recorded as it is spelled.
    @Test(arguments: ["5_1", "5_0", "5_3", "20+1"])
    func aPartIsEndedByItself(job: String) async throws {
        try await withWorld(Self.parts) { world, client in
            try await client.expect(.noContent, .delete, "\(Self.path)/\(job)", world.alice)
            #expect(world.queue.now.cancels.map { String($0.prefix { $0 != " " }) } == [job])
            let event = try #require(try await world.audit.page(AuditQuery(action: "job.cancel")).events.first)
            #expect(event.target == job && event.outcome == .allowed)
            try await client.expect(.notFound, .delete, "\(Self.path)/\(job)", world.bob)
            #expect(world.queue.now.cancels.count == 1)
        }
    }

    @Test(arguments: [
        ("5_7", "job 5 on cluster demo has no task 7"), ("20+2", "job 20 on cluster demo has no component 2"),
        ("2_0", "no job 2 "), ("99_1", "no job 99 "),
    ])
    func aPartThatIsNotThereIsNamed(job: String, words: String) async throws {
        try await withWorld(Self.parts) { world, client in
            let answer = try await client.call(.delete, "\(Self.path)/\(job)", world.alice)
            #expect(answer.status == .notFound)
            #expect(try answer.problem.detail.contains(words), "\(answer.text)")
            let hint = words.contains(" has no ") ? "lists what of it is in the queue" : "--all` lists yours"
            #expect(try answer.problem.hint?.hasSuffix(hint) == true, "\(answer.text)")
            #expect(world.queue.now.cancelled.isEmpty && world.signer.now.minted.isEmpty)
        }
    }

    @Test(arguments: ["5_x", "5_", "+1", "5_1_1", "5+1+1", "5_[1-2]", "5.0"])
    func whatIsNoPartNamesTheNotation(job: String) async throws {
        try await withWorld(Self.parts) { world, client in
            let answer = try await client.call(.delete, "\(Self.path)/\(job)", world.alice)
            #expect(answer.status == .badRequest)
            #expect(job.contains("[") || answer.text.contains("NUMBER_TASK, or NUMBER+COMPONENT"), "\(answer.text)")
        }
    }

    @Test func aSignalIsChecked() async throws {
        try await withWorld(Self.settings) { world, client in
            try await client.expect(.noContent, .delete, "\(Self.path)/1?signal=TERM", world.alice)
            try await client.expect(.badRequest, .delete, "\(Self.path)/1?signal=-9", world.alice)
        }
    }

    @Test func aFinishedJobIsNotCancelled() async throws {
        var settings = WorldSettings()
        settings.before = { queue in queue.change { $0.jobs = [makeJob(1, Self.alice, state: "COMPLETED")] } }
        try await withWorld(settings) { world, client in
            try await client.expect(.conflict, .delete, "\(Self.path)/1", world.alice)
        }
    }

    /// Whoever had it hears that it has ended; what parts it had nobody knows.
    @Test(
        arguments: [("3", .conflict), ("3_7", .conflict), ("4", .notFound), ("4_7", .notFound)]
            as [(String, HTTPResponse.Status)])
    func whatSlurmHasForgottenHasEnded(job: String, status: HTTPResponse.Status) async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(.delete, "\(Self.path)/\(job)", world.alice)
            #expect(answer.status == status)
            if status == .conflict {
                #expect(try answer.problem.hint == "`sally job \(job)` shows how it ended", "\(answer.text)")
            }
            #expect(world.queue.now.cancelled.isEmpty && world.signer.now.minted.isEmpty)
        }
    }

    @Test func outputIsForOwnJobs() async throws {
        try await withWorld(Self.settings) { world, client in
            try await client.expect(.notFound, .get, "\(Self.path)/2/output", world.alice)
            #expect(world.steward.now.read.isEmpty)
            let piece = try await client.call(.get, "\(Self.path)/1/output?stream=stderr", world.alice)
            let view = try piece.decode(OutputView.self)
            #expect(view.nextOffset == 6 && view.final)
            let asked = try #require(world.steward.now.read.first)
            #expect(asked.user == Self.alice && asked.stream == .standardError && asked.offset == 0)
        }
    }

    @Test func outputCanBeSwitchedOff() async throws {
        var settings = Self.settings
        settings.output = false
        try await withWorld(settings) { world, client in
            try await client.expect(.notImplemented, .get, "\(Self.path)/1/output", world.alice)
            #expect(world.steward.now.read.isEmpty)
        }
    }

    /// Files that hang keep the steward from nobody else.
    @Test func fourReadingsOfOutputAreUnderWayAtMost() async throws {
        try await withWorld(Self.settings) { world, client in
            let latch = Latch()
            world.steward.change { $0.holdsOutput = (first: 4, latch: latch) }
            defer { latch.open() }
            let path = "\(Self.path)/1/output"
            try await withThrowingTaskGroup(of: HTTPResponse.Status.self) { group in
                for _ in 0..<4 { group.addTask { try await client.call(.get, path, world.alice).status } }
                try await eventually("four are under way") { world.steward.now.read.count == 4 }
                let fifth = try await client.call(.get, path, world.alice)
                #expect(fifth.status == .tooManyRequests && fifth.headers[.retryAfter] != nil)
                let problem = try fifth.problem
                #expect(problem.code == .rateLimited && problem.hint != nil)
                try await client.expect(.ok, .get, "\(Self.path)/2/output", world.bob)
                try await client.expect(.ok, .get, "/v1/me", world.alice)
                latch.open()
                for try await status in group { #expect(status == .ok) }
            }
            try await client.expect(.ok, .get, path, world.alice)
        }
        let seats = OutputSeats(each: 2, all: 3)
        let held = try [1, 2, 3].map { try seats.take(PersonID(rawValue: $0)) }
        let error = #expect(throws: SallyError.self) { _ = try seats.take(PersonID(rawValue: 4)) }
        #expect(error?.code == .rateLimited && held.count == 3)
    }

    @Test func partitionsSayWhereOneMaySubmit() async throws {
        try await withWorld { world, client in
            let list = try await client.call(.get, "/v1/clusters/demo/partitions", world.alice).decode(
                PartitionList.self)
            #expect(list.partitions.map(\.name) == ["debug", "gpu"])
            #expect(list.partitions.map(\.allowed) == [true, false])
            try await client.expect(.ok, .get, "/v1/clusters/demo/nodes", world.alice)
        }
    }

    /// Nor where jobs may be handed on to a partition that is not allowed (slurm.conf(5), Alternate).
    @Test func whereJobsMayBeHandedOnToIsPartOfWhereOneMaySubmit() async throws {
        var settings = WorldSettings()
        settings.before = { queue in queue.change { $0.partitions[0].alternate = "gpu" } }
        try await withWorld(settings) { world, client in
            let list = try await client.call(.get, "/v1/clusters/demo/partitions", world.alice).decode(
                PartitionList.self)
            #expect(list.partitions.map(\.allowed) == [false, false])
            let refused = try await client.call(.post, Self.path, world.alice, body: goodJob)
            #expect(refused.text.contains("partition debug hands jobs on to gpu: "), "\(refused.text)")
            #expect(world.queue.now.submits.isEmpty)
        }
    }

    /// Whatever is shown of Slurm; what accounting says has no age.
    @Test func allThatIsStaleSaysSo() async throws {
        try await withWorld(Self.settings) { world, client in
            let paths = [Self.path, "\(Self.path)/1", "/v1/clusters/demo/partitions", "/v1/clusters/demo/nodes"]
            for path in paths {
                let fresh = try await client.call(.get, path, world.alice)
                #expect(fresh.status == .ok && fresh.headers[.stale] == nil, "\(path)")
                #expect(fresh.headers[.age].flatMap { Int($0) } != nil, "\(path)")
            }
            let ended = try await client.call(.get, "\(Self.path)/3", world.alice)
            #expect(ended.status == .ok && ended.headers[.age] == nil)
            world.queue.change { $0.failure = SallyError(.unavailable, "away") }
            await #expect(throws: SallyError.self) {
                try await world.cluster.keeper.snapshot(readAfter: .now, within: .seconds(240))
            }
            for path in paths {
                let stale = try await client.call(.get, path, world.alice)
                #expect(stale.status == .ok && stale.headers[.stale] == "true", "\(path)")
                #expect(stale.headers[.age].flatMap { Int($0) } != nil, "\(path)")
            }
        }
    }

    @Test func aClusterThatIsNotConfiguredIsNotFound() async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.get, "/v1/clusters/other/jobs", world.alice)
            #expect(answer.status == .notFound)
            #expect(try answer.problem.hint?.contains("demo") == true)
        }
    }
}
