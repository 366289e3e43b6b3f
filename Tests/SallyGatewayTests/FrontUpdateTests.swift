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

/// Changing a job: judged as the job that it would become.
@Suite struct FrontUpdateTests {
    private static let alice = UserName(unchecked: "alice")
    private static let marker = "sallyport:" + String(repeating: "a", count: 32)
    private static let path = "/slurm/v0.0.42/job"

    private static func job(_ id: UInt32, _ owner: String, state: String = "PENDING", task: String? = nil) -> QueuedJob
    {
        var record = SlurmRecord(.job, version: APIVersion(rawValue: 42))
        record["job_id"] = .integer(Int64(id))
        record["user_name"] = .text(owner)
        record["account"] = .text("lab")
        record["partition"] = .text("debug")
        record["job_state"] = .words([state])
        record["comment"] = .text("mine \(marker)")
        record["tasks"] = .integer(1)
        record["cpus"] = .integer(1)
        record["node_count"] = .integer(1)
        record["time_limit"] = .integer(10)
        let plain = makeJob(id, UserName(unchecked: owner), comment: "mine \(marker)", state: state)
        var view = plain.view
        if let task { view.displayID = task }
        return QueuedJob(
            view: view, owner: plain.owner, array: task == nil ? nil : JobID(rawValue: 5), marker: plain.marker,
            record: record.packed)
    }

    private static var settings: WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change {
                $0.jobs = [
                    job(1, "alice"), job(2, "bob"), job(3, "alice", state: "COMPLETED"),
                    job(5, "alice", task: "5_[1-3]"), job(6, "alice", task: "5_0"),
                ]
            }
        }
        return settings
    }

    @Test(arguments: frontVersions)
    func anUpdateIsBuiltAnewWithATokenOfItsOwn(version: String) async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(
                .post, "/slurm/\(version)/job/1/", world.alice, body: #"{"hold": true, "name": "other"}"#)
            #expect(answer.status == .ok, "\(answer.text)")
            #expect(try answer.json["results"]?.array?.isEmpty == true)
            let update = try #require(world.queue.now.updates.first)
            #expect(update.job.rawValue == 1)
            #expect(update.body["hold"]?.bool == true && update.body["name"]?.string == "other")
            #expect(update.body.object?.count == 2)
            #expect(world.signer.now.minted.map(\.purpose) == [.update])
            let event = try await world.audit.page(AuditQuery(action: "job.update")).events.first
            #expect(event?.target == "1")
        }
    }

    @Test func theJobThatItBecomesIsJudged() async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(.post, "\(Self.path)/1", world.alice, body: #"{"partition": "gpu"}"#)
            #expect(answer.status == .forbidden, "\(answer.text)")
            #expect(try answer.slurmError == 2002)
            #expect(world.queue.now.updates.isEmpty && world.signer.now.minted.isEmpty)
        }
    }

    /// Our marker stays at the end of the comment, whatever the person does to it.
    @Test(arguments: [(#"{"comment": "new"}"#, "new \(marker)"), (#"{"comment": ""}"#, marker)])
    func theMarkerStays(body: String, comment: String) async throws {
        try await withWorld(Self.settings) { world, client in
            try await client.expect(.ok, .post, "\(Self.path)/1", world.alice, body: body)
            #expect(world.queue.now.updates.first?.body["comment"]?.string == comment)
        }
    }

    @Test func onlyOwnJobsThatHaveNotEnded() async throws {
        try await withWorld(Self.settings) { world, client in
            for (job, status, number) in [("2", 404, 2017), ("9", 404, 2017), ("3", 409, 2021), ("5_0", 501, 2036)] {
                let answer = try await client.call(
                    .post, "\(Self.path)/\(job)", world.alice, body: #"{"hold": true}"#)
                #expect(answer.status.code == status, "\(answer.text)")
                #expect(try answer.slurmError == number)
            }
            #expect(world.queue.now.updates.isEmpty && world.signer.now.minted.isEmpty)
            try await client.expect(.ok, .post, "\(Self.path)/5", world.alice, body: #"{"hold": true}"#)
            #expect(world.queue.now.updates.map(\.job.rawValue) == [5])
        }
    }

    @Test(arguments: ["{}", "[]", "{", #"{"nosuch": 1}"#, #"{"user_id": "0"}"#, #"{"script": "x"}"#])
    func refusesWhatIsNoUpdate(body: String) async throws {
        try await withWorld(Self.settings) { world, client in
            let answer = try await client.call(.post, "\(Self.path)/1", world.alice, body: body)
            #expect([400, 501].contains(answer.status.code), "\(answer.text)")
            // The query is no update, as it would be to slurmrestd.
            try await client.expect(
                .badRequest, .post, "\(Self.path)/1?comment=x", world.alice, body: #"{"hold": true}"#)
            #expect(world.queue.now.updates.isEmpty)
        }
    }
}
