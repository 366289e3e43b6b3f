// SPDX-License-Identifier: Apache-2.0

import SallyClient
import StrictJSON
import Testing

@Suite struct WatchTests {
    private static let events = "GET /v1/clusters/demo/job-events"
    private static let denied =
        (403, #"{"type":"x","title":"x","status":403,"detail":"no rule lets you","code":"denied","request":"r"}"#)

    private static func event(_ name: String, _ data: String, _ id: String = "a") -> String {
        "event: \(name)\ndata: \(data)\nid: \(id)\n\n"
    }

    private static let first =
        "retry: 2000\n\n" + event("jobs", #"{"jobs":[\#(job(#""PENDING""#, #","reason":"Priority""#))]}"#, "one")
        + ":\n\n"
        + event("job", job(#""RUNNING""#, #","node_list":"n1""#), "two")
    /// After the connection broke: the job is gone, another has come.
    private static let second = event(
        "jobs", #"{"jobs":[\#(job(#""PENDING""#).replacing("7", with: "8"))]}"#, "three")

    @Test func everyChangeIsALine() async throws {
        let run = try await sally(
            ["jobs", "--watch"],
            answers: [Self.events: [(200, Self.first), (0, ""), (200, Self.second), Self.denied]])
        #expect(run.status != 0)
        #expect(
            run.output == """
                7  train  debug  lab  PENDING  -  -  UNLIMITED  Priority
                7  train  debug  lab  RUNNING  -  -  UNLIMITED  n1
                7  gone
                8  train  debug  lab  PENDING  -  -  UNLIMITED  -

                """)
        #expect(run.talk.contains("does not answer; trying again") && run.talk.contains("followed again"))
        #expect(run.talk.contains("no rule lets you"))
        // It comes back with what it heard last.
        #expect(run.asked.map(\.last) == [nil, "two", "two", "three"])
    }

    @Test func jsonIsADocumentForEachChange() async throws {
        let gone = Self.event("gone", #"{"job":7,"id":"7"}"#)
        let run = try await sally(
            ["jobs", "--watch", "--json"], answers: [Self.events: [(200, Self.first + gone), Self.denied]])
        let lines = try run.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        #expect(lines.map { $0["schema"]?.string } == Array(repeating: "sallyport/job-event/1", count: 3))
        #expect(lines.map { $0["event"]?.string } == ["job", "job", "gone"])
        #expect(lines[1]["job"]?["states"] == ["RUNNING"] && lines[2]["job"]?["id"] == "7")
    }

    @Test func aTerminalIsDrawnAnew() async throws {
        let run = try await sally(
            ["jobs", "--watch"], answers: [Self.events: [(200, Self.first), Self.denied]], terminal: true)
        let screens = run.output.split(separator: "\u{1b}[H").map(String.init)
        #expect(screens.count >= 2)
        #expect(screens.last?.contains("RUNNING") == true && screens.last?.contains("PENDING") == false)
        #expect(screens.allSatisfy { $0.hasSuffix("\u{1b}[J") && $0.contains("JOB  NAME") && $0.hasPrefix("1 job, ") })
    }

    /// A job that begins to run leaves what is watched; it is not gone.
    @Test func onlyWhatIsAskedForIsShown() async throws {
        let run = try await sally(
            ["jobs", "--watch", "--state", "PD"], answers: [Self.events: [(200, Self.first), Self.denied]])
        #expect(
            run.output == """
                7  train  debug  lab  PENDING  -  -  UNLIMITED  Priority
                7  RUNNING

                """)
        let json = try await sally(
            ["jobs", "--watch", "--state", "PD", "--json"],
            answers: [Self.events: [(200, Self.first + Self.event("gone", #"{"job":7,"id":"7"}"#)), Self.denied]])
        let lines = try json.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        #expect(lines.map { $0["event"]?.string } == ["job", "job"])
        #expect(lines.last?["job"]?["states"] == ["RUNNING"])
        let other = try await sally(
            ["jobs", "--watch", "--partition", "gpu"], answers: [Self.events: [(200, Self.first), Self.denied]])
        #expect(other.output == "")
    }

    @Test func itIsSaidWhileSlurmIsAway() async throws {
        let away = Self.first + Self.event("age", #"{"age":33,"stale":true}"#)
        let run = try await sally(["jobs", "--watch"], answers: [Self.events: [(200, away), Self.denied]])
        #expect(run.talk.contains("Slurm does not answer; this is what it said 33 seconds ago"))
    }

    @Test(arguments: [["--all"], ["--sort", "name"], ["--since", "today"]]) func whatDoesNotGoTogetherIsRefused(
        more: [String]
    ) async throws {
        let run = try await sally(["jobs", "--watch"] + more)
        #expect(run.status == 64 && run.asked.isEmpty)
    }

    /// A job that waits is not asked about again and again: the event says when to look.
    @Test func followingWaitsForNews() async throws {
        let look = "GET /v1/clusters/demo/jobs/7"
        let run = try await sally(
            ["submit", "--follow", "--wrap", "true"],
            answers: [
                "POST /v1/clusters/demo/jobs": [
                    (201, #"{"job":7,"cluster":"demo","messages":[],"partition":"debug","account":"lab"}"#)
                ],
                look: [(200, job(#""PENDING""#)), (200, job(#""PENDING""#)), (200, job(#""CANCELLED""#))],
                "\(Self.events)?job=7": [
                    (200, Self.event("jobs", "{}", "one")), (200, Self.event("job", "{}", "two")),
                ],
                "\(look)/output?stream=stdout&offset=0&limit=262144": [
                    (200, #"{"data":"","next_offset":0,"size":0,"final":true}"#)
                ],
            ])
        #expect(run.asked.filter { $0.line.contains("job-events") }.map(\.last) == [nil, "one"])
        #expect(run.status == 1)
    }
}
