// SPDX-License-Identifier: Apache-2.0

import SallyFuzz
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
        static let changed = "no longer what it was: "
        /// What the value is written as, after `changed` where that is read as another; nil for a text that is refused.
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
                let again = try? read(written)  // nil is told
                return again == value ? written : Parser.changed + written
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
        Parser(
            "lists of partitions", ["gpu,debug", "a_b-c"], "agpu,-_.1 /", { try request(.partition, $0).partitions }
        ) {
            $0.map(\.rawValue).joined(separator: ",")
        },
        Parser("lists of QOS", ["high", "low,high", "a_b-c.d"], "ahigow,-_.1 /+=", { try request(.qos, $0).qos }) {
            $0.map(\.rawValue).joined(separator: ",")
        },
        Parser(
            "lists of reservations", ["course", "course,maint_1"], "acoursemint,-_.1 /+",
            { try request(.reservation, $0).reservations }
        ) {
            $0.map(\.rawValue).joined(separator: ",")
        },
        Parser(
            "resources", ["gpu:a100:2", "gres/gpu=2", "gres:gpu:v100=1", "none"], "gpures/:=,a0123 ",
            { try GPUCounts(gres: $0) }
        ) {
            $0.isEmpty ? "none" : $0.description.split(separator: ",").map { "gpu:\($0)" }.joined(separator: ",")
        },
        // Of slurmctld's, and never refused.
        Parser(
            "trackable resources", ["cpu=4,mem=8G,node=1,billing=4,gres/gpu:a100=2", "mem=1.50T", "gres/gpu=3"],
            "cpumenodgrs/:=,.a0123456789KMGT-e", { (text: String) throws -> TRES in TRES(text) }
        ) { tres in
            _ = (tres.cpus, tres.nodes, tres.memory, tres.gpus)
            return tres.amounts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        },
        Parser("jobs and their parts", ["123", "123_4", "123+1"], "0123456789_+[]-x", { try JobTarget($0) }) {
            $0.description
        },
        Parser("versions", ["v0.0.42", "v0.0.38"], "v.0123456789-", { try APIVersion($0) }) { $0.description },
        Parser(
            "states", ["RUNNING", "node_fail", "NEW_ONE"], "RUNINGode_fail ",
            { (text: String) throws -> JobState in JobState(text) }
        ) {
            $0.description
        },
        Parser("names of users", ["alice", "a_b-c", "x1"], "alice_-.$A1 ", { try UserName($0) }) { $0.rawValue },
        Parser("names of accounts", ["lab", "p17-gpu_x"], "labp17_-.$A ", { try AccountName($0) }) { $0.rawValue },
        Parser("job ids", ["1", "4294967292"], "0123456789-+ ", { try JobID($0) }) { $0.description },
    ]

    private static func request(_ field: JobField, _ text: String) throws -> JobRequest {
        var request = JobRequest(script: "")
        try request.set(field, to: text)
        return request
    }

    @Test(arguments: parsers) func readsOrRefuses(parser: Parser) throws {
        let letters = Array(parser.letters.utf8) + [0, 0xc3, 0xa4, 0x0d, 0x0a]
        for example in parser.examples {
            let written = parser.read(example)
            #expect(written?.hasPrefix(Parser.changed) == false, "\(example)")
        }
        try Fuzz(parser.testDescription).run(accepting: 5) { random in
            let text = random.text(like: parser.examples, of: letters)
            guard let written = parser.read(text) else { return .refused }
            try Fuzz.check(!written.hasPrefix(Parser.changed), "\(text.debugDescription) is \(written)")
            return .accepted
        }
    }

    private static let texts = [
        "", "1", "5", "0", "65534", "99999999999999999999", "-1", "1-2", "2-4", "gpu", "a100:2", "a100:1,v100:1",
        "gpu:2",
        "4G", "1025k", "0M", "1:00:00", "1-0", "UNLIMITED", "now+60", "now", "2026-11-21T04:05:06Z", "afterok:1:2",
        "singleton", "0-9%2", "0-8:2", "USR1@60", "B:TERM", "END", "ALL,TIME_LIMIT_80", "none", "user", "node", "A=b",
        "/home/x", "out-%j.txt", "é", "n[1-2]", "n1,n2", "true", "false", "yes", "no", "intel&amd", "[a|b]", "append",
        "t",
        "lab", "debug,gpu", "2@1:00:00",
    ]

    /// A field by itself, in the notation of its option: what is written of it is read as the same.
    @Test func everyFieldIsReadOrRefused() throws {
        let letters = Array("0123456789-:,.=_/@%[]&| aAgGkKmMtT+".utf8) + [0, 0x0a, 0xc3, 0xa4]
        try Fuzz("fields").run(accepting: 50) { random in
            let field = random.one(of: JobField.allCases)
            let text = random.text(like: Self.texts, of: letters)
            guard let request = try? Self.request(field, text) else { return .refused }
            guard let written = request.text(of: field) else { return .accepted }
            let again = try? Self.request(field, written)  // nil is told
            try Fuzz.check(
                again == request, "\(field.rawValue) \(text.debugDescription), written \(written.debugDescription)")
            return .accepted
        }
    }
}
