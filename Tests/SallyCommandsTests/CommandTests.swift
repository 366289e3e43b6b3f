// SPDX-License-Identifier: Apache-2.0

import StrictJSON
import Testing

private let me =
    #"{"user":"alice","uid":20001,"display_name":"Alice","groups":["demo:hpc-users"],"role":"researcher","session":"AAAAAAAAAAAAAAAAAAAAAA","clusters":[{"name":"demo","default":true,"ready":true}]}"#

@Suite struct CommandTests {
    @Test func jobsAreATable() async throws {
        let list =
            "{\"jobs\":[\(job(#""RUNNING""#, #","node_list":"n[1-2]","nodes":2,"time_limit_minutes":90"#)),\(job(#""PENDING""#, #","reason":"Resources""#))],\"age\":1}"
        let run = try await sally(["jobs"], answers: ["GET /v1/clusters/demo/jobs": [(200, list)]])
        #expect(
            run.output == """
                JOB  NAME   PARTITION  ACCOUNT  STATE    NODES  STARTED  LIMIT      NODELIST/REASON
                7    train  debug      lab      RUNNING  2      -        01:30:00   n[1-2]
                7    train  debug      lab      PENDING  -      -        UNLIMITED  Resources

                """)
        #expect(run.talk == "")
    }

    @Test(arguments: [(1, "1 finished job is not listed"), (12, "12 finished jobs are not listed")])
    func whatAListLacksIsSaid(omitted: Int, words: String) async throws {
        let completed = job(#""COMPLETED""#)
        let list = "{\"jobs\":[\(completed)],\"omitted\":\(omitted)}"
        for arguments in [["jobs", "--all"], ["jobs", "--all", "--json"]] {
            let run = try await sally(arguments, answers: ["GET /v1/clusters/demo/jobs?all=true": [(200, list)]])
            #expect(run.talk.contains(words), "\(run.talk)")
            #expect(run.output.contains("omitted") == arguments.contains("--json"))
        }
    }

    @Test(arguments: [
        (["jobs", "--all"], "GET /v1/clusters/demo/jobs?all=true"),
        (["jobs", "--state", "f"], "GET /v1/clusters/demo/jobs?all=true&state=FAILED"),
        (["jobs", "--state", "R,PENDING"], "GET /v1/clusters/demo/jobs?state=RUNNING%2CPENDING"),
        (
            ["jobs", "--partition", "gpu", "--account", "lab", "--name", "a b", "--sort", "-submitted"],
            "GET /v1/clusters/demo/jobs?partition=gpu&account=lab&name=a%20b&sort=-submitted"
        ),
        (["jobs", "-M", "other"], "GET /v1/clusters/other/jobs"),
        (["-M", "other", "jobs"], "GET /v1/clusters/other/jobs"),
        (["--cluster=other", "jobs"], "GET /v1/clusters/other/jobs"),
        (["--context", "c", "jobs"], "GET /v1/clusters/demo/jobs"),
    ])
    func jobsAreAskedFor(arguments: [String], line: String) async throws {
        let run = try await sally(arguments, answers: [line: [(200, #"{"jobs":[],"age":0}"#)]])
        #expect(run.status == 0)
        #expect(run.lines == [line])
        #expect(run.output == "")
    }

    @Test(arguments: [
        (["partitions", "--json"], "GET /v1/clusters/demo/partitions", #"{"partitions":[]}"#, "partitions"),
        (["nodes", "--json"], "GET /v1/clusters/demo/nodes", #"{"nodes":[]}"#, "nodes"),
        (["whoami", "--json"], "GET /v1/me", me, "me"),
        (["jobs", "--json"], "GET /v1/clusters/demo/jobs", #"{"jobs":[],"age":0}"#, "jobs"),
        (["job", "7", "--json"], "GET /v1/clusters/demo/jobs/7", job(#""RUNNING""#), "job"),
        (["admin", "identities", "--json"], "GET /v1/admin/identities", #"{"identities":[]}"#, "identities"),
        (
            ["admin", "sessions", "--user", "bob", "--json"], "GET /v1/admin/sessions?user=bob", #"{"sessions":[]}"#,
            "sessions"
        ),
        (["admin", "audit", "--json"], "GET /v1/admin/audit?limit=100", #"{"events":[]}"#, "audit"),
        (["admin", "revoke", "bob", "--json"], "POST /v1/admin/identities/bob/revoke", #"{"ended":2}"#, "revoke"),
        (
            ["admin", "audit", "verify", "--json"], "GET /v1/admin/audit/verify",
            #"{"good":true,"events":3,"mints":1,"heads":2,"service_reads":4,"output_reads":5,"countersigned":3,"problems":[]}"#,
            "audit-verification"
        ),
    ])
    func jsonHasItsSchema(arguments: [String], line: String, answer: String, schema: String) async throws {
        let run = try await sally(arguments, answers: [line: [(200, answer)]])
        #expect(run.status == 0, "\(run.talk)")
        #expect(run.output.hasPrefix(#"{"schema":"sallyport/\#(schema)/1","#))
        _ = try JSONValue(parsing: run.output)
        #expect(run.talk == "")
    }

    /// On standard error, and the answer all the same.
    @Test(
        arguments: [
            (["partitions"], "GET /v1/clusters/demo/partitions", #"{"partitions":[]}"#),
            (["nodes"], "GET /v1/clusters/demo/nodes", #"{"nodes":[]}"#),
            (["job", "7"], "GET /v1/clusters/demo/jobs/7", job(#""RUNNING""#)),
            (["jobs"], "GET /v1/clusters/demo/jobs", "{\"jobs\":[\(job(#""RUNNING""#))]}"),
        ])
    func whatIsStaleIsSaid(arguments: [String], line: String, answer: String) async throws {
        for form in [[], ["--json"]] {
            let run = try await sally(arguments + form, answers: [line: [(200, answer)]], stale: 40)
            #expect(run.status == 0 && !run.output.isEmpty)
            #expect(run.talk == "sally: Slurm does not answer; this is what it said 40 seconds ago\n")
            let fresh = try await sally(arguments + form, answers: [line: [(200, answer)]])
            #expect(fresh.talk == "" && fresh.output == run.output)
        }
    }

    @Test func logsArePassedOnAsTheyAre() async throws {
        let base = "GET /v1/clusters/demo/jobs/7/output?stream=stderr&offset="
        let run = try await sally(
            ["logs", "7", "--stderr"],
            answers: [
                "\(base)0&limit=262144": [(200, #"{"data":"/wA=","next_offset":2,"size":3,"final":true}"#)],
                "\(base)2&limit=262144": [(200, #"{"data":"Cg==","next_offset":3,"size":3,"final":true}"#)],
            ])
        #expect(run.status == 0)
        #expect(Array(run.output.utf8).suffix(1) == [0x0a])
        #expect(run.lines.count == 2)
    }

    @Test(
        arguments: [
            (["nosuch"], Int32(64)), ([], 0), (["--help"], 0), (["--version"], 0), (["submit", "--help"], 0),
            (["can-i", "submit", "--help"], 0), (["admin", "--help"], 0), (["job", "0"], 64), (["job", "x"], 64),
            (["job", "-1"], 64), (["job", "1", "2"], 64), (["cancel"], 64), (["cancel", "1", "--signal", "a b"], 64),
            (["cancel", "1_[1-1001]"], 64), (["cancel", "1_[1-600]", "2_[1-600]"], 64),
            (["-M", "../x", "jobs"], 64), (["--context", "nosuch", "jobs"], 4), (["admin", "offboard", "root"], 64),
            (["admin", "audit", "--limit", "0"], 64), (["cluster", "list"], 6),
            (["--generate-completion-script", "bash"], 0),
        ] as [([String], Int32)])
    func exitStatuses(arguments: [String], status: Int32) async throws {
        let run = try await sally(arguments)
        #expect(run.status == status, "\(run.talk)")
        #expect(run.output.isEmpty == (status != 0), "data and talk are apart: \(run.output)")
        #expect(run.asked.isEmpty)
    }

    @Test func withoutASessionItSaysWhatToDo() async throws {
        let run = try await sally(["jobs"], signedIn: false)
        #expect(run.status == 77)
        #expect(run.talk.contains("sally login https://GATEWAY"))
    }

    @Test func namesOfOthersCannotDriveTheTerminal() async throws {
        let list =
            #"{"jobs":[{"job":7,"id":"7","cluster":"demo","name":"\u001b[2Jx","user":"a","account":"l","partition":"p","states":["RUNNING"]}],"age":1}"#
        let run = try await sally(["jobs"], answers: ["GET /v1/clusters/demo/jobs": [(200, list)]])
        #expect(!run.output.contains("\u{1b}"))
    }

    @Test func tokensGoToStandardOutputAndTerminalsAreWarned() async throws {
        let piped = try await sally(["token"])
        #expect(piped.output == "the-access-token\n")
        #expect(piped.talk == "")
        let shown = try await sally(["token"], terminal: true)
        #expect(shown.output == "the-access-token\n")
        #expect(shown.talk.hasPrefix("careful: "))
        for command in [["context", "list", "--json"], ["context", "show"], ["context", "show", "--json"]] {
            let run = try await sally(command)
            #expect(run.status == 0)
            #expect(!run.output.contains("the-access-token") && !run.output.contains("the-refresh-token"))
        }
    }

    @Test func offboardingIsConfirmed() async throws {
        let line = "POST /v1/admin/identities/erin/offboard"
        let report =
            #"{"user":"erin","steps":[{"name":"deny","place":"signer","outcome":"done","detail":"","milliseconds":3}],"complete":true}"#
        let alone = try await sally(["admin", "offboard", "erin"])
        #expect(alone.status == 64)
        #expect(alone.talk.contains("--yes"))
        let wrong = try await sally(["admin", "offboard", "erin"], typed: ["y"], terminal: true)
        #expect(wrong.status == 64)
        #expect(wrong.asked.isEmpty)
        let typed = try await sally(
            ["admin", "offboard", "erin"], answers: [line: [(200, report)]], typed: ["erin"], terminal: true)
        #expect(typed.status == 0)
        let sure = try await sally(
            ["admin", "offboard", "erin", "--yes", "--pending-jobs", "hold"], answers: [line: [(200, report)]])
        #expect(sure.status == 0)
        #expect(sure.asked.first?.body == #"{"pending_jobs":"hold"}"#)
        #expect(sure.output == "STEP  PLACE   OUTCOME  MS  DETAIL\ndeny  signer  done     3   -\n")
        let failed = report.split(separator: "true").joined(separator: "false")
        let partly = try await sally(["admin", "offboard", "erin", "--yes"], answers: [line: [(200, failed)]])
        #expect(partly.status == 69)
        #expect(partly.talk.contains("run `sally admin offboard erin` again"))
    }

    @Test func aBadAuditLogIsNoSuccess() async throws {
        let run = try await sally(
            ["admin", "audit", "verify"],
            answers: [
                "GET /v1/admin/audit/verify": [
                    (
                        200,
                        #"{"good":false,"events":3,"mints":1,"heads":2,"service_reads":4,"output_reads":5,"countersigned":2,"#
                            + #""problems":["event 3 is missing"]}"#
                    )
                ]
            ])
        #expect(run.status == 1)
        #expect(
            run.output == "NOT GOOD: 3 events, 1 tokens, 2 countersigned heads up to event 2,"
                + " 4 tokens of service accounts to read, output read for 5 decisions\n  event 3 is missing\n")
    }
}
