// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SallyModel
import SallyWire
import SlurmModel
import Testing

@testable import SallyGateway

/// Of which time finished jobs are shown, and of which accounting is asked for them.
@Suite struct FinishedJobsTests {
    private static let path = "/v1/clusters/demo/jobs?all=true"
    private static let alice = UserName(unchecked: "alice")

    /// Jobs from 1 that ended so many seconds ago; nil has no end.
    private static func settings(_ ends: [Int64?]) -> WorldSettings {
        let now = TestClock().now
        let jobs = ends.enumerated().map { place, seconds -> QueuedJob in
            var job = makeJob(UInt32(place) + 1, alice, state: "COMPLETED")
            job.view.ended = seconds.map { now - .seconds($0) }
            return job
        }
        var settings = WorldSettings()
        settings.before = { queue in queue.change { $0.finished = jobs } }
        return settings
    }

    private func shown(_ query: String, _ world: World, _ client: any TestClientProtocol) async throws -> [UInt32] {
        try await client.call(.get, Self.path + query, world.alice).decode(JobList.self).jobs.map(\.job.rawValue)
    }

    /// To the second; what accounting gives no end is shown.
    @Test func whatEndedBeforeIsLeftOut() async throws {
        try await withWorld(Self.settings([76, 75, 10, nil])) { world, client in
            let since = world.clock.now - .seconds(75)
            let jobs = try await shown("&since=\(since.rawValue)", world, client)
            #expect(jobs == [2, 3, 4])
            let asked = try #require(world.queue.now.asked.last?.since)
            #expect(asked <= since && asked.rawValue.isMultiple(of: 3600))
        }
    }

    @Test(arguments: [("", 86400), ("&since=0", 31 * 86400)] as [(String, Int64)])
    func theTimeHasAnEnd(query: String, seconds: Int64) async throws {
        try await withWorld(Self.settings([seconds + 1, seconds, 10])) { world, client in
            let jobs = try await shown(query, world, client)
            #expect(jobs == [2, 3])
        }
    }

    /// Whoever asks for other moments again and again asks Slurm the same.
    @Test func otherMomentsAreTheSameQuestion() async throws {
        try await withWorld(Self.settings([10])) { world, client in
            // Within one hour, and later than now.
            let hour = world.clock.now.rawValue / 3600 * 3600 - 3600
            for moment in Int64(0)..<100 { _ = try await shown("&since=\(hour + moment * 36)", world, client) }
            #expect(Set(world.queue.now.asked.map(\.since)) == [Timestamp(hour)])
            for moment in Int64(1)..<100 { _ = try await shown("&since=\(hour + moment * 36000)", world, client) }
            #expect(Set(world.queue.now.asked.map(\.since)).count == 2)
        }
    }
}
