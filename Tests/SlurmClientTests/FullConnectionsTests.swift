// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SlurmModel
import Synchronization
import Testing

@testable import SallyPolicy
@testable import SlurmClient

/// Questions to accounting that are not answered hold every connection that reads share.
@Suite struct FullConnectionsTests: ClientBench {
    private func finished(_ client: SlurmClient) async throws {
        let alice = try UserName("alice")
        _ = try await client.finished(user: alice, job: nil, since: Timestamp(5), read, token: token) { job, _ in
            job.id
        }
    }

    /// - Parameter answer: to everything else.
    private func withHeldReads(
        _ answer: @escaping @Sendable (FakeSlurmrestd.Request) -> FakeSlurmrestd.Answer,
        body: @Sendable (SlurmClient, FakeSlurmrestd) async throws -> Void
    ) async throws {
        try await FakeSlurmrestd.with({ request, _ in
            request.line.contains("/slurmdb/") ? .nothing : answer(request)
        }) { server in
            try await withClient(server.path, silence: .seconds(3600), patience: .seconds(2)) { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    defer { group.cancelAll() }
                    for _ in 0..<SlurmConnections.most {
                        group.addTask {
                            while !Task.isCancelled { try? await finished(client) }  // is cancelled
                        }
                    }
                    try await eventually("all are held") { server.requests.count >= SlurmConnections.most }
                    try await body(client, server)
                }
            }
        }
    }

    /// It was not sent, and the daemon is not taken for silent. What changes something has its own connections, and so has the
    /// queue keeper.
    @Test func whoFindsNoConnectionSaysNothingOfTheDaemon() async throws {
        try await withHeldReads { request in
            .reply(200, request.line.hasPrefix("GET") ? #"{"jobs":[],"errors":[]}"# : ok)
        } body: { client, server in
            let before = server.requests.count
            try await withThrowingTaskGroup(of: Void.self) { group in
                // More than calls without an answer are borne.
                for _ in 0..<7 {
                    group.addTask {
                        let error = await #expect(throws: SlurmError.self) {
                            try await client.jobs(read, token: token)
                        }
                        #expect(error == .noFreeConnection)
                    }
                }
                try await group.waitForAll()
            }
            #expect(server.requests.count == before)
            let submitted = try await client.submit(submission(), token: token).id
            #expect(try submitted == job)
            let queued = try await client.forKeeper.jobs(read, token: token)
            #expect(queued == [])
        }
    }

    /// Whether a daemon is silent.
    private final class Silence: Sendable {
        private let state = Mutex(true)
        var isOn: Bool { state.withLock { $0 } }
        func end() { state.withLock { $0 = false } }
    }

    /// That the daemon is back is found however many reads are held.
    @Test func signsOfLifeHaveConnectionsOfTheirOwn() async throws {
        let silence = Silence()
        try await withHeldReads { request in
            if silence.isOn { return .close }
            return .reply(200, request.line.contains("/ping") ? #"{"pings":[]}"# : ok)
        } body: { client, server in
            for _ in 0..<5 { _ = try? await client.submit(submission(), token: token) }  // these fail
            #expect(client.exchange.breaker.admit(.work).kind != .go)
            silence.end()
            try await eventually("it answers") {
                do {
                    return try await client.submit(submission(), token: token).id == job
                } catch SlurmError.unreachable {
                    return false
                }
            }
            #expect(server.requests.contains { $0.line.contains("/ping") })
        }
    }

    @Test func aQuestionThatWasNotSentIsNoAnswerAndNoSilence() {
        let error = SlurmError.noFreeConnection
        #expect(error.signOfLife == .abandoned && !error.outcomeIsUnknown && error.unsent == error)
        let told = error.error(cluster: cluster)
        #expect(told.code == .unavailable)
        #expect(told.message == "no connection to cluster demo became free in time")
    }
}
