// SPDX-License-Identifier: Apache-2.0

import SallyFuzz
import SallyModel
import StrictJSON
import Testing

@testable import SlurmModel

/// Made-up bodies are read or refused, and nothing else; what is read of one is the same when it is written and read again.
@Suite struct DecoderFuzzTests {
    private static let texts = [
        "", "x", "5", "-1", "1-2", "gpu", "a100:2", "gres/gpu:a100:2", "4G", "1:00:00", "now+60", "afterok:1", "0-9%2",
        "USR1@60",
        "END", "none", "user", "A=b", "/home/x", "NaN", "infinite", "é\u{0}", "#!/bin/sh\n", "n[1-2]", "true",
        "intel&amd",
    ]

    /// Half of them are what the field's form asks for.
    private func value(_ form: FieldForm, _ random: inout SeededGenerator) -> JSONValue {
        if random.chance(50) { return anything(&random, depth: 2) }
        switch form {
        case .text, .moment: return .string(random.one(of: Self.texts))
        case .integer: return .integer(random.below(70_000))
        case .number:
            return [
                "set": .bool(random.chance(90)), "infinite": .bool(random.chance(10)),
                "number": .integer(random.below(9999)),
            ]
        case .flag: return .bool(random.chance(50))
        case .list, .words, .assignments:
            return .array((0..<random.below(3)).map { _ in .string(random.one(of: Self.texts)) })
        case .map, .object:
            return .object(JSONObject((0..<random.below(3)).map { ("A\($0)", .string(random.one(of: Self.texts))) }))
        }
    }

    private func anything(_ random: inout SeededGenerator, depth: Int) -> JSONValue {
        switch random.below(depth > 0 ? 8 : 6) {
        case 0: return nil
        case 1: return .bool(random.chance(50))
        case 2:
            return .integer(
                random.one(of: [0, 1, 5, -1, 65534, 65536, 4_294_967_294, 4_294_967_295, Int.max, Int.min]))
        case 3:
            return .number(
                random.one(of: ["1.5", "5.0", "1e3", "1e400", "-0", "18446744073709551614", "99999999999999999999"]))
        case 4, 5: return .string(random.one(of: Self.texts))
        case 6: return .array((0..<random.below(3)).map { _ in anything(&random, depth: depth - 1) })
        default:
            let keys = ["set", "infinite", "number", "x"]
            return .object(
                JSONObject(
                    (0..<random.below(4)).map { _ in (random.one(of: keys), anything(&random, depth: depth - 1)) }))
        }
    }

    private func description(
        _ version: Int, of fields: [DescriptionField] = jobDescriptionFields, _ random: inout SeededGenerator
    ) -> JSONObject {
        var job = JSONObject()
        for _ in 0..<random.below(5) {
            let field = random.one(of: fields)
            let fitting = field.spellings.filter { $0.versions.contains(version) }
            guard let spelling = fitting.isEmpty ? field.spellings.first : random.one(of: fitting) else { continue }
            job[spelling.name] = value(spelling.form, &random)
        }
        return job
    }

    private static let versions = [38, 42, 45]

    @Test(arguments: versions.indices) func submissionsAreReadOrRefused(part: Int) throws {
        let version = Self.versions[part]
        let api = APIVersion(rawValue: version)
        try Fuzz("submissions", part: part, of: Self.versions.count).run(accepting: 50) { random in
            var body = JSONObject([("script", "#!/bin/sh\n"), ("job", .object(description(version, &random)))])
            if random.chance(3) { body["jobs"] = anything(&random, depth: 2) }
            if random.chance(3) { body["script"] = anything(&random, depth: 1) }
            guard let request = try refusing({ try JobDescription.request(from: .object(body), version: api) }) else {
                return .refused
            }
            // A field of another version cannot be written.
            guard let job = try refusing({ try JobDescription.properties(request, api, now: Self.now) }) else {
                return .accepted
            }
            let again = try JobDescription.request(
                from: ["job": .object(job), "script": .string(request.script)], version: api)
            try Fuzz.check(
                moments(again) == moments(request, implied: true), "\(version): \(JSONValue.object(body).text())")
            try Fuzz.check(try JobRequest(json: request.json) == request, "of \(request.json.text())")
            return .accepted
        }
    }

    private static let now = Timestamp(1_700_000_000)

    /// - Returns: nil where it is refused as a person is told.
    private func refusing<Value>(_ body: () throws -> Value) throws -> Value? {
        do { return try body() } catch is SallyError { return nil }
    }

    /// Bodies of our own API.
    @Test func requestsAreReadOrRefused() throws {
        let keys = JobField.allCases.map(\.rawValue) + ["script", "arguments", "environment", "nosuch"]
        try Fuzz("requests").run(accepting: 50) { random in
            var body = JSONObject([("script", "#!/bin/sh\n")])
            for _ in 0..<random.below(5) {
                body[random.one(of: keys)] =
                    random.chance(60) ? .string(random.one(of: Self.texts)) : anything(&random, depth: 2)
            }
            guard let request = try refusing({ try JobRequest(json: .object(body)) }) else { return .refused }
            try Fuzz.check(try JobRequest(json: request.json) == request, JSONValue.object(body).text())
            return .accepted
        }
    }

    /// Relative moments become absolute, and tasks that nodes imply are said.
    private func moments(_ request: JobRequest, implied: Bool = false) -> JobRequest {
        var request = request
        request.begin = request.begin.map {
            .at(max(Self.now, $0.moment(now: Self.now)))
        }
        if implied { request.tasks = request.impliedTasks }
        // No mail is said by saying nothing.
        if request.mail?.events.isEmpty == true { request.mail = nil }
        return request
    }

    private static let changeable = jobDescriptionFields.filter { $0.update != .never }

    @Test(arguments: versions.indices) func updatesAreReadOrRefused(part: Int) throws {
        let version = Self.versions[part]
        let api = APIVersion(rawValue: version)
        let existing: JSONValue = [
            "account": "lab", "partition": "debug", "tasks": 1, "tres_req_str": "cpu=1,mem=1G,node=1",
        ]
        let partition = Partition(name: "debug", isDefault: true, totalNodes: 1, totalCPUs: 8, totalMemory: nil)
        let defaults = ClusterDefaults(partitions: [partition], account: nil)
        let user = try UserName("alice")
        try Fuzz("updates", part: part, of: Self.versions.count).run(accepting: 20) { random in
            // Most fields cannot be changed: of two bodies one has only such as can.
            let fields = random.chance(50) ? Self.changeable : jobDescriptionFields
            let body = JSONValue.object(description(version, of: fields, &random))
            let done: Void? = try refusing {
                let update = try JobUpdate(from: body, version: api)
                _ = try update.outcomes(of: existing, from: api, defaults: defaults, user: user)
                _ = try update.json(version: api, now: Self.now)
            }
            return done == nil ? .refused : .accepted
        }
    }

    /// Also a record of a job that Slurm would never write is read or refused.
    @Test func recordsAreReadOrRefused() throws {
        let keys = [
            "account", "partition", "qos", "tasks", "cpus", "cpus_per_task", "node_count", "max_nodes",
            "memory_per_node", "memory_per_cpu", "tres_per_job", "tres_per_node", "tres_per_task", "cpus_per_tres",
            "memory_per_tres", "shared", "array_task_string", "time_limit", "tres_req_str", "required_nodes",
            "excluded_nodes", "minimum_cpus_per_node", "tasks_per_tres",
        ]
        try Fuzz("jobs to update").run(accepting: 50) { random in
            var record = JSONObject([("account", "lab"), ("partition", "debug")])
            for _ in 0..<random.below(6) { record[random.one(of: keys)] = anything(&random, depth: 2) }
            return try refusing { try ExistingJob(.object(record)) } == nil ? .refused : .accepted
        }
    }
}
