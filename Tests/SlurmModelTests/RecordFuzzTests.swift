// SPDX-License-Identifier: Apache-2.0

import SallyFuzz
import Testing

@testable import SlurmModel
@testable import StrictJSON

/// Replies that no slurmrestd would write, and packed records that nobody packed: they are read or refused, and nothing else.
@Suite struct RecordFuzzTests {
    private static let numbers = [
        "0", "-1", "-2", "65534", "4294967294", "4294967295", "9223372036854775807", "-9223372036854775808",
        "18446744073709551614", "1e400", "1.5", "-0", "99999999999999999999999", "256", "16777216",
    ]
    private static let texts = ["", "x", "RUNNING", "4", "a,b", ",", "é\u{0}", "allocated", "SUCCESS", "n[1-3]"]
    private static let keys = [
        "set", "infinite", "number", "status", "return_code", "signal", "id", "cores", "index", "0", "name",
    ]

    private static func anything(_ random: inout SeededGenerator, depth: Int) -> JSONValue {
        switch random.below(depth > 0 ? 8 : 6) {
        case 0: return nil
        case 1: return .bool(random.chance(50))
        case 2: return .number(random.one(of: numbers))
        case 3, 4, 5: return .string(random.one(of: texts))
        case 6: return .array((0..<3).map { _ in anything(&random, depth: depth - 1) })
        default:
            return .object(
                JSONObject((0..<3).map { _ in (random.one(of: keys), anything(&random, depth: depth - 1)) }))
        }
    }

    /// A value somewhere in it becomes another.
    private static func mutate(_ json: JSONValue, _ random: inout SeededGenerator) -> JSONValue {
        if case .object(var object) = json, !object.isEmpty, random.below(8) > 0 {
            let place = random.below(object.count)
            object[object.keys[place]] = mutate(object.values[place], &random)
            return .object(object)
        }
        if case .array(var elements) = json, !elements.isEmpty, random.below(8) > 0 {
            let place = random.below(elements.count)
            elements[place] = mutate(elements[place], &random)
            return .array(elements)
        }
        return anything(&random, depth: 3)
    }

    /// All recorded objects of a noun, with the version that each came in.
    private struct Objects: CustomStringConvertible {
        var noun: SlurmNoun
        var objects: [(json: JSONValue, version: APIVersion)]
        var description: String { "\(noun)s" }

        init(_ noun: SlurmNoun) throws {
            self.noun = noun
            objects = try Recorded.all.filter { $0.noun == noun }.flatMap { recorded in
                try recorded.objects().map { (json: $0, version: recorded.daemon.version) }
            }
            for name in Objects.answers[noun] ?? [] {
                for daemon in Fixture.daemons {
                    let reply = try Fixture.json(name, daemon)
                    var found = [reply]
                    if let key = noun.listKey(daemon.version), let listed = reply[key] {
                        found = listed.array ?? [listed]
                    }
                    objects += found.map { (json: $0, version: daemon.version) }
                }
            }
            objects.removeAll { $0.json.object == nil }
            // Nothing recorded has these.
            let version = APIVersion(rawValue: 42)
            if noun == .warning {
                objects.append((json: ["description": "x", "source": "y"], version: version))
            }
            if noun == .updateResult {
                objects.append(
                    (
                        json: ["job_id": 7, "step_id": "7", "error": "No error", "error_code": 0, "why": ""],
                        version: version
                    ))
            }
        }

        /// Replies that have what no list of a noun has.
        private static let answers: [SlurmNoun: [String]] = [
            .submission: ["submit-done", "submit-unknown-account"], .meta: ["ping", "hold"],
            .error: ["submit-unknown-account", "job-missing"], .warning: ["submit-unknown-key"],
            .updateResult: ["hold"],
        ]
    }

    private static let nouns: [SlurmNoun] = SlurmNoun.allCases
    /// Jobs have the most fields.
    private static let parts: [(noun: SlurmNoun, part: Int)] = nouns.flatMap { noun in
        (0..<(noun == .job || noun == .accountingJob ? 4 : 1)).map { (noun: noun, part: $0) }
    }

    /// What is read of it packs, unpacks and is written in every version as JSON that says the same when it is read and
    /// written again.
    @Test(arguments: parts.indices) func objectsAreReadOrRefused(index: Int) throws {
        let (noun, part) = Self.parts[index]
        let recorded = try Objects(noun)
        try #require(!recorded.objects.isEmpty, "\(noun)")
        let parts = Self.parts.count { $0.noun == noun }
        try Fuzz("\(recorded)", quick: 64, part: part, of: parts).run(accepting: 50) { random in
            let object = random.one(of: recorded.objects)
            let origin = object.version
            var json = object.json
            for _ in 0...random.below(4) { json = Self.mutate(json, &random) }
            guard let record = SlurmRecord(json, noun: noun, version: origin) else { return .refused }
            try Fuzz.check(SlurmRecord(packed: record.packed) == record, "packed \(origin): \(json.text())")
            let version = APIVersion(rawValue: random.one(of: NounTableTests.versions))
            guard noun != .jobState || version.listsStates else { return .accepted }
            let written = record.json(version)
            let again = SlurmRecord(
                try JSONValue(parsing: written.bytes(), limits: .listing), noun: noun, version: version)
            try Fuzz.check(
                again?.json(version) == written, "\(origin) as \(version): \(json.text()) became \(written.text())")
            _ = Job(record)
            _ = Node(record)
            _ = Partition(record)
            return .accepted
        }
    }

    private static let replies = [
        "submit-done", "submit-array", "submit-unknown-account", "submit-unknown-key", "submit-empty", "cancel",
        "cancel-others", "cancel-missing", "hold", "ping", "diag", "job-missing", "jobs-none", "nodes", "partitions",
        "reservations", "accounting-job-missing",
    ]

    /// Whole answers, with all that stands around what is asked for.
    @Test func repliesAreReadOrRefused() throws {
        let recorded = try Fixture.daemons.flatMap { daemon in
            try Self.replies.map { (json: try Fixture.json($0, daemon), version: daemon.version) }
        }
        try Fuzz("replies", quick: 500).run { random in
            let answer = random.one(of: recorded)
            let version = answer.version
            var json = answer.json
            for _ in 0...random.below(4) { json = Self.mutate(json, &random) }
            let reply = SlurmReply(json, version: version)
            let envelope = SlurmEnvelope(reply)
            let written = APIVersion(rawValue: random.one(of: NounTableTests.versions))
            let again = SlurmEnvelope(SlurmReply(envelope.json(written), version: written))
            try Fuzz.check(
                again.meta == envelope.meta && again.errors == envelope.errors && again.warnings == envelope.warnings,
                "\(version) as \(written): \(json.text())")
            _ = (reply.errors, reply.refusal, reply.warnings)
            return Self.readings.count { $0(reply) } > 0 ? .accepted : .refused
        }
    }

    /// Whether an answer is taken for what it is asked as.
    private static let readings: [@Sendable (SlurmReply) -> Bool] = [
        { (try? $0.submission()) != nil }, { (try? $0.diagnosis()) != nil },  // what is malformed is refused
        { (try? $0.cancellations()) != nil }, { (try? $0.jobStates()) != nil },  // the same
        { (try? $0.jobs()) != nil },  // the same
        { (try? $0.records(.accountingJob).map { try Job(believed: $0) }) != nil },  // the same
        { (try? $0.nodes()) != nil }, { (try? $0.partitions()) != nil },  // the same
        { (try? $0.records(.reservation)) != nil }, { (try? $0.records(.cancellation)) != nil },  // the same
    ]

    @Test func packedRecordsAreReadOrRefused() throws {
        let records =
            try Fixture.daemons.flatMap { try Fixture.reply("jobs", $0).records(.job).map(\.packed) }
            + Fixture.daemons.flatMap { try Fixture.reply("accounting-jobs", $0).records(.accountingJob).map(\.packed) }
        try Fuzz("packed records", quick: 1_000).run(accepting: 10) { random in
            var bytes = random.one(of: records)
            for _ in 0...random.below(3) {
                let index = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes[index] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.removeSubrange(index...)
                case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: index)
                default: bytes.remove(at: index)
                }
                if bytes.isEmpty { bytes = [1] }
            }
            guard let record = SlurmRecord(packed: bytes) else { return .refused }
            try Fuzz.check(SlurmRecord(packed: record.packed) == record, "\(bytes)")
            return .accepted
        }
    }

    @Test(
        arguments: [
            [], [1], [1, 1, 42], [2, 1, 42, 0], [1, 99, 42, 0], [1, 1, 42, 0, 0],
            [1, 1, 42, 0xff, 0xff, 0xff, 0xff, 0xff],
            [1, 1, 42, 1, 7, 0xff, 0xff, 0x7f], [1, 1, 42, 1, 7, 1, 0xff, 0], [1, 1, 42, 1, 8, 0],
            [1, 1, 42, 1, 9, 1, 0],
            [1, 1, 42, 1, 99, 0], [1, 1, 42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f],
        ] as [[UInt8]]) func bytesThatNobodyPackedAreRefused(bytes: [UInt8])
    {
        #expect(SlurmRecord(packed: bytes) == nil)
    }
}
