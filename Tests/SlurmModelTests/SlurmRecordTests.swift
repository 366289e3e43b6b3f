// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON
import Testing

@testable import SlurmModel

/// Every object that a real daemon answered with, by noun.
struct Recorded: Sendable, CustomStringConvertible {
    var daemon: Fixture.Daemon
    var file: String
    var noun: SlurmNoun
    var description: String { "\(daemon) \(file)" }

    static let all: [Recorded] = Fixture.daemons.flatMap { daemon -> [Recorded] in
        var files: [(String, SlurmNoun)] = [
            ("jobs", .job), ("job", .job), ("nodes", .node), ("partitions", .partition), ("ping", .ping),
            ("accounting-jobs", .accountingJob), ("accounting-job", .accountingJob), ("reservations", .reservation),
            ("diag", .diagnosis), ("qos", .qos), ("accounts", .account), ("associations", .association),
            ("users", .user),
        ]
        if daemon.version.listsStates { files.append(("jobs-state", .jobState)) }
        if daemon.version.cancelsLists {
            files += [("cancel-others", .cancellation), ("cancel-missing", .cancellation)]
        }
        return files.map { Recorded(daemon: daemon, file: $0.0, noun: $0.1) }
    }

    func objects() throws -> [JSONValue] {
        let reply = try Fixture.reply(file, daemon)
        let key = try #require(noun.listKey(daemon.version))
        let listed = try #require(reply.json[key])
        return noun == .diagnosis ? [listed] : try #require(listed.array)
    }
}

@Suite struct SlurmRecordTests {
    /// Where slurmrestd does not write what it describes: we write what it describes.
    private static let described: Set<String> = [
        ".watts.set is new", ".watts.infinite is new", ".watts.number is new",
    ]

    /// What comes in, goes out again, byte for value: nothing that a daemon says is lost or changed on the way.
    @Test(arguments: Recorded.all.filter { $0.daemon.version.rawValue >= 40 })
    func encodesWhatItDecoded(recorded: Recorded) throws {
        for json in try recorded.objects() {
            let record = try #require(SlurmRecord(json, noun: recorded.noun, version: recorded.daemon.version))
            for difference in differences(json, record.json(recorded.daemon.version))
            where !Self.described.contains(difference) {
                Issue.record("\(recorded): \(difference)")
            }
        }
    }

    /// Nobody writes v0.0.38 here: its words have other shapes, and much is null. What it said is all there, though: written by
    /// the same table and read again it is the same record.
    @Test(arguments: Recorded.all.filter { $0.daemon.version.takesOptions })
    func readsAgainWhatTheOldVersionSaid(recorded: Recorded) throws {
        let version = recorded.daemon.version
        for json in try recorded.objects() {
            let record = try #require(SlurmRecord(json, noun: recorded.noun, version: version))
            let written = record.json(version)
            let again = try #require(SlurmRecord(written, noun: recorded.noun, version: version))
            #expect(record.differences(from: again) == [], "\(recorded)")
            let found = differences(json, written)
            for difference in found where difference.hasSuffix(" is gone") {
                // A signal's number is called as it is since v0.0.40.
                let renamed = difference.replacing(".signal.signal_id is gone", with: ".signal.id is new")
                if renamed == difference || !found.contains(renamed) { Issue.record("\(recorded): \(difference)") }
            }
        }
    }

    @Test(arguments: Recorded.all) func packsAndUnpacks(recorded: Recorded) throws {
        for json in try recorded.objects() {
            let record = try #require(SlurmRecord(json, noun: recorded.noun, version: recorded.daemon.version))
            let unpacked = try #require(SlurmRecord(packed: record.packed))
            #expect(unpacked == record)
            #expect(unpacked.packed == record.packed)
        }
    }

    /// A hundred thousand of them are to stay under a gigabyte, with all that stands around.
    @Test(arguments: Fixture.daemons) func packsJobsSmall(daemon: Fixture.Daemon) throws {
        let records = try Fixture.reply("jobs", daemon).records(.job)
        for record in records { #expect(record.packed.count < 1024, "\(record.text("name") ?? "")") }
    }

    @Test func leavesOutWhatIsUsual() throws {
        var record = SlurmRecord(.job, version: APIVersion(rawValue: 42))
        #expect(record.packed == [1, SlurmNoun.job.rawValue, 42, 0])
        record["job_id"] = .integer(7)
        #expect(record.packed.count == 7)
        #expect(SlurmRecord(packed: record.packed)?.number("job_id") == 7)
    }
}

/// Where two JSON values differ, as paths. Numbers are compared as numbers.
func differences(_ left: JSONValue, _ right: JSONValue, at path: String = "") -> [String] {
    switch (left, right) {
    case (.object(let mine), .object(let theirs)):
        let keys = mine.map(\.key) + theirs.map(\.key).filter { mine[$0] == nil }
        return keys.flatMap { key -> [String] in
            switch (mine[key], theirs[key]) {
            case (let mine?, let theirs?): differences(mine, theirs, at: "\(path).\(key)")
            case (_?, nil): ["\(path).\(key) is gone"]
            case (nil, _): ["\(path).\(key) is new"]
            }
        }
    case (.array(let mine), .array(let theirs)) where mine.count == theirs.count:
        return zip(mine, theirs).enumerated().flatMap { differences($1.0, $1.1, at: "\(path)[\($0)]") }
    case (.number, .number) where left.double == right.double: return []
    default: return left == right ? [] : ["\(path): \(left.text()) became \(right.text())"]
    }
}
