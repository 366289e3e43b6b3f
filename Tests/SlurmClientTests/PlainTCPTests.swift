// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SlurmModel
import Testing

@testable import SallyPolicy
@testable import SlurmClient

/// slurmrestd at `http://HOST:PORT`.
@Suite struct PlainTCPTests: ClientBench {
    @Test func requestsNameTheHostAndCarryTheToken() async throws {
        try await FakeSlurmrestd.with(
            tls: nil,
            { request, _ in .reply(200, request.line.hasPrefix("GET") ? #"{"jobs":[],"errors":[]}"# : ok) }
        ) { server, port in
            try await withClient(at: .url("http://127.0.0.1:\(port)"), 42) { connections, address, version in
                try connections.client(
                    cluster, at: address, pinned: version, defaultPartition: nil, deadline: .seconds(240))
            } body: { client in
                let jobs = try await client.jobs(read, token: token)
                let submitted = try await client.submit(submission(), token: token).id
                #expect(jobs == [])
                #expect(try submitted == job)
            }
            #expect(
                server.requests.map(\.line) == [
                    "GET /slurm/v0.0.42/jobs HTTP/1.1", "POST /slurm/v0.0.42/job/submit HTTP/1.1",
                ])
            for request in server.requests {
                #expect(request.header("Host") == ["127.0.0.1:\(port)"])
                #expect(request.header("X-SLURM-USER-TOKEN") == ["SECRET-TOKEN"])
            }
            #expect(server.requests.map(\.connection) == [1, 2], "a change went out on a kept connection")
        }
    }

    @Test func whereNobodyListensNothingWasSent() async throws {
        try await withUnheardPort { port in
            try await withClient(at: .url("http://127.0.0.1:\(port)"), 42) { connections, address, version in
                try connections.client(
                    cluster, at: address, pinned: version, defaultPartition: nil, deadline: .seconds(240))
            } body: { client in
                let error = await #expect(throws: SlurmError.self) {
                    try await client.submit(submission(), token: token)
                }
                #expect(error?.outcomeIsUnknown == false, "\(String(describing: error))")
            }
        }
    }
}
