// SPDX-License-Identifier: Apache-2.0

import StrictJSON
import Testing

private let path = "POST /v1/clusters/demo/jobs"
private let accepted = (201, #"{"job":7,"cluster":"demo","messages":[],"partition":"debug","account":"lab"}"#)
private let script = "#!/bin/sh\n#SBATCH --job-name=train -t 10\n\nhostname\n"

@Suite struct SubmitTests {
    @Test func standardOutputIsWhatSbatchPrints() async throws {
        let run = try await sally(["submit", "job.sh"], answers: [path: [accepted]], files: ["job.sh": script])
        #expect(run.status == 0)
        #expect(run.output == "Submitted batch job 7\n")
        #expect(run.talk == "")
        #expect(run.asked.first?.bearer == "Bearer the-access-token")
        #expect((run.asked.first?.key?.count ?? 0) >= 16)
    }

    @Test(arguments: [
        (["--parsable", "job.sh"], "7\n"), (["--parsable", "-M", "demo", "job.sh"], "7;demo\n"),
        (
            ["--json", "job.sh"],
            #"{"schema":"sallyport/submit/1","job":7,"cluster":"demo","messages":[],"partition":"debug","account":"lab"}"#
                + "\n"
        ),
    ])
    func formats(arguments: [String], output: String) async throws {
        let run = try await sally(["submit"] + arguments, answers: [path: [accepted]], files: ["job.sh": script])
        #expect(run.output == output)
    }

    @Test(
        arguments: [
            (["job.sh"], #"{"script":"S","job_name":"train","time":"T"}"#, ["job_name": "train"]),
            (["-J", "other", "job.sh"], "", ["job_name": "other"]), (["-Jother", "job.sh"], "", ["job_name": "other"]),
            (["--job-name=other", "-pgpu", "job.sh"], "", ["job_name": "other", "partition": "gpu"]),
            (["--job-name", "other", "--part", "gpu", "job.sh"], "", ["partition": "gpu"]),
            (["-n4", "-c2", "job.sh"], "", ["ntasks": "4", "cpus_per_task": "2"]),
            (["-Jfirst", "-J", "second", "job.sh"], "", ["job_name": "second"]),
            (["-H", "job.sh"], "", ["hold": "true"]), (["--no-requeue", "job.sh"], "", ["requeue": "false"]),
        ] as [([String], String, [String: String])])
    func argumentsBecomeFields(arguments: [String], _: String, fields: [String: String]) async throws {
        let run = try await sally(["submit"] + arguments, answers: [path: [accepted]], files: ["job.sh": script])
        #expect(run.status == 0, "\(run.talk)")
        let body = try JSONValue(parsing: try #require(run.asked.first?.body))
        for (name, value) in fields {
            let got = body[name]
            #expect((got?.string ?? got?.text()) == value)
        }
        #expect(body["script"]?.string == script)
    }

    @Test(
        arguments: [
            (["-w", "n[1-2]", "-x", "n3", "-C", "a|b"], ["nodelist": "n1,n2", "exclude": "n3", "constraint": "a|b"]),
            (["--exclusive"], ["exclusive": "node"]), (["--exclusive=user"], ["exclusive": "user"]),
            (["--nice"], ["nice": "100"]), (["--nice=7"], ["nice": "7"]),
            (["--mail-type=END,fail"], ["mail_type": "END,FAIL"]),
            (["-G", "2", "--cpus-per-gpu=3", "--mem-per-gpu=1G"], ["cpus_per_gpu": "3", "mem_per_gpu": "1G"]),
        ] as [([String], [String: String])])
    func optionsBecomeFields(arguments: [String], fields: [String: String]) async throws {
        let body = try await submitted(arguments)
        for (name, value) in fields { #expect((body[name]?.string ?? body[name]?.text()) == value, "\(name)") }
    }

    private func submitted(_ arguments: [String], _ environment: [String: String] = [:]) async throws -> JSONValue {
        let run = try await sally(
            ["submit"] + arguments + ["job.sh"], answers: [path: [accepted]], environment: environment,
            files: ["job.sh": script])
        #expect(run.status == 0, "\(run.talk)")
        return try JSONValue(parsing: try #require(run.asked.first?.body))
    }

    /// The script says train and 10 minutes.
    @Test func theEnvironmentIsBetweenCommandLineAndScript() async throws {
        let variables = [
            "SBATCH_TIMELIMIT": "20", "SBATCH_JOB_NAME": "env", "SBATCH_EXCLUSIVE": "user", "SBATCH_QOS": "",
            "SBATCH_NO_REQUEUE": "1",
        ]
        let body = try await submitted(["-J", "said"], variables)
        #expect(body["job_name"] == "said")
        #expect(body["time"]?.string == "20:00")
        #expect(body["exclusive"] == "user")
        #expect(body["qos"] == nil)
        #expect(body["requeue"] == false)
        #expect(try await submitted([], ["SBATCH_EXCLUSIVE": "exclusive"])["exclusive"] == "node")
    }

    @Test(arguments: [
        (["SBATCH_WCKEY": "x"], Int32(6), "SBATCH_WCKEY is not offered"),
        (["SBATCH_TIMELIMIT": "soon"], 64, "SBATCH_TIMELIMIT"),
    ])
    func badVariablesAreRefused(environment: [String: String], status: Int32, says: String) async throws {
        let run = try await sally(["submit", "job.sh"], environment: environment, files: ["job.sh": script])
        #expect(run.status == status)
        #expect(run.talk.contains(says), "\(run.talk)")
        #expect(run.asked.isEmpty)
    }

    @Test(
        arguments: [
            (["SLURM_CLUSTERS": "one"], [], "one"), (["SLURM_CLUSTERS": "one", "SBATCH_CLUSTERS": "two"], [], "two"),
            (["SBATCH_CLUSTERS": "two", "SALLY_CLUSTER": "three"], [], "three"),
            (["SBATCH_CLUSTERS": "two", "SALLY_CLUSTER": "three"], ["-M", "four"], "four"),
        ] as [([String: String], [String], String)])
    func clustersComeFromTheEnvironment(environment: [String: String], arguments: [String], cluster: String)
        async throws
    {
        let run = try await sally(
            ["submit"] + arguments + ["job.sh"], answers: ["POST /v1/clusters/\(cluster)/jobs": [accepted]],
            environment: environment, files: ["job.sh": script])
        #expect(run.status == 0, "\(run.talk)")
    }

    @Test func scriptArgumentsAreNotOptions() async throws {
        let run = try await sally(
            ["submit", "job.sh", "--json", "-x"], answers: [path: [accepted]], files: ["job.sh": script])
        let body = try JSONValue(parsing: try #require(run.asked.first?.body))
        #expect(body["arguments"] == ["--json", "-x"])
        #expect(run.output == "Submitted batch job 7\n")
    }

    @Test func scriptsComeFromInputAndWrap() async throws {
        let piped = try await sally(["submit"], answers: [path: [accepted]], input: "#!/bin/sh\ndate\n")
        #expect(piped.asked.first?.body.contains("date") == true)
        let wrapped = try await sally(["submit", "--wrap", "date -u"], answers: [path: [accepted]])
        #expect(wrapped.asked.first?.body.contains(#"date -u\n"#) == true)
        #expect(wrapped.asked.first?.body.contains(#""job_name":"wrap""#) == true)
    }

    @Test(
        arguments: [
            (["--nosuch", "job.sh"], Int32(64), "unrecognized option"), (["-Z", "job.sh"], 64, "unrecognized option"),
            (["--mail-user=a@example.org", "job.sh"], 6, "--mail-user is not offered: the cluster sends no mail"),
            (["-L", "a", "job.sh"], 6, "-L is not offered: no rule can limit"),
            (["--exclusive=mcs", "job.sh"], 64, "--exclusive"), (["--hint=compute_bound", "job.sh"], 6, "--hint"),
            (["--mpi=x", "job.sh"], 64, "unrecognized option"), (["--mincpus=0", "job.sh"], 64, "--mincpus"),
            (["--t", "1", "job.sh"], 64, "ambiguous"), (["-p"], 64, "needs a value"),
            (["--time=soon", "job.sh"], 64, "--time"), (["missing.sh"], 64, "missing.sh"),
            (["--hold=yes", "job.sh"], 64, "takes no value"),
            (["--wrap=x", "job.sh"], 64, "exclude"), (["text.txt"], 64, "#!"), (["bad.sh"], 64, "line 2"),
            (["early.sh"], 64, "belongs on the command line"), (["--export=LD_PRELOAD=x", "job.sh"], 64, "LD_PRELOAD"),
            (["--export=UNSET", "job.sh"], 64, "UNSET is not set"),
        ] as [([String], Int32, String)])
    func badInputIsRefusedBeforeAnythingIsSent(arguments: [String], status: Int32, says: String) async throws {
        let files = [
            "job.sh": script, "text.txt": "hello", "bad.sh": "#!/bin/sh\n#SBATCH --nosuch\n",
            "early.sh": "#!/bin/sh\n#SBATCH --follow\n",
        ]
        let run = try await sally(["submit"] + arguments, files: files)
        #expect(run.status == status, "\(run.talk)")
        #expect(run.talk.contains(says), "\(run.talk)")
        #expect(run.output == "")
        #expect(run.asked.isEmpty)
    }

    @Test func lostAnswersAreAskedForWithTheSameKey() async throws {
        let run = try await sally(
            ["submit", "job.sh"],
            answers: [path: [(0, ""), (202, #"{"outcome":"checking","retry_after":1}"#), accepted]],
            files: ["job.sh": script])
        #expect(run.status == 0)
        #expect(run.output == "Submitted batch job 7\n")
        #expect(Set(run.asked.map(\.key)).count == 1)
        #expect(run.asked.count == 3)
    }

    private static let checking =
        #"{"outcome":"unknown","message":"outcome being checked","retry_after":5,"known_within":20,"obstacle":"a\u0007b"}"#

    @Test func waitingSaysHowLongAndWhy() async throws {
        let run = try await sally(
            ["submit", "--idempotency-key=my-key", "job.sh"],
            answers: [path: [(202, Self.checking), (202, Self.checking), accepted]], files: ["job.sh": script])
        #expect(run.status == 0 && run.output == "Submitted batch job 7\n")
        let lines = run.talk.split(separator: "\n")
        #expect(lines.count == 2 && lines.allSatisfy { $0.contains("checking with Slurm") }, "\(run.talk)")
        #expect(lines[1].contains("5 s so far") && lines[1].contains("at most 20 s"), "\(run.talk)")
        #expect(!run.talk.contains("\u{7}"))
    }

    @Test func waitingInJSONIsALineEachOnStandardError() async throws {
        let run = try await sally(
            ["submit", "--json", "--idempotency-key=my-key", "job.sh"],
            answers: [path: [(0, ""), (202, Self.checking), accepted]], files: ["job.sh": script])
        #expect(run.status == 0)
        #expect(run.output.split(separator: "\n").count == 1 && run.output.contains("sallyport/submit/1"))
        let lines = try run.talk.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
        try #require(lines.count == 2)
        for line in lines {
            #expect(line["schema"]?.string == "sallyport/submit-progress/1")
            #expect(line["outcome"]?.string == "unknown" && line["idempotency_key"]?.string == "my-key")
        }
        #expect(lines[1]["known_within"]?.integer() == 20 && lines[1]["waited"]?.integer() == 2)
    }

    @Test(arguments: [false, true])
    func interruptingSaysWhatToDo(json: Bool) async throws {
        let run = try await sally(
            ["submit"] + (json ? ["--json"] : []) + ["--idempotency-key=my-key", "job.sh"],
            answers: [path: [accepted]], files: ["job.sh": script])
        try #require(run.notes.count == 2 && run.notes[1] == nil, "\(run.notes)")
        let note = try #require(run.notes[0])
        #expect(note.contains("not known") && note.contains("--idempotency-key my-key"))
        if json { #expect(try JSONValue(parsing: Array(note.utf8))["idempotency_key"]?.string == "my-key") }
    }

    @Test func waitingEndsAndNamesTheKey() async throws {
        let run = try await sally(
            ["submit", "--idempotency-key=my-key", "job.sh"], answers: [path: [(202, Self.checking)]],
            files: ["job.sh": script])
        #expect(run.status == 69 && run.talk.contains("after 300 seconds"))
        #expect(run.talk.contains("--idempotency-key my-key"))
        #expect(Set(run.asked.map(\.key)) == ["my-key"])
    }

    @Test func anUnknownOutcomeNamesTheKey() async throws {
        let run = try await sally(
            ["submit", "--idempotency-key=my-key", "job.sh"], answers: [path: [(0, "")]], files: ["job.sh": script])
        #expect(run.status == 69)
        #expect(run.talk.contains("--idempotency-key my-key"))
        #expect(run.output == "")
    }

    @Test func refusalsHaveTheirExitStatus() async throws {
        let problem =
            #"{"type":"urn:sallyport:problem:denied","title":"not allowed","status":403,"detail":"no rule allows partition gpu","hint":"ask for access","code":"denied","request":"r1"}"#
        let run = try await sally(["submit", "job.sh"], answers: [path: [(403, problem)]], files: ["job.sh": script])
        #expect(run.status == 2)
        #expect(run.output == "")
        #expect(run.talk == "sally: no rule allows partition gpu\n  ask for access\n  request r1\n")
        let json = try await sally(
            ["submit", "--json", "job.sh"], answers: [path: [(403, problem)]], files: ["job.sh": script])
        #expect(try JSONValue(parsing: json.talk)["code"]?.string == "denied")
        #expect(json.output == "")
    }

    @Test(arguments: [
        (#""COMPLETED"],"exit_status":0,"signal":0,"x":["#, Int32(0)), (#""FAILED"],"exit_status":3,"x":["#, 3),
        (#""FAILED"],"exit_status":0,"signal":9,"x":["#, 137), (#""CANCELLED"],"x":["#, 1),
        (#""TIMEOUT"],"exit_status":0,"x":["#, 1),
    ])
    func followStreamsAndExitsAsTheJob(end: String, status: Int32) async throws {
        let look = "GET /v1/clusters/demo/jobs/7"
        let output = "\(look)/output?stream=stdout&offset="
        let run = try await sally(
            ["submit", "--follow", "job.sh"],
            answers: [
                path: [accepted],
                look: [
                    (200, job(#""PENDING""#, #","reason":"Priority""#)),
                    (200, job(#""RUNNING""#, #","node_list":"n1""#)),
                    (200, job(end)),
                ],
                "\(output)0&limit=262144": [(200, #"{"data":"aGVsbG8K","next_offset":6,"size":6,"final":false}"#)],
                "\(output)6&limit=262144": [(200, #"{"data":"","next_offset":6,"size":6,"final":true}"#)],
            ], files: ["job.sh": script])
        #expect(run.status == status, "\(run.talk)")
        #expect(run.output == "Submitted batch job 7\nhello\n")
        #expect(run.talk.contains("job 7 waits: other jobs go first (Priority)\n"))
        #expect(run.talk.contains("job 7 runs on n1\n"))
    }

    /// One task, `state` as `"FAILED"],"exit_status":3,"x":[`.
    private func task(_ number: Int, _ id: String, _ state: String) -> String {
        #"{"job":\#(number),"id":"\#(id)","cluster":"demo","name":"t","user":"alice","account":"lab","partition":"debug","states":[\#(state)]}"#
    }
    private func list(_ jobs: String...) -> (Int, String) {
        (200, #"{"jobs":[\#(jobs.joined(separator: ","))],"age":0}"#)
    }
    private let queue = "GET /v1/clusters/demo/jobs?array=7"
    private let book = "GET /v1/clusters/demo/jobs?all=true&since=1999999940&array=7"

    @Test func followingAnArrayEndsAsItsWorstTask() async throws {
        let first = task(8, "7_1", #""COMPLETED"],"exit_status":0,"x":["#)
        let second = task(9, "7_2", #""FAILED"],"exit_status":3,"x":["#)
        let rest = task(7, "7_[3-4]", #""CANCELLED"],"x":["#)
        let run = try await sally(
            ["submit", "--follow", "-a", "1-4", "job.sh"],
            answers: [
                path: [accepted],
                queue: [
                    list(task(8, "7_1", #""RUNNING""#), task(7, "7_[2-4]", #""PENDING""#)),
                    list(task(9, "7_2", #""RUNNING""#), task(7, "7_[3-4]", #""PENDING""#)), list(),
                ],
                // The worst is not the last, and other arrays are none of ours.
                book: [list(first), list(first, second, task(99, "77_2", #""COMPLETED""#)), list(first, second, rest)],
            ], files: ["job.sh": script])
        #expect(run.status == 3, "\(run.talk)")
        #expect(run.output == "Submitted batch job 7\n")
        #expect(run.talk.contains("job 7_1 has completed (number 8)\n"))
        #expect(run.talk.contains("job 7_2 ended: FAILED, exit status 3 (number 9)\n"))
        #expect(run.talk.contains("job 7_[3-4] ended: CANCELLED, exit status 1"))
    }

    @Test func anArrayWhoseTasksAllCompletedIsGood() async throws {
        let ends = list(task(8, "7_1", #""COMPLETED""#), task(9, "7_2", #""COMPLETED""#))
        let run = try await sally(
            ["submit", "--follow", "--json", "-a", "1-2", "job.sh"],
            answers: [path: [accepted], queue: [list()], book: [ends]], files: ["job.sh": script])
        #expect(run.status == 0, "\(run.talk)")
        #expect(run.output.split(separator: "\n").filter { $0.contains("sallyport/job/1") }.count == 2)
    }

    @Test func anEndThatIsNotKnownIsNoSuccess() async throws {
        let run = try await sally(
            ["submit", "--follow", "-a", "1-2", "job.sh"],
            answers: [path: [accepted], queue: [list()], book: [list(task(8, "7_1", #""COMPLETED""#))]],
            files: ["job.sh": script])
        #expect(run.status == 69)
        #expect(run.talk.contains("how 1 task of job 7 ended is not known: 7_2"))
    }

    @Test(arguments: [
        ("Priority", "other jobs go first"), ("Resources", "not enough is free"), ("Dependency", "depends on"),
        ("QOSMaxJobsPerUserLimit", "the limit of its QOS on jobs that run at once"),
        ("QOSMaxCpuPerUserLimit", "the limit of its QOS on CPUs is reached (QOS"),
        ("QOSMaxWallDurationPerJobLimit", "on time is reached; it will not start as it is"),
        ("AssocGrpGRES", "the limit of its account on GPUs"), ("AssocMaxSubmitJobLimit", "jobs in the queue"),
        ("QOSNewLimit", "a limit of its QOS is reached"),
        ("ReqNodeNotAvail, UnavailableNodes:n1", "is not available (R"),
        ("Nodes_required_for_job_are_DOWN,_DRAINED_or_reserved", "nodes that it needs are down"),
        ("NeverHeardOf", "waits: NeverHeardOf"),
    ])
    func reasonsAreSaidInWords(reason: String, words: String) async throws {
        let look = "GET /v1/clusters/demo/jobs/7"
        let run = try await sally(
            ["submit", "--follow", "job.sh"],
            answers: [
                path: [accepted],
                look: [(200, job(#""PENDING""#, #","reason":"\#(reason)""#)), (200, job(#""CANCELLED""#))],
                "\(look)/output?stream=stdout&offset=0&limit=262144": [
                    (200, #"{"data":"","next_offset":0,"size":0,"final":true}"#)
                ],
            ], files: ["job.sh": script])
        #expect(run.talk.contains(words), "\(run.talk)")
    }

    @Test(arguments: [(["can-i", "submit", "job.sh"]), ["submit", "--test-only", "job.sh"]])
    func testOnlyAsks(arguments: [String]) async throws {
        let no =
            #"{"allowed":false,"rules":[{"rule":"users","verdict":"partition gpu is not in it"}],"judged":{"partition":"gpu"},"message":"no rule allows it"}"#
        let run = try await sally(
            arguments, answers: ["POST /v1/clusters/demo/can-i": [(200, no)]], files: ["job.sh": script])
        #expect(run.status == 2)
        #expect(
            run.output == "no: no rule allows it\n  rule users: partition gpu is not in it\n  judged: partition=gpu\n")
    }

    @Test(
        arguments: [
            ([], [:]), (["--export=NONE"], [:]), (["--export=A"], ["A": "1"]),
            (["--export=A,B=x y"], ["A": "1", "B": "x y"]),
            (["--export=B='x,y',A"], ["A": "1", "B": "x,y"]), (["--export=ALL"], ["A": "1", "LANG": "C"]),
            (["--export=ALL,B=2"], ["A": "1", "LANG": "C", "B": "2"]),
        ] as [([String], [String: String])])
    func theEnvironmentStaysHereUnlessAsked(arguments: [String], sent: [String: String]) async throws {
        let run = try await sally(
            ["submit"] + arguments + ["job.sh"], answers: [path: [accepted]],
            environment: [
                "A": "1", "LANG": "C", "PATH": "/laptop", "HOME": "/home/me", "LD_LIBRARY_PATH": "/x", "SLURM_JWT": "t",
                "SALLY_CLUSTER": "demo", "GITHUB_TOKEN": "t", "MY_PASSWORD": "p", "AWS_PROFILE": "x",
                "SSH_AUTH_SOCK": "/s",
            ], files: ["job.sh": script])
        #expect(run.status == 0, "\(run.talk)")
        let body = try JSONValue(parsing: try #require(run.asked.first?.body))
        var got: [String: String] = [:]
        if let object = body["environment"]?.object { for member in object { got[member.key] = member.value.string } }
        #expect(got == sent)
    }
}
