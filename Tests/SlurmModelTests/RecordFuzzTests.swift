// SPDX-License-Identifier: Apache-2.0

import StrictJSON
import Testing

@testable import SlurmModel

/// Replies that no slurmrestd would write, and packed records that nobody packed: they are read or refused, and nothing else.
@Suite struct RecordFuzzTests {
    private func anything(_ random: inout SeededGenerator, depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &random) {
        case 0: return nil
        case 1: return .bool(Bool.random(using: &random))
        case 2:
            let numbers = [
                "0", "-1", "-2", "65534", "4294967294", "4294967295", "9223372036854775807", "-9223372036854775808",
                "18446744073709551614", "1e400", "1.5", "-0", "99999999999999999999999",
            ]
            return .number(numbers.randomElement(using: &random) ?? "0")
        case 3, 4, 5:
            return .string(["", "x", "RUNNING", "4", "a,b", "é\u{0}"].randomElement(using: &random) ?? "")
        case 6: return .array((0..<3).map { _ in anything(&random, depth: depth - 1) })
        default:
            let keys = [
                "set", "infinite", "number", "status", "return_code", "signal", "id", "cores", "index", "0", "name",
            ]
            return .object(
                JSONObject(keys.shuffled(using: &random).prefix(3).map { ($0, anything(&random, depth: depth - 1)) }))
        }
    }

    /// A value somewhere in it becomes another.
    private func mutated(_ json: JSONValue, _ random: inout SeededGenerator) -> JSONValue {
        if case .object(var object) = json, !object.isEmpty, Int.random(in: 0..<8, using: &random) > 0,
            let member = Array(object).randomElement(using: &random)
        {
            object[member.key] = mutated(member.value, &random)
            return .object(object)
        }
        if case .array(var elements) = json, let index = elements.indices.randomElement(using: &random),
            Int.random(in: 0..<8, using: &random) > 0
        {
            elements[index] = mutated(elements[index], &random)
            return .array(elements)
        }
        return anything(&random, depth: 3)
    }

    /// What is read of it packs, unpacks and is written in every version as JSON that says the same when it is read and written again.
    @Test(arguments: Recorded.all.filter { $0.file != "job" && $0.file != "accounting-job" })
    func repliesAreReadOrRefused(recorded: Recorded) throws {
        var random = SeededGenerator(SeededGenerator.seed &+ UInt64(recorded.daemon.version.rawValue))
        let objects = try recorded.objects()
        for _ in 0..<(SeededGenerator.cases / 320) {
            guard var json = objects.randomElement(using: &random) else { return }
            for _ in 0..<Int.random(in: 1...4, using: &random) { json = mutated(json, &random) }
            guard let record = SlurmRecord(json, noun: recorded.noun, version: recorded.daemon.version) else {
                continue
            }
            try #require(SlurmRecord(packed: record.packed) == record, "\(json.text())")
            let version = APIVersion(rawValue: NounTableTests.versions.randomElement(using: &random) ?? 42)
            guard recorded.noun != .jobState || version.listsStates else { continue }
            let written = record.json(version)
            let again = try SlurmRecord(
                JSONValue(parsing: written.bytes(), limits: .listing), noun: recorded.noun, version: version)
            try #require(again?.json(version) == written, "\(json.text())")
            _ = Job(record)
            _ = Node(record)
            _ = Partition(record)
        }
    }

    @Test func packedRecordsAreReadOrRefused() throws {
        var random = SeededGenerator(SeededGenerator.seed)
        let records =
            try Fixture.daemons.flatMap { try Fixture.reply("jobs", $0).records(.job).map(\.packed) }
            + Fixture.daemons.flatMap { try Fixture.reply("accounting-jobs", $0).records(.accountingJob).map(\.packed) }
        for _ in 0..<(SeededGenerator.cases / 5) {
            var bytes = records.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(index...)
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
                default: bytes.remove(at: index)
                }
                if bytes.isEmpty { bytes = [1] }
            }
            guard let record = SlurmRecord(packed: bytes) else { continue }
            try #require(SlurmRecord(packed: record.packed) == record)
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
