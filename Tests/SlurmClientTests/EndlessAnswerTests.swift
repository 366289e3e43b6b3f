// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel
import StrictJSON
import Testing

@testable import SallyPolicy
@testable import SlurmClient

/// A daemon that never stops answering a read: it is cut off before it fills the memory, and has answered all the same.
@Suite struct EndlessAnswerTests: ClientBench {
    private static let head = "HTTP/1.1 200 X\r\nContent-Type: application/json\r\n\r\n"

    /// Whose lists have at most so many elements: half a million take long to send.
    private func withClient(
        _ path: String, elements: Int, _ body: (SlurmClient) async throws -> Void
    ) async throws {
        try await withClient(at: .unixSocket(path: path), 42) { connections, address, version in
            let usual = try connections.client(
                cluster, at: address, pinned: version, defaultPartition: nil, deadline: .seconds(240))
            var exchange = usual.exchange
            exchange.bounds.elements = elements
            return SlurmClient(
                cluster: usual.cluster, exchange: exchange, pinned: version, defaultPartition: nil,
                exclusivePartitions: [], deadline: usual.deadline, logger: usual.logger)
        } body: {
            try await body($0)
        }
    }

    private func expectCutOff(
        _ answer: FakeSlurmrestd.Answer, _ word: String, elements: Int = 500_000,
        _ ask: (SlurmClient) async throws -> Void
    ) async throws {
        try await FakeSlurmrestd.with({ _, _ in answer }) { server in
            try await withClient(server.path, elements: elements) { client in
                // More often than calls without an answer are borne.
                for _ in 0..<7 {
                    let error = await #expect(throws: SlurmError.self) { try await ask(client) }
                    guard case .badReply(200, let reason) = error else {
                        Issue.record("\(String(describing: error))")
                        return
                    }
                    #expect(reason.contains(word), "\(reason)")
                }
            }
            #expect(server.requests.count == 7, "it was asked twice, or not at all")
        }
    }

    @Test func aListOfSmallJobsWithoutEnd() async throws {
        let jobs = String(repeating: #"{"job_id":1,"job_state":["RUNNING"]},"#, count: 100)
        try await expectCutOff(.endless(Self.head + #"{"jobs":["#, jobs), "more than 1000 elements", elements: 1000) {
            _ = try await $0.jobs(read, token: token)
        }
    }

    @Test func statesWithoutEnd() async throws {
        let states = String(repeating: #"{"job_id":"1","state":["RUNNING"]},"#, count: 100)
        try await expectCutOff(.endless(Self.head + #"{"jobs":["#, states), "more than 1000 elements", elements: 1000) {
            _ = try await $0.states(read, token: token)
        }
    }

    @Test(arguments: ["", #"{"jobs":["#, #"{"jobs":[],"errors":[]}"#])
    func whiteSpaceWithoutEnd(_ start: String) async throws {
        let blanks = String(repeating: " \n", count: 4096)
        try await expectCutOff(.endless(Self.head + start, blanks), "more than 65536 bytes of white space") {
            _ = try await $0.jobs(read, token: token)
        }
    }

    /// A list of that many is read where no bound is in the way.
    @Test func asManyAsAreAllowedAreRead() async throws {
        let jobs = Array(repeating: #"{"job_id":1,"job_state":["RUNNING"]}"#, count: 1000).joined(separator: ",")
        try await FakeSlurmrestd.with({ _, _ in .reply(200, #"{"jobs":[\#(jobs)],"errors":[]}"#) }) { server in
            try await withClient(server.path, elements: 1000) { client in
                let count = try await client.jobs(read, token: token).count
                #expect(count == 1000)
            }
        }
    }
}
