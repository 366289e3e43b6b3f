// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire
import SlurmModel
import Testing

@testable import SallyGateway

/// What an end, or a signal, has to have come to before anybody is told of success.
@Suite struct JobEndingTests {
    private static let alice = UserName(unchecked: "alice")

    private static var settings: WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in
            var tasks = [makeTask(5, of: 5, "5_1", alice), makeTask(8, of: 5, "5_0", alice)]
            for place in tasks.indices { tasks[place].view.states = ["RUNNING"] }
            let jobs = tasks + [makeJob(1, alice)]
            queue.change { $0.jobs = jobs }
        }
        return settings
    }

    /// Ends as Alice, who waits so long to see it.
    private static func end(
        _ order: JobEnding.Order, in world: World, within confirmation: Duration = .seconds(240)
    ) async throws {
        let principal = try await world.server.dependencies.reader.principal(of: Secret(world.alice))
        var generator = SystemRandomNumberGenerator()
        var ending = world.cluster.jobs.ending
        ending.confirmation = confirmation
        try await ending.end(order, for: principal, request: OpaqueID.random(using: &generator))
    }

    private static func job(_ number: UInt32) throws -> JobTarget { JobTarget(job: try JobID("\(number)")) }

    /// slurmrestd's 200 is no cancel: the job has to be ending (DELETE /job/ID of 24.11).
    @Test func aCancelThatDoesNothingIsNoSuccess() async throws {
        try await withWorld(Self.settings) { world, _ in
            world.queue.change { $0.cancelsNothing = true }
            let error = await #expect(throws: SallyError.self) {
                try await Self.end(
                    JobEnding.Order(which: try Self.job(1)), in: world, within: .milliseconds(500))
            }
            #expect(error?.code == .timeout && error?.message.contains("still there") == true)
            #expect(world.queue.now.cancelled.map(\.rawValue) == [1])
            let shown = world.cluster.keeper.snapshot.jobs(of: Self.alice).filter { $0.id.rawValue == 1 }
            #expect(shown.allSatisfy { $0.view.states != ["CANCELLED"] })
        }
    }

    /// A job goes on after most signals.
    @Test func aSignalIsNotWaitedFor() async throws {
        try await withWorld(Self.settings) { world, _ in
            world.queue.change { $0.cancelsNothing = true }
            try await Self.end(JobEnding.Order(which: try Self.job(1), signal: "USR1"), in: world)
            #expect(world.queue.now.signals == ["USR1"])
        }
    }

    /// What is meant is all that the order would end, or it is not sent.
    @Test func onlyAllOfItIsEnded() async throws {
        try await withWorld(Self.settings) { world, _ in
            let some = JobEnding.Order(which: try Self.job(5)) { $0.view.displayID == "5_1" }
            let error = await #expect(throws: SallyError.self) { try await Self.end(some, in: world) }
            #expect(error?.code == .conflict)
            try await Self.end(JobEnding.Order(which: try Self.job(5)) { _ in false }, in: world)
            #expect(world.queue.now.cancelled.isEmpty && world.signer.now.minted.isEmpty)
            try await Self.end(JobEnding.Order(which: try Self.job(5)) { _ in true }, in: world)
            #expect(world.queue.now.cancelled.map(\.rawValue) == [5])
        }
    }
}
