// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel
import StrictJSON
import Testing

@testable import SallyPolicy
@testable import SlurmClient

/// What is sent to change a job, and what an answer to it means.
@Suite struct UpdateTests: ClientBench {
    private func update(_ version: Int, _ reply: FakeSlurmrestd.Answer) async throws -> (
        Result<UpdateAnswer, SlurmError>, FakeSlurmrestd.Request?
    ) {
        let update = try JobUpdate(from: ["array": "5"], version: APIVersion(rawValue: 42))
        let action = authorized(
            UpdateJob(cluster: cluster, job: try job, owner: try UserName("alice"), update: update, outcomes: []))
        return try await FakeSlurmrestd.with({ _, _ in reply }) { server in
            let result = try await withClient(server.path, version) { client -> Result<UpdateAnswer, SlurmError> in
                do throws(SlurmError) {
                    return .success(try await client.update(action, token: token))
                } catch {
                    return .failure(error)
                }
            }
            return (result, server.requests.first)
        }
    }

    @Test func theChangesAloneAreSent() async throws {
        let (result, request) = try await update(42, .reply(200, #"{"results":[],"errors":[]}"#))
        #expect(try result.get() == .done)
        #expect(request?.line == "POST /slurm/v0.0.42/job/7 HTTP/1.1" && request?.body == #"{"array":"5"}"#)
    }

    /// 24.11 answers 200 to what it refused.
    @Test func aResultThatIsAnErrorIsARefusal() async throws {
        let body = #"{"results":[{"job_id":7,"error_code":2073,"error":"Job is no longer pending"}],"errors":[]}"#
        let (result, _) = try await update(42, .reply(200, body))
        #expect(throws: SlurmError.refused(SlurmRefusal(number: 2073, text: "Job is no longer pending"))) {
            try result.get()
        }
    }

    /// 22.05.8 says so of every array, done or not; of the others it gives a number.
    @Test func anArraysFailureWithoutANumberTellsNothing() async throws {
        let body = #"{"errors":[{"description":"job array update failed"}]}"#
        #expect(try await update(38, .reply(200, body)).0.get() == .unsaid)
        for (version, body) in [
            (42, body), (38, #"{"errors":[{"error_number":2002,"error":"Access/permission denied"}]}"#),
            (38, #"{"errors":[{"error_code":-1,"error":"Unspecified error"}]}"#),
        ] {
            let (result, _) = try await update(version, .reply(500, body))
            #expect(throws: SlurmError.self) { try result.get() }
        }
    }
}
