// SPDX-License-Identifier: Apache-2.0

import SallyCommands
import StrictJSON
import Testing

/// What `sally jobs --watch` shows of the jobs that it is told of, and how much of it.
@Suite struct BoardTests {
    private static let events = "GET /v1/clusters/demo/job-events"
    private static let denied =
        (403, #"{"type":"x","title":"x","status":403,"detail":"no rule lets you","code":"denied","request":"r"}"#)

    /// One of several: job 11, 12, ...
    private static func job(_ number: Int, _ states: String, name: String = "n", account: String = "lab") -> String {
        #"{"job":\#(number),"id":"\#(number)","cluster":"demo","name":"\#(name)","user":"alice","#
            + #""account":"\#(account)","partition":"debug","states":[\#(states)]}"#
    }

    private static func all(_ jobs: String...) -> String {
        event("jobs", #"{"jobs":[\#(jobs.joined(separator: ","))]}"#)
    }
    private static func event(_ name: String, _ data: String) -> String { "event: \(name)\ndata: \(data)\nid: a\n\n" }
    private static func gone(_ number: Int) -> String { event("gone", #"{"job":\#(number),"id":"\#(number)"}"#) }

    private func watch(
        _ told: [String], _ arguments: [String] = [], window: WindowSize? = nil, clock: StageClock = StageClock()
    ) async throws -> Performance {
        try await sally(
            ["jobs", "--watch"] + arguments, answers: [Self.events: told.map { (200, $0) } + [Self.denied]],
            terminal: window != nil, window: window, clock: clock)
    }

    /// The screens that were drawn, line by line.
    private func screens(_ run: Performance) -> [[String]] {
        run.output.split(separator: "\u{1b}[H").map { screen in
            screen.split(separator: "\u{1b}[K\n", omittingEmptySubsequences: false).dropLast().map(String.init)
        }
    }

    @Test func anEndIsToldOnceAndIsNotGone() async throws {
        let told =
            Self.all(Self.job(11, #""RUNNING""#), Self.job(12, #""FAILED""#), Self.job(13, #""PENDING""#))
            + Self.event("job", Self.job(11, #""COMPLETED","COMPLETING""#))
            + Self.event("job", Self.job(11, #""COMPLETED""#))
            + Self.event("job", Self.job(12, #""FAILED""#, name: "x"))
            + Self.gone(12) + Self.event("job", Self.job(14, #""TIMEOUT""#))
        // It comes back to the same list, from which one went unseen.
        let again = Self.all(Self.job(11, #""COMPLETED""#), Self.job(14, #""TIMEOUT""#)) + Self.gone(11)
        let run = try await watch([told, again])
        let lines = run.output.split(separator: "\n").map { line in
            line.split(separator: " ", omittingEmptySubsequences: true)
        }
        #expect(
            lines.map { "\($0[0]) \($0.count > 4 ? $0[4] : $0[1])" } == [
                "11 RUNNING", "13 PENDING", "11 COMPLETED+COMPLETING", "11 COMPLETED", "14 TIMEOUT", "13 gone",
            ])
    }

    /// The id of tasks that wait changes with each that starts.
    @Test(arguments: [[], ["--state", "PD"]]) func anArrayWhoseTaskStartsIsNotGone(arguments: [String]) async throws {
        func record(_ number: Int, _ id: String, _ state: String) -> String {
            Self.job(number, "\"\(state)\"").replacing(#""id":"\#(number)""#, with: #""id":"\#(id)""#)
        }
        func gone(_ id: String) -> String { Self.event("gone", #"{"job":11,"id":"\#(id)"}"#) }
        let told =
            Self.all(record(11, "11_[1-3]", "PENDING"))
            + Self.event("job", record(12, "11_1", "RUNNING")) + Self.event("job", record(11, "11_[2-3]", "PENDING"))
            + gone("11_[1-3]")
        let again = Self.all(record(11, "11_[3]", "PENDING"), record(12, "11_1", "RUNNING"))
        let last = Self.event("job", record(11, "11_3", "RUNNING")) + gone("11_[3]") + gone("11_3")
        let run = try await watch([told, again + last], arguments)
        let lines = run.output.split(separator: "\n").map { String($0.prefix { $0 != " " }) }
        let ids = ["11_[1-3]", "11_1", "11_[2-3]", "11_[3]", "11_3", "11_3"]
        #expect(lines == (arguments.isEmpty ? ids : ids.filter { $0.contains("[") }))
        #expect(run.output.hasSuffix("11_3  gone\n") == arguments.isEmpty)
    }

    /// What was put back in the queue has another end to come.
    @Test func aJobThatBeginsAgainIsWatchedAgain() async throws {
        let told =
            Self.all(Self.job(11, #""RUNNING""#)) + Self.event("job", Self.job(11, #""NODE_FAIL""#))
            + Self.event("job", Self.job(11, #""PENDING""#)) + Self.event("job", Self.job(11, #""COMPLETED""#))
        let run = try await watch([told], ["--json"])
        let states = try run.output.split(separator: "\n").map { line in
            try JSONValue(parsing: String(line))["job"]?["states"]?.array?.first?.string
        }
        #expect(states == ["RUNNING", "NODE_FAIL", "PENDING", "COMPLETED"])
    }

    /// For a minute, so that it can be read.
    @Test func anEndStaysOnTheTerminalForAWhile() async throws {
        let told =
            Self.all(Self.job(11, #""RUNNING""#), Self.job(12, #""RUNNING""#), Self.job(13, #""FAILED""#))
            + Self.event("job", Self.job(11, #""COMPLETED""#)) + Self.event("job", Self.job(12, #""COMPLETING""#))
        let run = try await watch(
            [told], window: WindowSize(columns: 200, lines: 50), clock: StageClock(step: .seconds(40)))
        let shown = screens(run).map { screen in screen.dropFirst(3).map { String($0.prefix(2)) } }
        #expect(shown == [["11", "12"], ["11", "12"], ["12"]])
        #expect(screens(run).dropFirst().first?.contains { $0.contains("COMPLETED") } == true)
    }

    @Test func aTerminalGetsWhatFitsInto() async throws {
        let jobs = (11...20).map { Self.job($0, #""RUNNING""#, name: $0 == 11 ? "日本語日本語" : "e\u{301}") }
        let told = [Self.event("jobs", #"{"jobs":[\#(jobs.joined(separator: ","))]}"#)]
        let first = try #require(screens(try await watch(told, window: WindowSize(columns: 20, lines: 8))).first)
        // The last line of the terminal is the cursor's, the last column nobody's.
        #expect(first.count == 7)
        #expect(first.last == "7 more; the whole l")
        #expect(first[2...4] == ["JOB  NAME          ", "11   日本語日本語  ", "12   e\u{301}             "])
        #expect(first[5].hasPrefix("13 "))
        let wide = try #require(screens(try await watch(told, window: WindowSize(columns: 300, lines: 14))).first)
        #expect(wide.count == 13 && wide.last?.hasPrefix("20 ") == true)
        let one = try #require(screens(try await watch(told, window: WindowSize(columns: 300, lines: 13))).first)
        #expect(one.count == 12 && one.last == "2 more; the whole list: `sally jobs`")
        let tiny = try #require(screens(try await watch(told, window: WindowSize(columns: 1, lines: 1))).first)
        #expect(tiny == [""])
    }

    @Test(arguments: [
        (["--state", "XYZ"], #"state "XYZ" is not valid"#), (["--state", ","], "state is not valid"),
        (["--partition", ","], "partition is not valid"), (["--array", "x"], #"job id "x" is not valid"#),
    ])
    func whatNobodyCanBeIsRefused(arguments: [String], why: String) async throws {
        let run = try await sally(["jobs", "--watch"] + arguments)
        #expect(run.status == 64 && run.asked.isEmpty)
        #expect(run.talk.hasPrefix("sally: \(why)\n"), "\(run.talk)")
    }

    /// Slurm keeps accounts in small letters, and takes any.
    @Test func accountsAreComparedAsSlurmDoes() async throws {
        let told = Self.all(Self.job(11, #""RUNNING""#), Self.job(12, #""RUNNING""#, account: "other"))
        for account in ["lab", "Lab", "x,LAB"] {
            let run = try await watch([told], ["--account", account])
            #expect(run.output.hasPrefix("11  ") && !run.output.contains("12  "), "\(run.output)")
        }
    }

    @Test func oneArrayIsWatched() async throws {
        let run = try await sally(
            ["jobs", "--watch", "--array", "7"], answers: ["\(Self.events)?job=7": [Self.denied]])
        #expect(run.lines == ["\(Self.events)?job=7"] && run.talk.contains("no rule lets you"))
    }
}
