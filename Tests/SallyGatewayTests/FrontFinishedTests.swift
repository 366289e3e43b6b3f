// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SallyModel
import SlurmClient
import SlurmModel
import StrictJSON
import Testing

@testable import SallyGateway

/// The filters of jobs in accounting, of arrays, heterogeneous jobs and steps too.
@Suite struct FrontFinishedTests {
    private static let alice = UserName(unchecked: "alice")
    private static let path = "/slurmdb/v0.0.42/jobs"

    private static func job(
        _ id: Int, _ name: String, _ state: String, array: (job: Int, task: Int64?)? = nil,
        whole: (job: Int, offset: Int64)? = nil, steps: [String] = ["batch", "0"]
    ) -> SlurmRecord? {
        let listed = steps.map { name -> JSONValue in
            ["step": ["id": .string("\(id).\(name)"), "name": .string(name)]]
        }
        return SlurmRecord(
            [
                "job_id": .integer(id), "name": .string(name), "user": "alice", "cluster": "demo",
                "state": ["current": [.string(state)], "reason": "None"],
                "array": ["job_id": .integer(array?.job ?? 0), "task_id": .quantity(array?.task)],
                "het": ["job_id": .integer(whole?.job ?? 0), "job_offset": .quantity(whole?.offset)],
                "steps": .array(listed),
            ], noun: .accountingJob, version: APIVersion(rawValue: 42))
    }

    /// Task 1 of the array has the array's own number, as the last one gets it.
    private static var settings: WorldSettings {
        let records = [
            job(1, "plain", "COMPLETED"), job(2, "failed", "FAILED"), job(3, "memory", "OUT_OF_MEMORY"),
            job(11, "task 0", "FAILED", array: (10, 0)), job(10, "task 1", "TIMEOUT", array: (10, 1)),
            job(12, "rest", "PENDING", array: (10, nil), steps: []),
            job(30, "first", "COMPLETED", whole: (30, 0)), job(31, "second", "CANCELLED", whole: (30, 1)),
        ].compactMap { $0 }
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change { $0.records[.jobs(of: alice, since: Timestamp(0))] = records }
        }
        return settings
    }

    private static func names(_ answer: TestResponse) throws -> [String] {
        (try answer.json["jobs"]?.array ?? []).compactMap { $0["name"]?.string }
    }

    /// By job: `NAME: STEP STEP`.
    private static func steps(_ answer: TestResponse) throws -> [String] {
        (try answer.json["jobs"]?.array ?? []).map { job in
            let steps = (job["steps"]?.array ?? []).compactMap { $0["step"]?["name"]?.string }
            return "\(job["name"]?.string ?? ""): \(steps.joined(separator: " "))"
        }
    }

    /// A number is the job's own, its array's or its heterogeneous job's; a part is found by its name alone.
    @Test(arguments: [
        ("1", ["plain"]), ("2,1", ["plain", "failed"]), ("10", ["task 0", "task 1", "rest"]), ("10_0", ["task 0"]),
        ("10_1", ["task 1"]), ("10_2", []), ("11", ["task 0"]), ("11_0", []), ("30", ["first", "second"]),
        ("30+1", ["second"]), ("31", ["second"]), ("31+1", []), ("30+2", []), ("1_0", []), ("99", []),
        ("10_1,30+0,1", ["plain", "task 1", "first"]),
    ])
    func jobsAreFoundAsSlurmFindsThem(step: String, wanted: [String]) async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(.get, Self.path, world.alice, body: #"{"step": "\#(step)"}"#)
            #expect(answer.status == .ok)
            #expect(try Self.names(answer) == wanted, "\(answer.text)")
        }
    }

    @Test(arguments: frontVersions)
    func aStepIsListedByItself(version: String) async throws {
        try await withWorld(Self.settings) { world, client in
            for (step, wanted) in [
                ("1", ["plain: batch 0"]), ("1.0", ["plain: 0"]), ("1.batch", ["plain: batch"]), ("1.00", ["plain: 0"]),
                ("1.7", ["plain: "]), ("1.extern", ["plain: "]), ("1.0,1.batch", ["plain: batch 0"]),
                ("1.0,1", ["plain: batch 0"]), ("1,1.0", ["plain: batch 0"]), ("10_0.batch", ["task 0: batch"]),
                ("10.0", ["task 0: 0", "task 1: 0", "rest: "]),
                ("10.0,10_1", ["task 0: 0", "task 1: batch 0", "rest: "]),
                ("30+1.0", ["second: 0"]), ("1.0,2", ["plain: 0", "failed: batch 0"]),
            ] {
                let answer = try await client.call(
                    .get, "/slurmdb/\(version)/jobs", world.alice, body: #"{"step": "\#(step)"}"#)
                #expect(try Self.steps(answer) == wanted, "\(step): \(answer.text)")
            }
            let skipped = try await client.call(
                .get, "/slurmdb/\(version)/jobs?step=1.0&skip_steps=true", world.alice)
            #expect(try Self.steps(skipped) == ["plain: "])
        }
    }

    @Test(arguments: [
        "x", "1.", ".0", "1.x", "1.0.0", "1.-1", "1.+1", "1.Batch", "1_", "1_x.0", "1+.0", "1.99999999999", "0.0",
    ])
    func whatIsNoStepIsRefused(step: String) async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(.get, Self.path, world.alice, body: #"{"step": "\#(step)"}"#)
            #expect(answer.status == .badRequest, "\(answer.text)")
            #expect(answer.text.contains("is not valid") && answer.text.contains("NUMBER_TASK"))
        }
    }

    /// In full, as squeue(1) shortens them, and by number.
    @Test(arguments: [
        ("FAILED", ["failed", "task 0"]), ("f", ["failed", "task 0"]), ("OOM", ["memory"]), ("TO", ["task 1"]),
        ("PD", ["rest"]), ("ca,oom", ["memory", "second"]), ("COMPLETED,TIMEOUT", ["plain", "task 1", "first"]),
        ("NODE_FAIL", []), ("CG", []), ("11,0", ["memory", "rest"]), ("5", ["failed", "task 0"]), ("1", []),
    ])
    func statesAreTakenInFullAndShort(state: String, wanted: [String]) async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(.get, "\(Self.path)?state=\(state)", world.alice)
            #expect(try Self.names(answer) == wanted, "\(answer.text)")
            let both = try await client.call(.get, "\(Self.path)?state=\(state)&step=10", world.alice)
            #expect(try Self.names(both) == wanted.filter { ["task 0", "task 1", "rest"].contains($0) })
        }
    }

    @Test(arguments: ["RUNNNING", "FAILED,nosuch", "X", "12", "-1", "+1", "FAILED|TIMEOUT"])
    func whatIsNoStateIsRefused(state: String) async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(.get, Self.path, world.alice, body: #"{"state": "\#(state)"}"#)
            #expect(answer.status == .badRequest, "\(answer.text)")
            #expect(try answer.slurmError == 9001)
            #expect(answer.text.contains("is not valid") && answer.text.contains("squeue"))
        }
    }

    @Test(
        arguments: [("5.batch", "batch"), ("5.0", "0"), ("5.0+1", "0"), ("20+1.0", "0"), ("5", nil), ("", nil)]
            as [(String, String?)])
    func aStepsIDSaysWhichItIs(id: String, name: String?) {
        #expect(FrontStep.name(inID: id) == name)
    }

    /// Slurm's own words, each for one state.
    @Test func shortWordsAreOfKnownStates() throws {
        for word in ["PD", "R", "S", "CD", "CA", "F", "TO", "NF", "PR", "BF", "DL", "OOM", "CF", "CG", "RQ", "RS"] {
            let state = try #require(JobState(short: word))
            #expect(JobState(state.description) == state && JobState(short: word.lowercased()) == state)
        }
        #expect(JobState(short: "PENDING") == nil && JobState(short: "") == nil)
        #expect(JobState(number: 12) == nil && JobState(number: -1) == nil)
        let numbered = (0..<12).compactMap { JobState(number: $0)?.description }
        #expect(Set(numbered) == JobFilter.baseStates && numbered[3] == "COMPLETED" && numbered[9] == "BOOT_FAIL")
    }
}
