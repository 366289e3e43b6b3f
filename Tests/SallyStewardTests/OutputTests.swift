// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import SallySteward

@Suite struct OutputTests {
    static let sep = "\u{1f}"

    static func accounting(
        _ job: Int, _ uid: Int, state: String = "COMPLETED", folder: String = "/home/alice", name: String = "x"
    ) -> String {
        ["\(job)", "\(uid)", state, "2026-11-21T04:00:00", "\(job)", "node001", "alice", name, folder]
            .joined(separator: sep) + "\n"
    }

    static func queue(_ fields: [String]) -> String {
        zip(fields, JobLookup.columns).map { field, column in
            field + String(repeating: " ", count: column.width - field.utf8.count)
        }.joined() + "\n"
    }

    static func row(
        _ job: String, _ uid: String, state: String = "RUNNING", array: (String, String) = ("", "N/A"),
        name: String = "x", output: String = "/home/alice/o", error: String = ""
    ) -> String {
        queue([
            job, uid, state, "2026-11-21T04:00:00", array.0.isEmpty ? job : array.0, array.1, "node001", "alice", name,
            "/home/alice", output, error,
        ])
    }

    @Test func readsSlurmsAnswers() throws {
        let job = try JobID("7")
        let found = try #require(JobLookup.parse(Array(("queue\n" + Self.row("7", "20001")).utf8), job: job))
        #expect(found.files.uid == 20001 && found.files.standardOutput == "/home/alice/o" && !found.hasEnded)
        #expect(found.files.standardError == "/home/alice/o")
        let ended = try #require(
            JobLookup.parse(
                Array(("accounting\n" + Self.accounting(7, 20001, state: "CANCELLED by 20001")).utf8), job: job))
        #expect(ended.hasEnded && ended.files.standardOutput == "/home/alice/slurm-7.out" && !ended.pathsAreKnown)
        #expect(JobLookup.parse(Array("accounting\n".utf8), job: job) == nil)
        #expect(JobLookup.parse([], job: job) == nil)
    }

    @Test func picksTheTaskOfAnArray() throws {
        let rows =
            Self.row("9", "20001", array: ("7", "1"), output: "/home/alice/a-%A_%a")
            + Self.row("7", "20001", array: ("7", "2"), output: "/home/alice/a-%A_%3a")
        let found = try #require(JobLookup.parse(Array(("queue\n" + rows).utf8), job: try JobID("7")))
        #expect(found.files.standardOutput == "/home/alice/a-7_002")
    }

    /// A name with line feeds and field separators is a name and nothing else.
    @Test func believesNoJobName() throws {
        let evil = "x\n7               20002"
        let found = try #require(
            JobLookup.parse(
                Array(("queue\n" + Self.row("8", "20001", name: evil) + Self.row("7", "20001")).utf8),
                job: try JobID("7")))
        #expect(found.files.uid == 20001)
        let line = Self.accounting(7, 20001, name: "a" + Self.sep + "b")
        #expect(JobLookup.parse(Array(("accounting\n" + line).utf8), job: try JobID("7")) == nil)
    }

    static let patterns = [
        ("", "/home/alice/slurm-7.out"), ("out", "/home/alice/out"), ("/data/%j.log", "/data/7.log"),
        ("%5j", "/home/alice/00007"), ("%u-%x-%N", "/home/alice/alice-fit-node001"), ("100%%", "/home/alice/100%"),
        ("%A_%a", "/home/alice/7_4294967294"), ("a\\%j", "/home/alice/a%j"), ("%q", "/home/alice/%q"),
        ("%", "/home/alice/%"),
        ("%J.%s.%t", "/home/alice/7.batch.0"),
    ]

    @Test(arguments: patterns) func expandsPatternsAsSlurmDoes(_ pattern: String, _ path: String) throws {
        let values = FilePattern(
            job: try JobID("7"), arrayJob: "7", arrayTask: nil, user: "alice", jobName: "fit", node: "node001",
            folder: "/home/alice")
        #expect(values.expand(pattern) == path)
    }

    @Test func readsTheSweep() throws {
        let rows =
            Self.row("7", "20001", output: "/data/%j.log") + Self.row("8", "20002", output: "/data/o", error: "e")
        let found = try JobSweep.parse(Array((rows + "end\n").utf8))
        #expect(found.map(\.standardOutput) == ["/data/7.log", "/data/o"])
        #expect(found.map(\.standardError) == ["/data/7.log", "/home/alice/e"])
        #expect(found.map(\.uid) == [20001, 20002])
        #expect(throws: SallyError.self) { try JobSweep.parse(Array(rows.utf8)) }
        #expect(throws: SallyError.self) { try JobSweep.parse([]) }
    }

    static func fixture(_ folder: String, lookup: String, read: Completion) async throws -> StewardFixture {
        let cluster = FakeCluster { script, _, _ in
            if script.contains("\nprobe_") { return FakeCluster.said("end\n") }
            if script.contains("squeue -h -a -t all -j") { return FakeCluster.said(lookup) }
            if script.contains("setpriv") { return read }
            return FakeCluster.said("step\taccount\tdone\t\nend\n")
        }
        let fixture = try StewardFixture(folder, cluster)
        for (name, uid) in [("alice", 20001), ("bob", 20002)] as [(String, UInt32)] {
            _ = try await fixture.steward.ensure(try ensureRequest(name, uid))
        }
        return fixture
    }

    @Test func readsOnlyTheOwnersOutput() async throws {
        try await withScratchFolder { folder in
            let fixture = try await Self.fixture(
                folder, lookup: "accounting\n" + Self.accounting(7, 20001), read: FakeCluster.said("5\naGVsbG8=\nend\n")
            )
            let piece = try await fixture.steward.readOutput(try outputRequest("alice", 7))
            #expect(piece == OutputPiece(data: "aGVsbG8=", size: 5, final: true))
            for (name, job) in [("bob", 7), ("carol", 7), ("alice", 8)] as [(String, UInt32)] {
                let before = fixture.cluster.calls.count
                await #expect(throws: SallyError.self) {
                    try await fixture.steward.readOutput(try outputRequest(name, job))
                }
                #expect(!fixture.cluster.calls[before...].contains { $0.script.contains("setpriv") })
            }
        }
    }

    @Test(
        arguments: [
            (44, SallyError.Code.notFound), (45, .denied), (46, .denied), (47, .conflict), (48, .unavailable),
            (49, .denied),
            (124, .timeout), (137, .unavailable),
        ] as [(Int32, SallyError.Code)])
    func saysWhyNothingWasRead(_ status: Int32, _ code: SallyError.Code) async throws {
        try await withScratchFolder { folder in
            let fixture = try await Self.fixture(
                folder, lookup: "accounting\n" + Self.accounting(7, 20001), read: FakeCluster.said("", status: status))
            let error = try await #require(throws: SallyError.self) {
                try await fixture.steward.readOutput(try outputRequest("alice", 7))
            }
            #expect(error.code == code)
        }
    }

    @Test func waitsForAFileThatIsToCome() async throws {
        try await withScratchFolder { folder in
            let fixture = try await Self.fixture(
                folder, lookup: "queue\n" + Self.row("7", "20001", state: "PENDING"),
                read: FakeCluster.said("", status: 44))
            let piece = try await fixture.steward.readOutput(try outputRequest("alice", 7))
            #expect(piece == OutputPiece(data: "", size: 0, final: false))
        }
    }

    @Test func canBeSwitchedOff() async throws {
        try await withScratchFolder { folder in
            let fixture = try StewardFixture(folder, output: .refused, .willing())
            _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            try await StewardTests.refuses(.unsupported) {
                _ = try await fixture.steward.readOutput(try outputRequest("alice", 7))
            }
        }
    }

    static func readable(_ folder: String) async throws -> StewardFixture {
        try await fixture(
            folder, lookup: "accounting\n" + accounting(7, 20001) + accounting(8, 20001),
            read: FakeCluster.said("5\naGVsbG8=\nend\n"))
    }

    @Test func writesDownWhatItReadsForWhichDecision() async throws {
        try await withScratchFolder { folder in
            do {
                let fixture = try await Self.readable(folder)
                _ = try await fixture.steward.readOutput(try outputRequest("alice", 7, sequence: 41))
                fixture.clock.move(by: 600)
                _ = try await fixture.steward.readOutput(try outputRequest("alice", 7, offset: 3, sequence: 41))
                _ = try await fixture.steward.readOutput(try outputRequest("alice", 8, sequence: 40))
            }
            let fixture = try await Self.readable(folder)
            let records = try fixture.steward.outputRecords(after: 0, limit: 10)
            #expect(records.map(\.position.sequence) == [40, 41] && records.map(\.job.description) == ["8", "7"])
            #expect(records.allSatisfy { $0.user.rawValue == "alice" && $0.cluster.rawValue == "dev" })
            #expect(try fixture.steward.outputRecords(after: 40, limit: 10).map(\.position.sequence) == [41])
            #expect(try fixture.steward.outputRecords(after: 0, limit: 1).map(\.position.sequence) == [40])
        }
    }

    @Test func readsNothingTwiceForOneDecision() async throws {
        try await withScratchFolder { folder in
            let fixture = try await Self.readable(folder)
            let first = try outputRequest("alice", 7, sequence: 41)
            _ = try await fixture.steward.readOutput(first)
            let calls = fixture.cluster.calls.count
            var otherHash = first
            otherHash.position = AuditPosition(sequence: 41, hash: String(repeating: "b", count: 64))
            for request in [try outputRequest("alice", 8, sequence: 41), otherHash] {
                try await StewardTests.refuses(.denied) { _ = try await fixture.steward.readOutput(request) }
            }
            fixture.clock.move(by: 601)
            try await StewardTests.refuses(.denied) { _ = try await fixture.steward.readOutput(first) }
            #expect(fixture.cluster.calls.count == calls)
            for position in [AuditPosition(sequence: 0, hash: first.position.hash), .init(sequence: 1, hash: "x")] {
                var request = first
                request.position = position
                try await StewardTests.refuses(.invalidRequest) { _ = try await fixture.steward.readOutput(request) }
            }
        }
    }

    /// The record is there before the file is looked at, whatever comes of it.
    @Test func writesDownBeforeItReads() async throws {
        try await withScratchFolder { folder in
            let fixture = try await Self.fixture(
                folder, lookup: "accounting\n" + Self.accounting(7, 20001), read: FakeCluster.said("", status: 45))
            _ = await #expect(throws: SallyError.self) {
                try await fixture.steward.readOutput(try outputRequest("alice", 7, sequence: 41))
            }
            #expect(try fixture.steward.outputRecords(after: 0, limit: 10).map(\.position.sequence) == [41])
        }
    }

    @Test func refusesPiecesThatCannotBe() async throws {
        try await withScratchFolder { folder in
            let fixture = try await Self.fixture(folder, lookup: "accounting\n", read: FakeCluster.said(""))
            for request in [try outputRequest("alice", 7, offset: -1), try outputRequest("alice", 7, limit: 0)] {
                try await StewardTests.refuses(.invalidRequest) { _ = try await fixture.steward.readOutput(request) }
            }
        }
    }
}
