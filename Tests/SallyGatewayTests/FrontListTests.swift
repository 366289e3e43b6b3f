// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SallyModel
import SallyTestSupport
import SlurmClient
import SlurmModel
import StrictJSON
import Testing

@testable import SallyGateway

/// Lists beside the queue: of the cluster, and of accounting, which shows everything to everybody.
@Suite struct FrontListTests {
    private static let alice = UserName(unchecked: "alice")
    private static let version = APIVersion(rawValue: 42)

    private static func record(_ noun: SlurmNoun, _ values: [(String, FieldValue)]) -> SlurmRecord {
        var record = SlurmRecord(noun, version: version)
        for (key, value) in values { record[key] = value }
        return record
    }

    private static func association(
        _ user: String, _ account: String, _ qos: [String], on cluster: String = "demo"
    ) -> SlurmRecord {
        record(
            .association,
            [
                ("user", .text(user)), ("account", .text(account)), ("qos", .words(qos)), ("cluster", .text(cluster)),
            ])
    }

    private static func reservation(_ name: String, users: String, accounts: String, flags: [String]) -> SlurmRecord {
        record(
            .reservation,
            [
                ("name", .text(name)), ("users", .saying(users)), ("accounts", .saying(accounts)),
                ("groups", .text("staff")), ("flags", flags.isEmpty ? .unset : .words(flags)),
            ])
    }

    private static func finished(
        _ id: Int64, _ name: String, _ state: String, comment: String, on cluster: String? = "Demo"
    ) -> SlurmRecord {
        record(
            .accountingJob,
            [
                ("job_id", .integer(id)), ("user", .text("alice")), ("name", .text(name)), ("account", .text("lab")),
                ("partition", .text("debug")), ("cluster", .saying(cluster)), ("state.current", .words([state])),
                ("comment.job", .text(comment)),
                ("time.submission", .integer(1_799_999_000 + id)), ("time.end", .integer(1_799_999_500 + id)),
            ])
    }

    private static var settings: WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change { state in
                state.records = [
                    .partitions: ["debug", "gpu"].map { record(.partition, [("name", .text($0))]) },
                    .nodes: ["node001", "node002"].map {
                        record(
                            .node,
                            [("name", .text($0)), ("owner", .text("bob")), ("reason_set_by_user", .text("carol"))])
                    },
                    .reservations: [
                        reservation("mine", users: "alice,bob", accounts: "", flags: []),
                        reservation("ours", users: "", accounts: "lab,other", flags: []),
                        reservation("theirs", users: "bob", accounts: "other", flags: []),
                        reservation("works", users: "root", accounts: "", flags: ["MAINT"]),
                    ],
                    .users: ["alice", "bob"].compactMap { name in
                        SlurmRecord(
                            [
                                "name": .string(name),
                                "associations": [
                                    ["account": "lab", "cluster": "demo", "user": .string(name)],
                                    ["account": "far", "cluster": "elsewhere", "user": .string(name)],
                                    ["account": "lab", "cluster": "demo", "user": "bob"],
                                ],
                                "wckeys": [["name": "key", "cluster": "elsewhere", "user": .string(name)]],
                            ], noun: .user, version: version)
                    },
                    .associations: [
                        association("alice", "lab", ["normal"]), association("bob", "other", ["high"]),
                        association("alice", "far", ["high"], on: "elsewhere"),
                        association("alice", "far", ["high"], on: ""),
                    ],
                    .accounts: ["lab", "other", "far"].compactMap { name in
                        SlurmRecord(
                            ["name": .string(name), "coordinators": [["name": "bob", "direct": true]]], noun: .account,
                            version: version)
                    },
                    .qos: ["normal", "high"].map { record(.qos, [("name", .text($0))]) },
                    .jobs(of: alice, since: Timestamp(0)): [
                        finished(1, "a", "COMPLETED", comment: "mine sallyport:" + String(repeating: "a", count: 32)),
                        finished(2, "b", "FAILED", comment: ""),
                        finished(2, "c", "FAILED", comment: "", on: "elsewhere"),
                        finished(2, "d", "FAILED", comment: "", on: nil),
                    ],
                    .job(JobID(rawValue: 2)!, of: alice): [  // a small number
                        finished(2, "b", "FAILED", comment: "his sallyport:" + String(repeating: "b", count: 32)),
                        finished(2, "c", "FAILED", comment: "", on: "elsewhere"),
                    ],
                ]
            }
        }
        return settings
    }

    private static func names(_ answer: TestResponse, _ list: String, _ key: String = "name") throws -> [String] {
        (try answer.json[list]?.array ?? []).compactMap { $0[key]?.string }
    }

    @Test(arguments: frontVersions)
    func partitionsAndNodes(version: String) async throws {
        try await withWorld(Self.settings) { world, client in
            for (path, list, all, one) in [
                ("partition", "partitions", ["debug", "gpu"], "gpu"),
                ("node", "nodes", ["node001", "node002"], "node002"),
            ] {
                let many = try await client.call(.get, "/slurm/\(version)/\(path)s/", world.alice)
                #expect(try Self.names(many, list) == all)
                #expect(try many.json["last_update"]?["set"]?.bool == true)
                let single = try await client.call(.get, "/slurm/\(version)/\(path)/\(one)", world.alice)
                #expect(try Self.names(single, list) == [one])
                for other in ["bob", "carol"] { #expect(!many.text.contains(other) && !single.text.contains(other)) }
                let none = try await client.call(.get, "/slurm/\(version)/\(path)/nosuch", world.alice)
                #expect(none.status == .notFound)
                #expect(try [2000, 2018].contains(none.slurmError))
                // Nobody's, and no secret.
                #expect(none.text.contains("GET \(list) lists all") && !none.text.contains("not yours"))
            }
        }
    }

    @Test func reservationsAreThoseThatConcernOneself() async throws {
        try await withWorld(Self.settings) { world, client in
            let list = try await client.call(.get, "/slurm/v0.0.42/reservations", world.alice)
            #expect(try Self.names(list, "reservations") == ["mine", "ours", "works"])
            for others in ["bob", "root", "other", "staff"] { #expect(!list.text.contains("\"\(others)")) }
            try await client.expect(.ok, .get, "/slurm/v0.0.42/reservation/ours", world.alice)
            try await client.expect(.notFound, .get, "/slurm/v0.0.42/reservation/theirs", world.alice)
        }
    }

    @Test(arguments: frontVersions)
    func accountingIsCutToOnesOwn(version: String) async throws {
        try await withWorld(Self.settings) { world, client in
            let db = "/slurmdb/\(version)"
            for (path, list, key, own) in [
                ("users", "users", "name", "alice"), ("user/alice", "users", "name", "alice"),
                ("associations", "associations", "account", "lab"), ("association", "associations", "account", "lab"),
                ("accounts", "accounts", "name", "lab"), ("account/lab", "accounts", "name", "lab"),
                ("qos", "qos", "name", "normal"), ("qos/normal", "qos", "name", "normal"),
            ] {
                let answer = try await client.call(.get, "\(db)/\(path)/", world.alice)
                #expect(answer.status == .ok, "\(path): \(answer.text)")
                #expect(try Self.names(answer, list, key) == [own], "\(path)")
                for other in ["bob", "elsewhere", "far"] { #expect(!answer.text.contains("\"\(other)\""), "\(path)") }
            }
            for (path, list) in [
                ("user/bob", "users"), ("user/nobody", "users"), ("account/other", "accounts"),
                ("account/far", "accounts"), ("qos/high", "qos"),
            ] {
                let none = try await client.call(.get, "\(db)/\(path)", world.alice)
                #expect(none.status == .notFound && none.text.contains("or it is not yours"), "\(none.text)")
                #expect(none.text.contains("GET \(list) lists what you may see"))
            }
        }
    }

    @Test func finishedJobsAreFilteredAndUnmarked() async throws {
        try await withWorld(Self.settings) { world, client in
            let db = "/slurmdb/v0.0.42"
            for (query, wanted) in [
                ("", ["a", "b"]), ("?state=failed", ["b"]), ("?job_name=a,c", ["a"]), ("?account=other", []),
                ("?partition=debug&users=alice", ["a", "b"]), ("?step=2", ["b"]), ("?skip_steps=true", ["a", "b"]),
                ("?start_time=1799999502", ["b"]), ("?end_time=1799999001", ["a"]),
            ] {
                let answer = try await client.call(.get, "\(db)/jobs\(query)", world.alice)
                #expect(try Self.names(answer, "jobs") == wanted, "\(query): \(answer.text)")
                #expect(!answer.text.contains("sallyport:"))
            }
            let old = try await client.call(.get, "\(db)/jobs?start_time=0", world.alice)
            #expect(try old.json["warnings"]?.array?.count == 1)
            let one = try await client.call(.get, "\(db)/job/2", world.alice)
            #expect(try Self.names(one, "jobs") == ["b"])
            #expect(one.text.contains("his") && !one.text.contains("sallyport:"))
            let none = try await client.call(.get, "\(db)/job/1", world.bob)
            #expect(none.status == .notFound)
            #expect(try none.slurmError == 2017)
            // Bob asks for his own, whatever he says.
            #expect(try Self.names(try await client.call(.get, "\(db)/jobs", world.bob), "jobs").isEmpty)
        }
    }

    @Test func stepsAreListedUnlessTheyAreSkipped() async throws {
        let steps: JSONValue = [["step": ["id": "3.batch", "name": "batch"]]]
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change { state in
                state.records[.jobs(of: Self.alice, since: Timestamp(0))] = [
                    SlurmRecord(
                        [
                            "job_id": 3, "user": "alice", "cluster": "demo", "state": ["current": ["COMPLETED"]],
                            "steps": steps,
                        ], noun: .accountingJob, version: Self.version)
                ].compactMap { $0 }
            }
        }
        try await withWorld(settings) { world, client in
            for (query, count) in [
                ("", 1), ("?skip_steps=true", 0), ("?skip_steps=1", 0), ("?skip_steps=false", 1), ("?skip_steps=no", 1),
            ] {
                let answer = try await client.call(.get, "/slurmdb/v0.0.42/jobs\(query)", world.alice).json
                #expect(answer["jobs"]?.array?.first?["steps"]?.array?.count == count, "\(query)")
            }
            try await client.expect(.badRequest, .get, "/slurmdb/v0.0.42/jobs?skip_steps=maybe", world.alice)
        }
    }

    /// What accounting's list lacks is said in a warning, and a job that was not read is not said to be none.
    @Test(arguments: frontVersions)
    func whatAListLacksIsSaid(version: String) async throws {
        try await withWorld(Self.settings) { world, client in
            world.queue.change { state in
                state.passedOver = 2
                state.lacksSteps = true
            }
            for path in ["jobs", "job/2"] {
                let answer = try await client.call(.get, "/slurmdb/\(version)/\(path)", world.alice).json
                let warnings = (answer["warnings"]?.array ?? []).compactMap { $0["description"]?.string }
                #expect(warnings.count == 2 && warnings[0].contains("steps") && warnings[1].hasPrefix("2 "))
                #expect(answer["jobs"]?.array?.isEmpty == false)
            }
            let missing = try await client.call(.get, "/slurmdb/\(version)/job/9", world.alice)
            #expect(missing.status == .contentTooLarge && missing.text.contains("sacct(1)"))
            #expect(try missing.slurmError == 7006)
        }
    }

    @Test func whoeverAsksSlurmIsAskedOnce() async throws {
        try await withWorld(Self.settings) { world, client in
            let latch = Latch()
            world.queue.change { $0.blocksLists = latch }
            defer { latch.open() }
            try await withThrowingTaskGroup(of: HTTPResponse.Status.self) { group in
                for token in [world.alice, world.bob, world.alice] {
                    group.addTask { try await client.call(.get, "/slurm/v0.0.42/nodes", token).status }
                }
                try await eventually("somebody asks") { !world.queue.now.listed.isEmpty }
                latch.open()
                for try await status in group { #expect(status == .ok) }
            }
            try await client.expect(.ok, .get, "/slurm/v0.0.40/node/node001", world.bob)
            #expect(world.queue.now.listed == [.nodes])
            world.clock.advance(16)
            try await client.expect(.ok, .get, "/slurm/v0.0.42/nodes", world.alice)
            #expect(world.queue.now.listed == [.nodes, .nodes])
        }
    }

    /// For a moment, so that a Slurm in trouble is not asked again by everybody who waits for it.
    @Test func aFailureHoldsForAMoment() async throws {
        try await withWorld(Self.settings) { world, client in
            world.queue.change { $0.failure = SallyError(.unavailable, "cluster demo does not answer") }
            for token in [world.alice, world.bob, world.alice] {
                let answer = try await client.call(.get, "/slurmdb/v0.0.42/associations", token)
                #expect(answer.status == .serviceUnavailable)
                #expect(answer.headers[.retryAfter] == "2")
            }
            world.queue.change { $0.failure = nil }
            try await client.expect(.serviceUnavailable, .get, "/slurmdb/v0.0.42/associations", world.alice)
            #expect(world.queue.now.listed == [.associations])
            world.clock.advance(2)
            try await client.expect(.ok, .get, "/slurmdb/v0.0.42/associations", world.alice)
            #expect(world.queue.now.listed == [.associations, .associations])
        }
    }
}
