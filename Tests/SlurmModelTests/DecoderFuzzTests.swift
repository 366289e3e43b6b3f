// SPDX-License-Identifier: Apache-2.0

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

    private func description(_ version: Int, _ random: inout SeededGenerator) -> JSONObject {
        var job = JSONObject()
        for _ in 0..<random.below(5) {
            let field = random.one(of: jobDescriptionFields)
            let fitting = field.spellings.filter { $0.versions.contains(version) }
            guard let spelling = fitting.isEmpty ? field.spellings.first : random.one(of: fitting) else { continue }
            job[spelling.name] = value(spelling.form, &random)
        }
        return job
    }

    @Test(arguments: [38, 42, 45]) func submissionsAreReadOrRefused(version: Int) throws {
        let api = APIVersion(rawValue: version)
        var random = SeededGenerator(SeededGenerator.seed &+ UInt64(version))
        var accepted = 0
        for _ in 0..<SeededGenerator.cases / 3 {
            var body = JSONObject([("script", "#!/bin/sh\n"), ("job", .object(description(version, &random)))])
            if random.chance(3) { body["jobs"] = anything(&random, depth: 2) }
            if random.chance(3) { body["script"] = anything(&random, depth: 1) }
            do {
                let request = try JobDescription.request(from: .object(body), version: api)
                accepted += 1
                guard let job = try? JobDescription.properties(request, api, now: Timestamp(1_700_000_000)) else {
                    continue
                }  // a field of another version
                let again = try JobDescription.request(
                    from: ["job": .object(job), "script": .string(request.script)], version: api)
                try #require(moments(again) == moments(request, implied: true), "\(JSONValue.object(body))")
                #expect(try JobRequest(json: request.json) == request)
            } catch is SallyError {}
        }
        #expect(accepted > SeededGenerator.cases / 60, "\(accepted)")
    }

    /// Relative moments become absolute, and tasks that nodes imply are said.
    private func moments(_ request: JobRequest, implied: Bool = false) -> JobRequest {
        var request = request
        request.begin = request.begin.map {
            .at(max(Timestamp(1_700_000_000), $0.moment(now: Timestamp(1_700_000_000))))
        }
        if implied { request.tasks = request.impliedTasks }
        // No mail is said by saying nothing.
        if request.mail?.events.isEmpty == true { request.mail = nil }
        return request
    }

    @Test(arguments: [38, 42, 45]) func updatesAreReadOrRefused(version: Int) throws {
        let api = APIVersion(rawValue: version)
        var random = SeededGenerator(SeededGenerator.seed &+ UInt64(version))
        let existing: JSONValue = [
            "account": "lab", "partition": "debug", "tasks": 1, "tres_req_str": "cpu=1,mem=1G,node=1",
        ]
        let partition = Partition(name: "debug", isDefault: true, totalNodes: 1, totalCPUs: 8, totalMemory: nil)
        let defaults = ClusterDefaults(partitions: [partition], account: nil)
        let user = try UserName("alice")
        for _ in 0..<SeededGenerator.cases / 3 {
            do {
                let update = try JobUpdate(from: .object(description(version, &random)), version: api)
                _ = try update.outcomes(of: existing, from: api, defaults: defaults, user: user)
                _ = try update.json(version: api, now: Timestamp(1_700_000_000))
            } catch is SallyError {}
        }
    }

    /// Also a record of a job that Slurm would never write is read or refused.
    @Test func recordsAreReadOrRefused() throws {
        var random = SeededGenerator(SeededGenerator.seed)
        let keys = [
            "account", "partition", "qos", "tasks", "cpus", "cpus_per_task", "node_count", "max_nodes",
            "memory_per_node",
            "memory_per_cpu", "tres_per_job", "tres_per_node", "tres_per_task", "cpus_per_tres", "memory_per_tres",
            "shared",
            "array_task_string", "time_limit", "tres_req_str", "required_nodes", "excluded_nodes",
            "minimum_cpus_per_node", "tasks_per_tres",
        ]
        for _ in 0..<SeededGenerator.cases {
            var record = JSONObject([("account", "lab"), ("partition", "debug")])
            for _ in 0..<random.below(6) { record[random.one(of: keys)] = anything(&random, depth: 2) }
            do { _ = try ExistingJob(.object(record)) } catch is SallyError {}
        }
    }

    /// Bytes that were JSON.
    @Test func bytesAreReadOrRefused() throws {
        var random = SeededGenerator(SeededGenerator.seed)
        let whole = Array(
            ##"{"job": {"name": "é\u00e9\"", "n": [1, -2.5e+3, true, null]}, "script": "#!/bin/sh\n"}"##.utf8)
        let letters = Array(##"{}[]:,"\u0123456789eE+-.truefalsn "##.utf8) + [0, 0xff, 0xc3, 0xf0]
        for _ in 0..<SeededGenerator.cases {
            var bytes = whole
            for _ in 0...random.below(4) {
                let place = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes[place] = random.one(of: letters)
                case 1: bytes.remove(at: place)
                case 2: bytes.removeSubrange(place...)
                default: bytes.insert(random.one(of: letters), at: place)
                }
                if bytes.isEmpty { bytes = [0x7b] }
            }
            guard let json = try? JSONValue(parsing: bytes) else { continue }  // refused
            try #require(try JSONValue(parsing: json.bytes()) == json)
        }
    }
}
