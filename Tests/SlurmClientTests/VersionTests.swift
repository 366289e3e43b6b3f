// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SlurmModel
import Synchronization
import Testing

@testable import SallyPolicy
@testable import SlurmClient

/// Which API version is spoken, when slurmrestd is upgraded without a word.
@Suite struct VersionTests: ClientBench {
    /// Serves these versions, as they are at the moment.
    private final class Served: Sendable {
        private let versions: Mutex<Set<Int>>
        /// What is answered to a ping of a version that is not served.
        private let otherwise = Mutex<FakeSlurmrestd.Answer>(.reply(404, "Unable find requested URL."))

        init(_ versions: Set<Int>) { self.versions = Mutex(versions) }

        func set(_ versions: Set<Int>) { self.versions.withLock { $0 = versions } }
        func refuse(by answer: FakeSlurmrestd.Answer) { otherwise.withLock { $0 = answer } }

        func answer(_ request: FakeSlurmrestd.Request) -> FakeSlurmrestd.Answer {
            let version = versions.withLock { $0.first { request.line.contains("/slurm/v0.0.\($0)/") } }
            guard version != nil else { return otherwise.withLock { $0 } }
            guard request.line.contains("/ping ") else { return .reply(200, #"{"errors":[],"job_id":7}"#) }
            return .reply(200, #"{"pings":[],"errors":[]}"#)
        }
    }

    private func ping(_ version: Int) -> String { "GET /slurm/v0.0.\(version)/ping HTTP/1.1" }
    private func post(_ version: Int) -> String { "POST /slurm/v0.0.\(version)/job/submit HTTP/1.1" }

    /// Nothing fails when 24.11 becomes 25.05: v0.0.42 is served still.
    @Test func anUpgradeThatServesTheOldVersionIsTakenUp() async throws {
        let served = Served([40, 41, 42])
        try await FakeSlurmrestd.with({ request, _ in served.answer(request) }) { server in
            try await withClient(server.path, nil) { client in
                _ = try await client.submit(submission(), token: token)
                #expect(try await client.takeUpNewerVersion(read, token: token) == nil)
                served.set([40, 41, 42, 43])
                _ = try await client.submit(submission(), token: token)
                #expect(try await client.takeUpNewerVersion(read, token: token) == APIVersion(rawValue: 43))
                _ = try await client.submit(submission(), token: token)
                served.set([42, 43, 44, 45])
                #expect(try await client.takeUpNewerVersion(read, token: token) == APIVersion(rawValue: 45))
                _ = try await client.submit(submission(), token: token)
                #expect(try await client.takeUpNewerVersion(read, token: token) == nil)
            }
            #expect(
                server.requests.map(\.line) == [
                    ping(45), ping(44), ping(43), ping(42), post(42),
                    // A look, in vain.
                    ping(45), ping(44), ping(43),
                    post(42), ping(45), ping(44), ping(43), post(43), ping(45), post(45),
                ])
        }
    }

    /// What is pinned is what its administrator wants, and what was never found is found by whoever needs it.
    @Test(arguments: [42, nil] as [Int?]) func nobodyLooksForWhatIsPinnedOrUnknown(pinned: Int?) async throws {
        let served = Served([42, 43])
        try await FakeSlurmrestd.with({ request, _ in served.answer(request) }) { server in
            try await withClient(server.path, pinned) { client in
                let taken = try await client.takeUpNewerVersion(read, token: token)
                #expect(taken == nil)
            }
            #expect(server.requests.isEmpty)
        }
    }

    /// An answer that says nothing of versions, or none at all: the version in use stays.
    @Test(
        arguments: [
            (.close, true), (.reply(200, "text"), true), (.reply(200, "{}"), false),
            (.reply(401, "Authentication failure"), false),
            (.reply(500, #"{"errors":[{"error_number":7000,"error":"away"}]}"#), false),
            (.reply(500, #"{"errors":[{"error_number":5004,"error":"timed out"}]}"#), false),
        ] as [(FakeSlurmrestd.Answer, Bool)]) func whatSaysNothingChangesNothing(
            answer: FakeSlurmrestd.Answer, isError: Bool
        ) async throws
    {
        let served = Served([42])
        try await FakeSlurmrestd.with({ request, _ in served.answer(request) }) { server in
            try await withClient(server.path, nil) { client in
                _ = try await client.submit(submission(), token: token)
                served.refuse(by: answer)
                do throws(SlurmError) {
                    let found = try await client.takeUpNewerVersion(read, token: token)
                    #expect(found == nil && !isError)
                } catch {
                    #expect(isError && !error.outcomeIsUnknown, "\(error)")
                }
                _ = try await client.submit(submission(), token: token)
            }
            #expect(server.requests.filter { $0.line.hasPrefix("POST") }.map(\.line) == [post(42), post(42)])
        }
    }

    /// Who found another version meanwhile is right.
    @Test func aLookDoesNotUndoWhatWasFoundMeanwhile() {
        let memory = VersionMemory(pinned: nil)
        memory.remember(APIVersion(rawValue: 42))
        memory.forget(APIVersion(rawValue: 42))
        #expect(!memory.replace(APIVersion(rawValue: 42), with: APIVersion(rawValue: 43)))
        #expect(memory.known == nil)
        memory.remember(APIVersion(rawValue: 41))
        #expect(!memory.replace(APIVersion(rawValue: 42), with: APIVersion(rawValue: 43)))
        #expect(memory.replace(APIVersion(rawValue: 41), with: APIVersion(rawValue: 43)))
        #expect(memory.known == APIVersion(rawValue: 43))
    }
}
