// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SlurmModel
import Testing

@testable import SlurmClient

/// A record that is larger than is read: of accounting it costs itself, of everything else half a list is none.
@Suite struct LargeRecordTests: ClientBench {
    private static let large = String(repeating: "s", count: SlurmClient.largestRecord)
    private static let skipped = "skip_steps=true&show_duplicates=true&disable_truncate_usage_time=true"

    /// Of alice; with its steps the second is too large, and where `isLarge` is, without them too.
    private static func jobs(steps: Bool, isLarge: Bool = false) -> String {
        let rows = (1...3).map { id in
            let steps = id == 2 && (steps || isLarge) ? #"[{"step":{"name":"\#(large)"}}]"# : "[]"
            return #"{"job_id":\#(id),"user":"alice","state":{"current":["COMPLETED"]},"steps":\#(steps)}"#
        }
        return #"{"jobs":[\#(rows.joined(separator: ","))],"errors":[]}"#
    }

    private func answers(isLarge: Bool = false) -> @Sendable (FakeSlurmrestd.Request, Int) -> FakeSlurmrestd.Answer {
        { request, _ in
            .reply(200, Self.jobs(steps: !request.line.contains("skip_steps"), isLarge: isLarge))
        }
    }

    @Test func aJobOfAccountingIsReadWithoutItsSteps() async throws {
        try await FakeSlurmrestd.with(answers()) { server in
            let alice = try UserName("alice")
            let found = try await withClient(server.path) {
                try await $0.records(.jobs(of: alice, since: Timestamp(5)), read, token: token) { $0.number("job_id") }
            }
            #expect(found.elements == [1, 2, 3] && found.passedOver == 0 && found.lacksSteps)
            #expect(
                server.requests.map(\.line) == [
                    "GET /slurmdb/v0.0.42/jobs?start_time=uts5&users=alice HTTP/1.1",
                    "GET /slurmdb/v0.0.42/jobs?start_time=uts5&users=alice&\(Self.skipped) HTTP/1.1",
                ])
        }
    }

    /// By its number a job is asked for with steps first: the same answer as ever, as long as it can be read.
    @Test(arguments: [
        (42, "jobs?step=2&start_time=uts1000000&\(skipped)"),
        (38, "jobs?step=2&start_time=uts1000000&skip_steps=true"),
    ])
    func aSingleJobIsReadWithoutItsSteps(version: Int, second: String) async throws {
        try await FakeSlurmrestd.with(answers()) { server in
            let found = try await withClient(server.path, version) {
                try await $0.finished(
                    user: UserName("alice"), job: JobID("2"), since: Timestamp(0), read, token: token
                ) { job, _ in job.id.rawValue }
            }
            #expect(found.elements == [1, 2, 3] && found.lacksSteps)
            #expect(
                server.requests.map(\.line) == [
                    "GET /slurmdb/v0.0.\(version)/job/2 HTTP/1.1",
                    "GET /slurmdb/v0.0.\(version)/\(second) HTTP/1.1",
                ])
        }
    }

    /// It is counted, and the others are there.
    @Test(arguments: [(42, 1), (40, 1), (38, 1)])
    func whatIsTooLargeWithoutStepsIsMissing(version: Int, requests: Int) async throws {
        try await FakeSlurmrestd.with(answers(isLarge: true)) { server in
            let found = try await withClient(server.path, version) {
                try await $0.finished(user: UserName("alice"), job: nil, since: Timestamp(5), read, token: token) {
                    job, _ in job.id.rawValue
                }
            }
            #expect(found.elements == [1, 3] && found.passedOver == 1 && !found.lacksSteps)
            #expect(server.requests.count == requests)
        }
    }

    /// v0.0.40 knows no list without steps that is the same otherwise.
    @Test func whereStepsCannotBeSkippedTheJobIsMissing() async throws {
        try await FakeSlurmrestd.with(answers()) { server in
            let alice = try UserName("alice")
            let found = try await withClient(server.path, 40) {
                try await $0.records(.jobs(of: alice, since: Timestamp(5)), read, token: token) { $0.number("job_id") }
            }
            #expect(found.elements == [1, 3] && found.passedOver == 1 && !found.lacksSteps)
            #expect(server.requests.count == 1)
        }
    }

    @Test func halfOfAnotherListIsNone() async throws {
        let users = #"{"users":[{"name":"alice"},{"name":"\#(Self.large)"}],"errors":[]}"#
        let job = #"{"job_id":2,"job_state":["PENDING"],"comment":"\#(Self.large)"}"#
        let jobs = #"{"jobs":[{"job_id":1,"job_state":["PENDING"]},\#(job)],"errors":[]}"#
        try await FakeSlurmrestd.with({ request, _ in
            .reply(200, request.line.contains("/users") ? users : jobs)
        }) { server in
            try await withClient(server.path) { client in
                await #expect(throws: SlurmError.self) { try await client.records(.users, read, token: token) { $0 } }
                await #expect(throws: SlurmError.self) { try await client.jobs(read, token: token) }
            }
        }
    }
}
