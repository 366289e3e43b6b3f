// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel
import Testing

/// Made-up notations are read or refused, and nothing else; what is read is written so that it is read as the same.
@Suite struct NotationFuzzTests {
    struct Parser: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Valid texts that cases are made from.
        var examples: [String]
        /// What they are changed with.
        var letters: String
        /// The text that the value is written as, of which again; nil for a text that is refused.
        var read: @Sendable (String) -> String?

        init<Value: Equatable & Sendable>(
            _ name: String, _ examples: [String], _ letters: String,
            _ read: @escaping @Sendable (String) throws -> Value,
            _ write: @escaping @Sendable (Value) -> String
        ) {
            testDescription = name
            self.examples = examples
            self.letters = letters
            self.read = { text in
                guard let value = try? read(text) else { return nil }  // refused
                let written = write(value)
                let again = try? read(written)  // nil is told below
                return again == value ? written : "no longer what it was: \(written)"
            }
        }
    }

    static let parsers: [Parser] = [
        Parser("times", ["1-12:30:15", "90", "10:00:00", "UNLIMITED", "0"], "0123456789-:. a", TimeLimit.init(_:)) {
            $0.description
        },
        Parser("memory", ["4G", "100", "1025k", "2TB", "0"], "0123456789KMGTBkb.- ", { try Memory($0) }) {
            $0.description
        },
        Parser("node counts", ["2-4", "1k", "7"], "0123456789-kKmM,:", { try NodeCount($0) }) { $0.description },
        Parser("arrays", ["0-99%5", "1,3,5-7", "0-100:10", "0-8:2,1-9:2"], "0123456789-,:%[]", { try ArraySpec($0) }) {
            $0.description
        },
        Parser("GPUs", ["2", "a100:2,v100:1"], "0123456789:,=avA_-.", { try GPUCounts(gpus: $0) }) { $0.description },
        Parser(
            "dependencies", ["afterok:1:2,afterany:3_4", "after:5+10?singleton", "aftercorr:7_*"],
            "0123456789:,?+_*afteroknysingl", { try Dependency($0) }
        ) { $0.description },
        Parser("constraints", ["intel&[rack1|rack2]", "(a|b)&c"], "ab1&|,()[]*-=:. ", { try Constraint($0) }) {
            $0.description
        },
        Parser(
            "moments", ["now+1hour", "2026-11-21T04:05:06Z", "now"], "now+0123456789-:TZhourdayswk",
            { try BeginTime($0) }
        ) {
            $0.description
        },
        Parser("signals", ["B:USR1@120", "10@5", "SIGTERM"], "BUSR12TEM:@0123456789 ", { try JobSignal($0) }) {
            $0.description
        },
        Parser("mail", ["END,FAIL", "ALL,TIME_LIMIT_80", "NONE"], "ENDFAIL,_TM890 ", { try MailEvents($0) }) {
            $0.description
        },
        Parser("switches", ["1", "2@1:00:00", "3@90"], "0123456789@:-", { try SwitchCount($0) }) { $0.description },
        Parser("node names", ["n[1-3],n7", "a-b.c", "r[1-2]n[08-10]"], "anr0123456789[]-,._ ", { try NodeNames($0) }) {
            $0.description
        },
        Parser(
            "host lists", ["n[001-003,007]", "r[1-2]n[1-2],x"], "anr0123456789[]-, ",
            { try HostList.expand($0, limit: 500) }
        ) {
            $0.joined(separator: ",")
        },
        Parser("partitions", ["gpu,debug", "a_b-c"], "agpu,-_.1 /", { try partitions($0) }) {
            $0.map(\.rawValue).joined(separator: ",")
        },
        Parser(
            "resources", ["gpu:a100:2", "gres/gpu=2", "gres:gpu:v100=1", "none"], "gpures/:=,a0123 ",
            { try GPUCounts(gres: $0) }
        ) {
            $0.isEmpty ? "none" : $0.description.split(separator: ",").map { "gpu:\($0)" }.joined(separator: ",")
        },
    ]

    private static func partitions(_ text: String) throws -> [PartitionName] {
        var request = JobRequest(script: "")
        try request.set(.partition, to: text)
        return request.partitions
    }

    @Test(arguments: parsers) func readsOrRefuses(parser: Parser) {
        var random = SeededGenerator(SeededGenerator.seed)
        let letters = Array(parser.letters.utf8) + [0, 0xc3, 0xa4, 0x0d, 0x0a]
        var accepted = 0
        for example in parser.examples { #expect(parser.read(example)?.hasPrefix("no longer") == false, "\(example)") }
        for _ in 0..<SeededGenerator.cases {
            let text = changed(parser.examples, letters, &random)
            guard let written = parser.read(text) else { continue }
            accepted += 1
            if written.hasPrefix("no longer") { Issue.record("\(text.debugDescription): \(written)") }
        }
        // A generator that makes nothing valid tests nothing.
        #expect(accepted > SeededGenerator.cases / 200, "\(accepted)")
    }

    /// An example with a few changes, or letters as they come.
    private func changed(_ examples: [String], _ letters: [UInt8], _ random: inout SeededGenerator) -> String {
        var bytes = random.chance(70) ? Array(random.one(of: examples).utf8) : []
        for _ in 0..<(bytes.isEmpty ? random.below(12) : random.below(4)) {
            let letter = random.one(of: letters)
            let place = random.below(bytes.count + 1)
            switch random.below(4) {
            case 0 where place < bytes.count: bytes[place] = letter
            case 1 where place < bytes.count: bytes.remove(at: place)
            case 2 where place < bytes.count: bytes.insert(contentsOf: bytes[place...].prefix(6), at: place)
            default: bytes.insert(letter, at: place)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
