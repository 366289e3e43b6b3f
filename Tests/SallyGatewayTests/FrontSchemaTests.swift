// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTPTypes
import HummingbirdTesting
import SallyModel
import SallyWire
import SlurmClient
import SlurmModel
import SlurmTestSupport
import StrictJSON
import Testing

@testable import SallyGateway

/// Every answer of the front, as a client reads it that was made of slurmrestd's own description of the version: recorded from
/// daemons and published ones (Tests/SlurmModelTests/Fixtures).
@Suite struct FrontSchemaTests {
    private static let alice = UserName(unchecked: "alice")

    /// A line of a description: `noun path kind`, `!` behind what is promised.
    private struct Property: Sendable {
        var noun: String
        var path: [String]
        var kind: String
        var isRequired: Bool
    }

    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../SlurmModelTests/Fixtures/slurmrestd").standardized

    private static func described(_ version: String) throws -> [Property] {
        let file = fixtures.appending(path: "properties/\(version).txt")
        return String(decoding: try Data(contentsOf: file), as: UTF8.self).split(separator: "\n").map { line in
            let words = line.split(separator: " ").map(String.init)
            let kind = words[words.count - 1]
            return Property(
                noun: words[0],
                path: words[1..<(words.count - 1)].joined(separator: " ").split(separator: ".").map(String.init),
                kind: String(kind.prefix { $0 != "!" }), isRequired: kind.hasSuffix("!"))
        }
    }

    /// What 24.11.5 answered in v0.0.42, as somebody else's.
    private static func recorded(
        _ file: String, _ noun: SlurmNoun, _ changes: [(String, FieldValue)]
    ) throws -> SlurmRecord {
        let path = fixtures.appending(path: "24.11.5/v0.0.42/\(file).json")
        let json = try JSONValue(parsing: Array(Data(contentsOf: path)), limits: .listing)
        let version = APIVersion(rawValue: 42)
        let rows = json[try #require(noun.listKey(version))]?.array ?? []
        var record = try #require(rows.compactMap { SlurmRecord($0, noun: noun, version: version) }.last)
        for (key, value) in changes { record[key] = value }
        return record
    }

    private static func settings() throws -> WorldSettings {
        let own = FieldValue.text("alice")
        let (lab, demo) = (FieldValue.text("lab"), FieldValue.text("demo"))
        let job = try recorded(
            "jobs", .job,
            [
                ("job_id", .integer(1)), ("user_name", own), ("account", lab), ("partition", .text("debug")),
                ("job_state", .words(["PENDING"])), ("qos", .unset), ("array_task_string", .unset),
                ("array_job_id", .integer(0)),
            ])
        let finished = try recorded(
            "accounting-jobs", .accountingJob,
            [
                ("job_id", .integer(3)), ("user", own), ("cluster", demo),
                // Accounting is asked for a day back.
                ("time.end", .integer(TestClock().now.rawValue)),
            ])
        let records: [SlurmListing: [SlurmRecord]] = [
            .partitions: [try recorded("partitions", .partition, [("name", .text("debug"))])],
            .nodes: [try recorded("nodes", .node, [("name", .text("node001"))])],
            .reservations: [try recorded("reservations", .reservation, [("name", .text("mine")), ("users", own)])],
            .users: [try recorded("users", .user, [("name", own)])],
            .associations: [
                try recorded(
                    "associations", .association,
                    [("user", own), ("account", lab), ("cluster", demo), ("qos", .words(["normal"]))])
            ],
            .accounts: [try recorded("accounts", .account, [("name", lab)])],
            .qos: [try recorded("qos", .qos, [("name", .text("normal"))])],
            .jobs(of: alice, since: Timestamp(0)): [finished],
            .job(JobID(rawValue: 3)!, of: alice): [finished],  // a small number
        ]
        // One that may be changed.
        var simple = SlurmRecord(.job, version: APIVersion(rawValue: 42))
        for (key, value) in [
            ("job_id", .integer(2)), ("user_name", own), ("account", lab), ("partition", .text("debug")),
            ("job_state", .words(["PENDING"])), ("tasks", .integer(1)), ("cpus", .integer(1)),
            ("node_count", .integer(1)), ("time_limit", .integer(10)),
        ] as [(String, FieldValue)] {
            simple[key] = value
        }
        let queued = [(UInt32(1), job), (2, simple)].map { id, record in
            QueuedJob(view: makeJob(id, alice).view, owner: alice, array: nil, marker: nil, record: record.packed)
        }
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change { state in
                state.jobs = queued
                state.records = records
                state.lacksSteps = true
            }
        }
        return settings
    }

    private static let gets: [(path: String, noun: SlurmNoun)] = [
        ("slurm/V/ping", .ping), ("slurm/V/diag", .diagnosis), ("slurm/V/jobs", .job), ("slurm/V/job/1", .job),
        ("slurm/V/partitions", .partition), ("slurm/V/partition/debug", .partition), ("slurm/V/nodes", .node),
        ("slurm/V/node/node001", .node), ("slurm/V/reservations", .reservation),
        ("slurm/V/reservation/mine", .reservation), ("slurmdb/V/jobs", .accountingJob),
        ("slurmdb/V/job/3", .accountingJob), ("slurmdb/V/users", .user), ("slurmdb/V/user/alice", .user),
        ("slurmdb/V/associations", .association), ("slurmdb/V/association", .association),
        ("slurmdb/V/accounts", .account), ("slurmdb/V/account/lab", .account), ("slurmdb/V/qos", .qos),
        ("slurmdb/V/qos/normal", .qos),
    ]

    @Test(arguments: frontVersions)
    func answersAreWhatTheVersionDescribes(version: String) async throws {
        let described = try Self.described(version)
        try await withWorld(try Self.settings()) { world, client in
            for (path, noun) in Self.gets {
                let path = "/" + path.replacing("V", with: version)
                let answer = try await client.call(.get, path, world.alice)
                #expect(answer.status == .ok, "\(path): \(answer.text)")
                let elements = Self.check(try answer.json, noun, described, path)
                #expect(elements > 0, "\(path) lists nothing")
            }
            // A submission says its answer at the top.
            let submitted = try await client.call(.post, "/slurm/\(version)/job/submit", world.alice, body: frontJob)
            #expect(submitted.status == .ok, "\(submitted.text)")
            Self.check(try submitted.json, .submission, described, "submit")
            let change = #"{"hold": true}"#
            let updated = try await client.call(.post, "/slurm/\(version)/job/2", world.alice, body: change)
            #expect(updated.status == .ok, "\(updated.text)")
            Self.check(try updated.json, .updateResult, described, "update")
            let failed = try await client.call(
                .delete, "/slurm/\(version)/jobs", world.alice, body: #"{"jobs": ["9", "x"]}"#)
            #expect(failed.status == .ok, "\(failed.text)")
            let failures = Self.check(try failed.json, .cancellation, described, "cancel")
            #expect(failures == 2)
            for (status, path) in [(404, "slurm/\(version)/job/9"), (501, "slurm/\(version)/licenses")] {
                let refused = try await client.call(.get, "/\(path)", world.alice)
                #expect(refused.status.code == status)
                Self.check(try refused.json, .error, described, path)
                #expect(try refused.json["errors"]?.array?.count == 1)
            }
        }
    }

    /// The first release that had the version, in the texts that slurmrestd writes: all three numbers, two digits each of the first.
    @Test(arguments: [
        ("v0.0.40", "23.11.0", "23", "11"), ("v0.0.41", "24.05.0", "24", "05"), ("v0.0.42", "24.11.0", "24", "11"),
        ("v0.0.43", "25.05.0", "25", "05"), ("v0.0.44", "25.11.0", "25", "11"),
    ])
    func metaNamesARelease(version: String, release: String, major: String, minor: String) async throws {
        try await withWorld { world, client in
            for path in ["slurm/\(version)/ping", "slurm/\(version)/job/9", "slurmdb/\(version)/jobs"] {
                let slurm = try await client.call(.get, "/\(path)", world.alice).json["meta"]?["slurm"]
                #expect(slurm?["version"] == ["major": .string(major), "micro": "0", "minor": .string(minor)])
                #expect(slurm?["release"]?.string == release)
            }
        }
    }

    /// Words that came with a later version than the one asked for: a client made of its description takes the whole answer
    /// for broken.
    @Test(arguments: [("v0.0.40", false), ("v0.0.43", false), ("v0.0.44", true)])
    func wordsOfLaterVersionsAreNotSaid(version: String, isKnown: Bool) async throws {
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change { state in
                var node = SlurmRecord(.node, version: APIVersion(rawValue: 44))
                node["name"] = .text("node001")
                node["state"] = .words(["IDLE", "BLOCKED"])
                state.records = [.nodes: [node]]
                var job = makeJob(1, Self.alice)
                job.view.states = ["PENDING", "EXPEDITING"]
                state.jobs = [job]
            }
        }
        try await withWorld(settings) { world, client in
            let nodes = try await client.call(.get, "/slurm/\(version)/nodes", world.alice).json
            let words = nodes["nodes"]?.array?.first?["state"]?.array?.compactMap(\.string)
            #expect(words == (isKnown ? ["IDLE", "BLOCKED"] : ["IDLE"]))
            for (path, key) in [("jobs", "job_state"), ("job/1", "job_state"), ("jobs/state", "state")] {
                let jobs = try await client.call(.get, "/slurm/\(version)/\(path)", world.alice).json
                let states = jobs["jobs"]?.array?.first?[key]?.array?.compactMap(\.string)
                #expect(states == (isKnown ? ["PENDING", "EXPEDITING"] : ["PENDING"]), "\(path)")
            }
        }
    }

    /// - Returns: how many objects there were.
    @discardableResult private static func check(
        _ json: JSONValue, _ noun: SlurmNoun, _ described: [Property], _ path: String
    ) -> Int {
        faults(json["meta"] ?? .null, "meta", described, path)
        for error in json["errors"]?.array ?? [.null] { faults(error, "error", described, path) }
        for warning in json["warnings"]?.array ?? [.null] { faults(warning, "warning", described, path) }
        guard noun != .error else { return 0 }
        faults(json, "\(noun).answer", described, path)
        guard let key = noun.listKey(APIVersion(rawValue: 42)) else {
            faults(json, "\(noun)", described, path)
            return 1
        }
        guard let list = json[key] else {
            Issue.record("\(path): no \(key)")
            return 0
        }
        let elements = noun == .diagnosis ? [list] : list.array ?? [.null]
        for element in elements { faults(element, "\(noun)", described, path) }
        return elements.count
    }

    private static func faults(_ json: JSONValue, _ noun: String, _ described: [Property], _ path: String) {
        guard noun.hasSuffix(".answer") || json.object != nil else {
            Issue.record("\(path): \(noun) is \(json.kind)")
            return
        }
        for property in described where property.noun == noun {
            if let fault = fault(json, property.path[...], property) {
                Issue.record("\(path): \(noun) \(property.path.joined(separator: ".")) \(fault)")
            }
        }
    }

    /// What is not promised may be missing; what is there is of the kind that is described.
    private static func fault(_ json: JSONValue, _ path: ArraySlice<String>, _ property: Property) -> String? {
        guard let step = path.first else { return json.isOf(kind: property.kind) ? nil : "is \(json.text())" }
        let isList = step.hasSuffix("[]")
        guard let value = json[isList ? String(step.dropLast(2)) : step] else {
            // A list may be missing with all that is promised of its elements.
            return property.isRequired && !isList ? "is missing" : nil
        }
        // What a job has of the cluster is null until it runs.
        if value.isNull, step == "job_resources" { return nil }
        guard isList else { return fault(value, path.dropFirst(), property) }
        guard let elements = value.array else { return "is no list" }
        return elements.lazy.compactMap { fault($0, path.dropFirst(), property) }.first
    }
}
