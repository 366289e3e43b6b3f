// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SallyModel
import StrictJSON
import Testing

@testable import SallyGateway

/// Tasks of arrays and components of heterogeneous jobs, found by their names in the queue.
@Suite struct FrontPartTests {
    private static let alice = UserName(unchecked: "alice")
    private static let bob = UserName(unchecked: "bob")
    private static let slurm = "/slurm/v0.0.42"

    private static func world(_ jobs: [QueuedJob]) -> WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in queue.change { $0.jobs = jobs } }
        return settings
    }

    private static func ids(_ answer: TestResponse) throws -> [Int] {
        (try answer.json["jobs"]?.array ?? []).compactMap { $0["job_id"]?.integer() }
    }

    /// Of the array task 0 has ended and is forgotten, 1 to 3 wait, and there never were others.
    private static let array = [makeTask(5, of: 5, "5_[1-3%2]", alice), makeJob(6, alice), makeJob(7, bob)]

    @Test(arguments: frontVersions)
    func aTaskThatEndedOrNeverWasIsMissing(version: String) async throws {
        try await withWorld(Self.world(Self.array)) { world, client in
            for (task, index) in [("5_0", 0), ("5_99", 99), ("5_4", 4), ("6_1", 1)] {
                let answer = try await client.call(.get, "/slurm/\(version)/job/\(task)", world.alice)
                #expect(answer.status == .notFound, "\(task): \(answer.text)")
                #expect(try answer.slurmError == 2017)
                #expect(answer.text.contains("has no task \(index) in the queue"), "\(answer.text)")
            }
            for task in ["5_1", "5_2", "5_3"] {
                let answer = try await client.call(.get, "/slurm/\(version)/job/\(task)", world.alice)
                #expect(try Self.ids(answer) == [5], "\(task): \(answer.text)")
                #expect(try answer.json["warnings"]?.array?.count == 1)
            }
        }
    }

    /// Somebody else hears of no task, whether there is one or not.
    @Test func anothersTaskIsLikeAMissingJob() async throws {
        try await withWorld(Self.world(Self.array)) { world, client in
            let none = try await client.call(.get, "\(Self.slurm)/job/9_1", world.bob)
            #expect(none.status == .notFound)
            for task in ["5_1", "5_99"] {
                let answer = try await client.call(.get, "\(Self.slurm)/job/\(task)", world.bob)
                #expect(answer.status == .notFound)
                #expect(answer.text.replacing("job 5", with: "job N") == none.text.replacing("job 9", with: "job N"))
            }
        }
    }

    /// Slurm's list of what waits may be cut short: the task may be one of them, and that it is nobody says.
    @Test func whereTheListIsCutShortTheAnswerSaysSo() async throws {
        let jobs = [makeTask(5, of: 5, "5_[1,3,5,...]", Self.alice)]
        try await withWorld(Self.world(jobs)) { world, client in
            let answer = try await client.call(.get, "\(Self.slurm)/job/5_99", world.alice)
            #expect(try Self.ids(answer) == [5])
            let warnings = (try answer.json["warnings"]?.array ?? []).compactMap { $0["description"]?.string }
            #expect(warnings.count == 1 && warnings[0].contains("is not known"), "\(warnings)")
        }
    }

    /// Component 0 has the job's own number; 23 follows the last one and is none.
    private static let components = (0..<3).map { makeComponent($0, of: 20, alice) } + [makeJob(23, alice)]

    @Test(arguments: frontVersions)
    func aHeterogeneousJobIsAllItsComponents(version: String) async throws {
        try await withWorld(Self.world(Self.components)) { world, client in
            for (job, wanted) in [("20", [20, 21, 22]), ("20+0", [20]), ("20+2", [22]), ("21", [21]), ("23", [23])] {
                let answer = try await client.call(.get, "/slurm/\(version)/job/\(job)", world.alice)
                #expect(try Self.ids(answer) == wanted, "\(job): \(answer.text)")
            }
            let missing = try await client.call(.get, "/slurm/\(version)/job/20+3", world.alice)
            #expect(missing.status == .notFound && missing.text.contains("has no component 3 in the queue"))
            #expect(try missing.slurmError == 2017)
            let other = try await client.call(.get, "/slurm/\(version)/job/20", world.bob)
            #expect(other.status == .notFound && other.text.contains("you have no job 20"))
        }
    }

    /// Each once, under however many names.
    @Test(arguments: [
        ("20", ["20", "21", "22"]), ("20,20+1,21", ["20", "21", "22"]), ("20+1,20", ["21", "20", "22"]),
        ("20+1,21", ["21"]), ("23,20+2", ["23", "22"]),
    ])
    func statesOfComponentsAreListedOnce(asked: String, wanted: [String]) async throws {
        try await withWorld(Self.world(Self.components)) { world, client in
            let answer = try await client.call(
                .get, "\(Self.slurm)/jobs/state", world.alice, body: #"{"job_id": "\#(asked)"}"#)
            #expect(try answer.json["jobs"]?.array?.compactMap { $0["job_id"]?.string } == wanted, "\(answer.text)")
        }
    }

    /// What we ended ourselves and no read has seen yet shows with the rest of the job.
    @Test func aComponentThatWasEndedStaysOfItsJob() async throws {
        try await withWorld(Self.world(Self.components)) { world, client in
            let latch = Latch()
            world.queue.change { $0.blocksReads = latch }
            defer {
                world.queue.change { $0.blocksReads = nil }
                latch.open()
            }
            try await client.expect(.ok, .delete, "\(Self.slurm)/job/20+1", world.alice)
            let answer = try await client.call(.get, "\(Self.slurm)/job/20", world.alice)
            let states = (try answer.json["jobs"]?.array ?? []).compactMap { $0["job_state"]?.array?.first?.string }
            #expect(states == ["PENDING", "CANCELLED", "PENDING"], "\(answer.text)")
        }
    }

    /// A list with a filter looks at every component, and at one by its name.
    @Test(arguments: [
        (["20"], ["20+0", "20+1", "20+2"]), (["20+1"], ["20+1"]), (["23", "20+2"], ["20+2", "23"]),
    ])
    func aFilteredListEndsComponents(jobs: [String], ended: [String]) async throws {
        try await withWorld(Self.world(Self.components)) { world, client in
            let names = jobs.map { "\"\($0)\"" }.joined(separator: ",")
            let answer = try await client.call(
                .delete, "\(Self.slurm)/jobs", world.alice, body: #"{"jobs": [\#(names)], "partition": "debug"}"#)
            #expect(answer.status == .ok)
            #expect(try answer.json["status"]?.array?.isEmpty == true, "\(answer.text)")
            let cancels = world.queue.now.cancels.map { String($0.prefix { $0 != " " }) }
            #expect(cancels.sorted() == ended)
        }
    }
}
