// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SallyKeepProtocol
import SallyModel
import SallyStore
import SallyWire
import SlurmModel
import StrictJSON
import Testing

@testable import SallyGateway

/// A job that policy allows, as slurmrestd's clients write it.
let frontJob =
    ##"{"script": "#!/bin/sh\necho hello\n", "job": {"name": "hello", "partition": "debug", "##
    + ##""current_working_directory": "/tmp", "environment": ["PATH=/bin"]}}"##

@Suite struct FrontSubmitTests {
    private static let path = "/slurm/v0.0.42/job/submit"

    @Test(arguments: frontVersions)
    func aJobIsSubmittedInEveryVersion(version: String) async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.post, "/slurm/\(version)/job/submit/", world.alice, body: frontJob)
            #expect(answer.status == .ok, "\(answer.text)")
            let json = try answer.json
            #expect(json["job_id"]?.integer() == 100)
            #expect(json["step_id"]?.string == "batch")
            #expect((json["result"] != nil) == (version <= "v0.0.41"))
            #expect(json["warnings"]?.array?.first?["description"]?.string == "pending for a reason")
            #expect(world.queue.now.submits.map(\.user.rawValue) == ["alice"])
            #expect(world.signer.now.minted.map(\.user.rawValue) == ["alice"])
        }
    }

    /// The job_submit plugin's message stands where slurmrestd has it, and nowhere else.
    @Test(arguments: frontVersions)
    func aPluginsMessageHasItsOwnPlace(version: String) async throws {
        try await withWorld { world, client in
            let messages = SubmissionMessages(plugin: "use less", others: ["it waits"])
            let job = try JobID("7")
            world.queue.change { $0.answer = .accepted(job, messages: messages) }
            let json = try await client.call(.post, "/slurm/\(version)/job/submit", world.alice, body: frontJob).json
            #expect(json["job_submit_user_msg"]?.string == "use less")
            let old = version <= "v0.0.41" ? "use less" : nil
            #expect(json["result"]?["job_submit_user_msg"]?.string == old)
            #expect(json["warnings"]?.array?.map { $0["description"]?.string } == ["it waits"])
            #expect(json["warnings"]?.array?.first?["source"]?.string == "slurm_submit_batch_job()")
            let own = try await client.call(.post, "/v1/clusters/demo/jobs", world.alice, body: goodJob)
            #expect(try own.decode(SubmitReply.self).messages == ["use less", "it waits"])
        }
    }

    @Test func withoutAKeyEveryRequestIsAJobAndWithOneItIsOne() async throws {
        try await withWorld { world, client in
            for _ in 0..<2 { try await client.expect(.ok, .post, Self.path, world.alice, body: frontJob) }
            #expect(world.queue.now.submits.count == 2)
            let keyed = [("Idempotency-Key", "one")]
            for _ in 0..<2 {
                let answer = try await client.call(.post, Self.path, world.alice, body: frontJob, headers: keyed)
                #expect(try answer.json["job_id"]?.integer() == 102)
                #expect(answer.headers[.idempotencyKey] == "one")
            }
            #expect(world.queue.now.submits.count == 3)
            let other = frontJob.replacing("hello", with: "goodbye")
            let reused = try await client.call(.post, Self.path, world.alice, body: other, headers: keyed)
            #expect(reused.status == .unprocessableContent)
            #expect(world.queue.now.submits.count == 3)
        }
    }

    @Test func policyDecidesBeforeSlurmHears() async throws {
        try await withWorld { world, client in
            let answer = try await client.call(
                .post, Self.path, world.alice, body: frontJob.replacing("debug", with: "gpu"))
            #expect(answer.status == .forbidden, "\(answer.text)")
            #expect(try answer.slurmError == 2002)
            #expect(try answer.json["errors"]?.array?.first?["description"]?.string?.contains("gpu") == true)
            #expect(world.queue.now.submits.isEmpty && world.signer.now.minted.isEmpty)
            let events = try await world.audit.page(AuditQuery(action: "job.submit")).events
            #expect(events.map(\.outcome) == [.refused])
        }
    }

    @Test func slurmsRefusalComesWithItsNumber() async throws {
        try await withWorld { world, client in
            world.queue.change {
                $0.answer = .refused(SlurmRefusal(number: 2051, text: "Requested time limit is invalid"))
            }
            let answer = try await client.call(.post, Self.path, world.alice, body: frontJob)
            #expect(answer.status == .unprocessableContent)
            #expect(try answer.slurmError == 2051)
            #expect(try answer.json["errors"]?.array?.first?["error"]?.string == "Requested time limit is invalid")
        }
    }

    @Test(arguments: ["", "{}", "[]", "{", #"{"job": {}}"#, #"{"script": "x", "script": "y"}"#])
    func refusesWhatIsNoJob(body: String) async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.post, Self.path, world.alice, body: body)
            #expect(answer.status == .badRequest, "\(answer.text)")
            #expect(try answer.slurmError == 9001)
            #expect(world.queue.now.submits.isEmpty)
        }
    }

    @Test func formsAndYAMLAreRefused() async throws {
        try await withWorld { world, client in
            for type in ["application/x-yaml", "application/x-www-form-urlencoded", nil] {
                let answer = try await client.call(.post, Self.path, world.alice, body: frontJob, type: type)
                #expect(answer.status == .unsupportedMediaType)
            }
            try await client.expect(.badRequest, .post, "\(Self.path)?script=x", world.alice, body: frontJob)
        }
    }

    /// 202 would look like a job without a number; the same request with its key tells later what became of it.
    @Test func aLostAnswerIsNeitherAJobNorARefusal() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.answer = .unknown(SallyError(.timeout, "no answer")) }
            let answer = try await client.call(
                .post, Self.path, world.alice, body: frontJob, headers: [("Idempotency-Key", "lost")])
            #expect(answer.status == .gatewayTimeout, "\(answer.text)")
            #expect(answer.text.contains("Idempotency-Key: lost"))
            #expect(try answer.json["job_id"] == nil)
        }
    }
}
