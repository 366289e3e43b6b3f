// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SallyKeepProtocol
import SallyModel
import SallyWire
import SlurmModel
import Testing

@testable import SallyGateway

/// What lists show as an id is taken where one job is shown, or its output is.
@Suite struct JobNameTests {
    private static let path = "/v1/clusters/demo/jobs"
    private static let alice = UserName(unchecked: "alice")
    private static let bob = UserName(unchecked: "bob")

    private static func task(
        _ id: UInt32, of array: UInt32, _ displayID: String, _ owner: UserName, state: String
    ) -> QueuedJob {
        var job = makeTask(id, of: array, displayID, owner)
        job.view.states = [state]
        return job
    }

    /// As accounting tells of it.
    private static func ended(_ offset: UInt32, of first: UInt32) -> QueuedJob {
        var record = SlurmRecord(.accountingJob, version: APIVersion(rawValue: 42))
        record["job_id"] = .integer(Int64(first + offset))
        record["het.job_id"] = .integer(Int64(first))
        record["het.job_offset"] = .integer(Int64(offset))
        let job = makeJob(first + offset, alice, state: "COMPLETED")
        return QueuedJob(view: job.view, owner: alice, array: nil, marker: nil, record: record.packed)
    }

    /// Of Alice: array 5, of which 5_0 and 5_7 have left the queue; array 30, of which nothing waits; a heterogeneous job, and one
    /// that has ended; array 50, of which nothing is left. Of Bob: array 6.
    private static var settings: WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in
            let tasks = [
                task(8, of: 5, "5_1", alice, state: "RUNNING"), makeTask(5, of: 5, "5_[2-4%2]", alice),
                task(30, of: 30, "30_12", alice, state: "RUNNING"), task(32, of: 30, "30_9", alice, state: "RUNNING"),
                task(31, of: 30, "30_10", alice, state: "RUNNING"), makeTask(6, of: 6, "6_[3-4]", bob),
                task(7, of: 6, "6_1", bob, state: "RUNNING"),
            ]
            let jobs = tasks + (0..<2).map { makeComponent($0, of: 20, alice) }
            let finished = [
                task(9, of: 5, "5_0", alice, state: "COMPLETED"), task(10, of: 5, "5_7", alice, state: "FAILED"),
                task(11, of: 6, "6_0", bob, state: "COMPLETED"), ended(0, of: 40), ended(1, of: 40),
                task(51, of: 50, "50_2", alice, state: "FAILED"), task(51, of: 50, "50_2", alice, state: "COMPLETED"),
                task(50, of: 50, "50_3", alice, state: "COMPLETED"),
            ]
            queue.change { state in
                state.jobs = jobs
                state.finished = finished
            }
        }
        return settings
    }

    /// A number, a task by itself or among those that wait, a component, what waits by its own name; what is gone comes from
    /// accounting. Of an array's number what waits, or else the lowest task.
    @Test(
        arguments: [
            ("5_1", "5_1", 8), ("005_1", "5_1", 8), ("8", "5_1", 8), ("5_3", "5_[2-4%2]", 5),
            ("5_%5B2-4%252%5D", "5_[2-4%2]", 5), ("5_%5b2-4%252%5d", "5_[2-4%2]", 5), ("5_[2-4%252]", "5_[2-4%2]", 5),
            ("5", "5_[2-4%2]", 5), ("30", "30_9", 32), ("20", "20", 20), ("20+0", "20", 20), ("20+1", "21", 21),
            ("21", "21", 21),
        ] as [(String, String, UInt32)])
    func whatTheQueueHasIsShown(name: String, id: String, number: UInt32) async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(.get, "\(Self.path)/\(name)", world.alice)
            let view = try answer.decode(JobView.self)
            #expect(view.displayID == id && view.job.rawValue == number, "\(answer.text)")
            #expect(answer.headers[.age] != nil && world.queue.now.accountingReads == 0)
        }
    }

    @Test(
        arguments: [
            ("5_0", "5_0", 9, "COMPLETED"), ("9", "5_0", 9, "COMPLETED"), ("5_7", "5_7", 10, "FAILED"),
            ("40+1", "41", 41, "COMPLETED"), ("40", "40", 40, "COMPLETED"), ("50", "50_2", 51, "COMPLETED"),
            ("50_3", "50_3", 50, "COMPLETED"),
        ] as [(String, String, UInt32, String)])
    func whatAccountingHasIsShown(name: String, id: String, number: UInt32, state: String) async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(.get, "\(Self.path)/\(name)", world.alice)
            let view = try answer.decode(JobView.self)
            #expect(view.displayID == id && view.job.rawValue == number && view.states == [state], "\(answer.text)")
            #expect(answer.headers[.age] == nil)
        }
    }

    /// What waits changes: a list of some moments ago is nobody's name any more.
    @Test(arguments: ["5_[2-4]", "5_[1-4%252]", "5_[3]", "50_[1-3]"])
    func whatIsSeveralIsListed(name: String) async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(.get, "\(Self.path)/\(name)", world.alice)
            #expect(answer.status == .conflict)
            let array = name.prefix { $0 != "_" }
            #expect(try answer.problem.hint?.contains("`jobs?array=\(array)`") == true, "\(answer.text)")
            #expect(try answer.problem.detail.contains("called \(name.replacing("%25", with: "%")) "), "\(answer.text)")
        }
    }

    /// Two records that Slurm cut short may both have a task.
    @Test func aTaskThatTwoMayHaveIsSeveral() async throws {
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change { state in
                state.jobs = [
                    makeTask(5, of: 5, "5_[1,3,5,...]", Self.alice), makeTask(6, of: 5, "5_[2,4,6,...]", Self.alice),
                ]
            }
        }
        try await withWorld(settings) { world, client in
            try await client.expect(.conflict, .get, "\(Self.path)/5_9", world.alice)
            let exact = try await client.call(.get, "\(Self.path)/5_[2,4,6,...]", world.alice).decode(JobView.self)
            #expect(exact.job.rawValue == 6)
        }
    }

    /// Somebody else's is missing in the same words as what is not there at all.
    @Test(arguments: [
        ("6_1", "99_1"), ("6_3", "99_3"), ("6_0", "99_0"), ("6_[3-4]", "99_[3-4]"), ("6_[3]", "99_[3]"), ("7", "99"),
        ("6", "99"), ("11", "99"),
    ])
    func anothersPartIsLikeAMissingOne(others: String, missing: String) async throws {
        try await withWorld(Self.settings) { world, client in
            for end in others.contains("[") ? [""] : ["", "/output"] {
                let other = try await client.call(.get, "\(Self.path)/\(others)\(end)", world.alice)
                let none = try await client.call(.get, "\(Self.path)/\(missing)\(end)", world.alice)
                #expect(other.status == .notFound && none.status == .notFound, "\(other.text)")
                #expect(
                    try other.problem.detail.replacing(others, with: "N")
                        == none.problem.detail.replacing(missing, with: "N"))
            }
            #expect(world.steward.now.read.isEmpty)
        }
    }

    @Test(arguments: ["5_8", "5_12", "20+2", "20+10", "8_1", "40+2", "21+0", "41+1"])
    func aPartThatIsNotThereIsMissing(name: String) async throws {
        try await withWorld(Self.settings) { world, client in
            for end in ["", "/output"] {
                let answer = try await client.call(.get, "\(Self.path)/\(name)\(end)", world.alice)
                #expect(answer.status == .notFound)
                #expect(try answer.problem.detail.contains("no job \(name) "), "\(answer.text)")
            }
        }
    }

    /// The steward is asked by the number of one job, and that is what is recorded.
    @Test(
        arguments: [
            ("5_1", 8), ("8", 8), ("5_0", 9), ("50_3", 50), ("20", 20), ("20+1", 21), ("40+1", 41),
        ] as [(String, UInt32)])
    func outputIsOfOneJob(name: String, number: UInt32) async throws {
        try await withWorld(Self.settings) { world, client in
            try await client.expect(.ok, .get, "\(Self.path)/\(name)/output", world.alice)
            #expect(world.steward.now.read.map(\.job.rawValue) == [number])
        }
    }

    /// All of an array is several, and a task has nothing to show before it starts.
    @Test(arguments: [
        ("5", "`jobs?array=5`"), ("30", "`jobs?array=30`"), ("5_3", "`sally job 5_3` says that it runs"),
    ])
    func outputOfSeveralIsNone(name: String, hint: String) async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(.get, "\(Self.path)/\(name)/output", world.alice)
            #expect(answer.status == .conflict)
            #expect(try answer.problem.hint?.contains(hint) == true, "\(answer.text)")
            #expect(world.steward.now.read.isEmpty)
        }
    }

    /// What has ended stays as it ended, however long Slurm is away; of any other the queue alone knows.
    @Test func whatHasEndedIsShownWhileTheQueueIsTooOld() async throws {
        var settings = Self.settings
        settings.staleLimit = .zero
        try await withWorld(settings) { world, client in
            _ = try await world.cluster.keeper.snapshot(readAfter: .now, within: .seconds(240))
            for name in ["5_0", "9", "40+1", "50"] {
                let answer = try await client.call(.get, "\(Self.path)/\(name)", world.alice)
                #expect(answer.status == .ok && answer.headers[.age] == nil, "\(name): \(answer.text)")
            }
            world.queue.change { $0.finished.append(makeJob(60, Self.alice, state: "RUNNING")) }
            // In the queue, not ended, several, another's, nowhere.
            for name in ["5_1", "5", "5_3", "60", "5_[3]", "6_1", "6_0", "11", "99"] {
                let answer = try await client.call(.get, "\(Self.path)/\(name)", world.alice)
                #expect(answer.status == .serviceUnavailable, "\(name): \(answer.text)")
                #expect(try answer.problem.detail.contains("too old to show"), "\(name)")
            }
            // A list without what lives would be a lie.
            try await client.expect(.serviceUnavailable, .get, "\(Self.path)?all=true", world.alice)
            world.queue.change { $0.accountingFailure = SallyError(.timeout, "no accounting today") }
            try await client.expect(.serviceUnavailable, .get, "\(Self.path)/51", world.alice)
        }
    }
}
