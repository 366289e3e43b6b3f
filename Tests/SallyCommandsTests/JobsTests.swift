// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel
import StrictJSON
import Testing

@Suite struct JobsTests {
    private static let path = "GET /v1/clusters/demo/jobs"
    private static let none = (200, #"{"jobs":[]}"#)

    /// squeue(1), JOB STATE CODES.
    static let codes: [(String, JobState)] = [
        ("BF", .bootFail), ("CA", .cancelled), ("CD", .completed), ("CF", .configuring), ("CG", .completing),
        ("DL", .deadline), ("F", .failed), ("NF", .nodeFail), ("OOM", .outOfMemory), ("PD", .pending),
        ("PR", .preempted), ("R", .running), ("RD", .reservationDeleted), ("RF", .requeueFederation),
        ("RH", .requeueHold), ("RQ", .requeued), ("RS", .resizing), ("RV", .revoked), ("SI", .signaling),
        ("SE", .specialExit), ("SO", .stageOut), ("ST", .stopped), ("S", .suspended), ("TO", .timeout),
    ]

    @Test(arguments: codes) func shortStatesAreSqueues(code: String, state: JobState) async throws {
        let line = "\(Self.path)?all=true&state=\(state)"
        for text in [code, code.lowercased(), "\(state)"] {
            let run = try await sally(["jobs", "--all", "--state", text], answers: [line: [Self.none]])
            #expect(run.lines == [line])
        }
        #expect(JobState("\(state)") == state)
    }

    @Test func onlyEndedStatesAskAccounting() async throws {
        for (code, state) in Self.codes {
            let hasEnded = [
                .completed, .cancelled, .failed, .timeout, .nodeFail, .preempted, .bootFail, .deadline, .outOfMemory,
                .revoked,
            ].contains(state)
            let line = "\(Self.path)?\(hasEnded ? "all=true&" : "")state=\(state)"
            let run = try await sally(["jobs", "--state", code], answers: [line: [Self.none]])
            #expect(run.lines == [line])
        }
    }

    /// The clock of the machine is two hours ahead of UTC, and one hour until the 15th of May.
    @Test(
        arguments: [
            ("now-3days", 1_999_740_800), ("now-90minutes", 1_999_994_600), ("now-60", 1_999_999_940),
            ("now", 2_000_000_000),
            ("now-31days", 1_997_321_600), ("2033-05-17T08:00", 1_999_922_400), ("2033-05-17T08:00:30", 1_999_922_430),
            ("2033-05-17T08:00Z", 1_999_929_600), ("2033-05-17T08:00:00Z", 1_999_929_600),
            ("2033-05-01", 1_998_514_800), ("today", 1_999_980_000), ("midnight", 1_999_980_000),
            ("00:00", 1_999_980_000),
            ("1:30", 1_999_985_400), ("01:30:01", 1_999_985_401),
        ] as [(String, Int64)])
    func momentsAreSacctsByTheLocalClock(text: String, moment: Int64) async throws {
        let line = "\(Self.path)?all=true&since=\(moment)"
        let run = try await sally(
            ["jobs", "--since", text], answers: [line: [Self.none]],
            zone: { $0 < Timestamp(1_999_724_400) ? 3600 : 7200 })
        #expect(run.status == 0 && run.lines == [line], "\(run.talk)")
    }

    @Test(arguments: [
        ("yesterday", "is not valid"), ("now-", "is not valid"), ("now-3fortnights", "is not valid"),
        ("2033-02-30", "is not valid"), ("25:00", "is not valid"), ("2033-05-01T", "is not valid"),
        ("2033-05-17T08:00T", "is not valid"), ("now+1hour", "is not valid"), ("23:00", "has not come yet"),
        ("now-32days", "more than 31 days ago"), ("2033-04-01", "more than 31 days ago"),
    ])
    func otherMomentsAreRefused(text: String, why: String) async throws {
        let run = try await sally(["jobs", "--since", text])
        #expect(run.status == 64 && run.asked.isEmpty)
        #expect(run.talk.contains(why) && run.talk.contains("\n  "), "\(run.talk)")
    }

    @Test func anArrayIsAskedFor() async throws {
        let line = "\(Self.path)?all=true&array=123"
        let run = try await sally(["jobs", "--array", "123", "--all"], answers: [line: [Self.none]])
        #expect(run.lines == [line])
        let bad = try await sally(["jobs", "--array", "123_4"])
        #expect(bad.status == 64 && bad.asked.isEmpty)
    }

    /// What was asked for, and no more than that.
    @Test(
        arguments: [
            ([], "", "no job of yours on demo waits or runs; `--all` shows finished ones"),
            (
                ["--partition", "gpu"], "?partition=gpu",
                "none of your jobs on demo that wait or run is in partition gpu; `--all` shows finished ones"
            ),
            (
                ["--state", "PD", "--account", "a,b"], "?state=PENDING&account=a%2Cb",
                "none of your jobs on demo that wait or run is PENDING and of account a or b; `--all` shows finished ones"
            ),
            (["--all"], "?all=true", "you had no job on demo in the last day; `--since now-7days` looks further back"),
            (
                ["--state", "F,CA"], "?all=true&state=FAILED%2CCANCELLED",
                "no job of yours on demo in the last day is FAILED or CANCELLED; `--since now-7days` looks further back"
            ),
            (
                ["--since", "2033-05-17T08:00Z", "--name", "x"], "?all=true&since=1999929600&name=x",
                "no job of yours on demo since 2033-05-17T08:00:00Z is named x"
            ),
            (
                ["--array", "7", "--all"], "?all=true&array=7",
                "no job of yours on demo in the last day is of array 7; `--since now-7days` looks further back"
            ),
        ] as [([String], String, String)])
    func anEmptyListSaysWhatWasAskedFor(arguments: [String], query: String, words: String) async throws {
        let answers = [Self.path + query: [Self.none]]
        let run = try await sally(["jobs"] + arguments, answers: answers)
        #expect(run.talk == words + "\n" && run.output == "" && run.status == 0)
        let json = try await sally(["jobs", "--json"] + arguments, answers: answers)
        #expect(json.talk == "" && json.output == #"{"schema":"sallyport/jobs/1","jobs":[]}"# + "\n")
    }

    @Test func pagesAreFollowed() async throws {
        let run = try await sally(
            ["jobs", "--json"],
            answers: [
                Self.path: [(200, #"{"jobs":[\#(job(#""RUNNING""#))],"next":"abc"}"#)],
                "\(Self.path)?cursor=abc": [(200, #"{"jobs":[\#(job(#""PENDING""#))]}"#)],
            ])
        let document = try JSONValue(parsing: run.output)
        #expect(document["jobs"]?.array?.count == 2 && document["next"] == nil)
    }
}
