// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

@testable import SallyAccounts

extension SessionScript {
    /// With two minutes for what has a second or two.
    static let patientLibrary = library.replacing("timeout -k 1 1 ", with: "timeout -k 1 120 ")
        .replacing("timeout -k 1 2 ", with: "timeout -k 1 120 ")
}

/// Real processes of a uid that nobody has, ended as a lock does. Slurm's commands are files of the test.
@Suite(.enabled(if: LockScriptTests.isRoot, "only root can start processes of another uid")) struct EndSessionsTests {
    /// What a test begins with: `as_user COMMAND...`, `end`, and a uid of its own; whatever happens, no process of it stays.
    /// - Parameters:
    ///   - test: run by bash in `folder`, after the library.
    ///   - slurm: body of each of Slurm's commands.
    ///   - library: the functions, with the limits that are meant.
    func run(
        _ uid: Int, in folder: String, slurm: [String: String] = [:], library: String = SessionScript.patientLibrary,
        _ test: String
    ) async throws -> ProgramResult {
        var setup = "cd \(folder); mkdir -p bin; chmod 755 .\n"
        for command in ["scontrol", "squeue"] {
            let body = slurm[command] ?? "exit 1"
            setup += "printf '%s\\n' '#!/bin/bash' \(shellQuoted(body)) >bin/\(command); chmod 755 bin/\(command)\n"
        }
        let script = """
            set -u
            \(AccountScript.stepLibrary)
            \(library.replacing("/run/systemd/system", with: folder + "/systemd"))
            is_ours() { true; }
            # Its time begins when it does, and is longer than any test.
            eval "real_$(declare -f end_sessions)"
            end_sessions() { SECONDS=0; real_end_sessions "$@"; }
            usual_until=$sessions_until sessions_until=240
            user=\(uid)
            # In a session of their own, as logins are: a group that loses its last link to its session goes on (setpgid(2)).
            as_user() { exec setsid setpriv --reuid=$user --regid=$user --clear-groups "$@"; }
            count() { ps -o stat= -u $user | grep -vc Z; }
            # Whether PID is sleep(1) and sleeps: counted it is before it has begun.
            asleep() { [ "$(cut -d' ' -f2,3 /proc/$1/stat)" = "(sleep) S" ]; }
            # until COMMAND succeeds, for 240 s.
            await() { local end=$((SECONDS + 240)); until "$@"; do [ $SECONDS -lt $end ] || { echo "never: $*"; ps -u $user; exit 9; }; done; }
            counts() { [ "$(count)" = "$1" ]; }
            sweep() {
                for i in {1..50}; do
                    : >\(folder)/stop
                    timeout 2 setpriv --reuid=$user --regid=$user --clear-groups bash -c 'kill -KILL -1'
                    counts 0 && break
                done
            }
            trap sweep EXIT
            \(setup)
            export PATH=\(folder)/bin:$PATH
            \(test)
            """
        return try await runProgram(
            "/bin/bash", ["-c", script], environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
    }

    @Test func endsWhatRunsAndSaysHowMany() async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                6_042_501, in: folder,
                """
                for i in 1 2 3; do as_user sleep 1000 </dev/null >/dev/null 2>&1 & done
                as_user bash -c 'trap "" TERM HUP; while :; do sleep 0.01; done' >/dev/null 2>&1 &
                await counts_more; end_sessions nobody $user; count; end_sessions nobody $user
                """.replacing("counts_more", with: "eval '[ $(count) -ge 4 ]'"))
            let lines = result.output.split(separator: "\n").map(String.init)
            try #require(lines.count == 3, "\(result)")
            #expect(lines[0].hasPrefix("step\tsessions\tdone\t"), "\(result)")
            #expect(lines[1] == "0")
            #expect(lines[2] == "step\tsessions\tunchanged\tnobody runs nothing outside of jobs")
        }
    }

    /// Each of them makes another and ends, and so on: no pid is there for long.
    @Test func winsAgainstProcessesThatForkAndEnd() async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                6_042_502, in: folder,
                """
                printf '%s\\n' 'exec </dev/null >/dev/null 2>&1' '[ -e stop ] || bash \(folder)/hop & exit' >hop; chmod 755 hop
                mkdir -m 777 marks; sed -i '1i : >\(folder)/marks/$$' hop
                as_user bash \(folder)/hop &
                await eval '[ $(ls marks | wc -l) -ge 20 ]'
                end_sessions nobody $user; count; before=$(ls marks | wc -l); sleep 0.3
                [ "$before" = "$(ls marks | wc -l)" ] && echo over
                """)
            #expect(result.output.hasSuffix("\n0\nover\n") && result.output.contains("\tdone\t"), "\(result)")
        }
    }

    /// With one that stands for a user who forks faster than anybody looks: every look finds another.
    @Test func stopsLookingWhenItsTimeIsOver() async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                6_042_503, in: folder,
                """
                for i in {1..30}; do as_user sleep 1000 & done
                await counts 30
                sessions_until=$usual_until
                in_job_group() { SECONDS=$((SECONDS + 4)); looked=$((${looked-0} + 1)); false; }
                end_sessions nobody $user; echo "$looked"
                """)
            let lines = result.output.split(separator: "\n").map(String.init)
            try #require(lines.count == 2, "\(result)")
            #expect(
                lines[0].hasPrefix("step\tsessions\tfailed\t") && lines[0].contains("not all could be looked at"),
                "\(result)")
            #expect(Int(lines[1]).map { $0 <= 12 } == true, "\(result)")
        }
    }

    /// Whoever looks at a job's processes sees nothing, and what was stopped before stays so.
    @Test func aJobIsNotStoppedForAMoment() async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                6_042_590, in: folder,
                slurm: [
                    "scontrol": "[ $1 = listpids ] && for i in $(cat \(folder)/pids); do echo $i 7 batch - -; done"
                ],
                """
                mkdir -m 777 marks
                printf '%s\\n' 'trap ": >\(folder)/marks/went-on" CONT' ': >\(folder)/marks/ready' 'while :; do sleep 0.02; done' >job; chmod 755 job
                as_user bash \(folder)/job >/dev/null 2>&1 & echo $! >pids
                as_user sleep 2000 &
                await eval '[ -e marks/ready ] && [ $(count) -ge 2 ]'
                end_sessions nobody $user; end_sessions nobody $user; sleep 0.2; ls marks
                """)
            let lines = result.output.split(separator: "\n").map(String.init)
            #expect(lines.count == 3 && lines.last == "ready", "\(result)")
        }
    }

    @Test func letsJobsGoOnAndLeavesStoppedOnesStopped() async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                6_042_511, in: folder,
                slurm: [
                    "scontrol": "[ $1 = listpids ] && for i in $(cat \(folder)/pids); do echo $i 7 batch - -; done"
                ],
                """
                as_user sleep 1000 & one=$!; as_user sleep 1000 & two=$!; as_user sleep 2000 &
                await counts 3; await asleep $one; await asleep $two; echo $one $two >pids
                state() { cut -d' ' -f3 /proc/$1/stat; }
                for first in S T; do
                    [ $first = S ] || { kill -STOP $two; await eval '[ $(state $two) = T ]'; }
                    end_sessions nobody $user; state $one; state $two
                done
                """)
            #expect(
                result.output.split(separator: "\n").map(String.init) == [
                    "step\tsessions\tdone\t1 processes of nobody outside of jobs ended", "S", "S",
                    "step\tsessions\tunchanged\tnobody runs nothing outside of jobs", "S", "T",
                ], "\(result)")
        }
    }

    @Test func saysWhatDoesNotEnd() async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                6_042_504, in: folder,
                "as_user sleep 1000 & await counts 1; hit() { :; }; sleep() { :; }; end_sessions nobody $user")
            #expect(
                result.output.contains("step\tsessions\tfailed\t") && result.output.contains("; 1 seen"), "\(result)")
        }
    }

    /// STOP before any KILL, and to everything.
    @Test func stopsAllBeforeItKillsAny() async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                6_042_505, in: folder,
                """
                for i in 1 2 3; do as_user sleep 1000 & done; await counts 3
                kill() { echo "${1#-}"; builtin kill "$@"; }
                end_sessions nobody $user
                """)
            let signals = result.output.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("step") }
            // What is not gone at the next look gets both again.
            #expect(Array(signals.prefix(6)) == ["STOP", "STOP", "STOP", "KILL", "KILL", "KILL"], "\(result)")
        }
    }

    @Test func signalsOnlyTheProcessThatWasJudged() async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                6_042_506, in: folder,
                """
                as_user sleep 1000 & pid=$!; await counts 1; await asleep $pid
                born $pid; right=$birth
                hit KILL $pid:$((right - 1)); hit STOP $pid:$((right - 1)); cut -d' ' -f3 /proc/$pid/stat
                [ "$right" = "$(cut -d' ' -f22 /proc/$pid/stat)" ] && echo start
                hit KILL $pid:$right; await counts 0; echo ended
                """)
            #expect(result.output == "S\nstart\nended\n", "\(result)")
        }
    }

    /// Somebody else gets the pid between the comparison and the signal.
    @Test func letsGoWhoGotThePidInBetween() async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                6_042_507, in: folder,
                """
                births=(1 2); born() { birth=${births[0]}; births=("${births[@]:1}"); }
                kill() { echo "$*"; }
                hit STOP 4242:1
                """)
            #expect(result.output == "-STOP 4242\n-CONT 4242\n", "\(result)")
        }
    }

    /// What slurmd lists is spared when it is still the process that was there before slurmd was asked.
    @Test(arguments: [true, false]) func sparesWhatSlurmdListsUnlessThePidIsAnothers(isSame: Bool) async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                6_042_508 + (isSame ? 0 : 1), in: folder,
                slurm: ["scontrol": "[ $1 = listpids ] && { echo PID JOBID; echo $(cat \(folder)/pid) 7 batch - -; }"],
                """
                as_user sleep 1000 & echo $! >pid; pid=$!; await counts 1
                \(isSame ? "" : "eval \"real_$(declare -f born)\"; born() { real_born \"$1\"; n=$((${n-0} + 1)); [ $n -gt 1 ] || birth=1; }")
                tracking=proctrack/cgroup; look $user
                echo "${#found[@]} $unsure"
                """)
            #expect(result.output == (isSame ? "0 0\n" : "0 1\n"), "\(result)")
        }
    }

    /// Who got a job's pid after its process was seen lends neither itself nor its session to a claim.
    @Test func takesNoPidOfAnothersFromSlurmd() async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                6_042_512, in: folder,
                slurm: ["scontrol": "echo $(cat \(folder)/pid) 7 batch - -", "squeue": "echo 7 6042512"],
                """
                as_user sleep 1000 & echo $! >pid; pid=$!; await counts 1; tracking=
                born $pid; right=$birth
                for birth in $right $((right - 1)); do
                    declare -A begun=([$pid]=$birth); slurm_view $user; echo "${listed:+listed}${sids:+ session}${known:+ $known}"
                done
                """)
            #expect(result.output == "listed session 7 \n\n", "\(result)")
        }
    }

    /// (proctrack, job of the claim, job as squeue has it, job as slurmd has it, outcome)
    static let claims: [(String, Int, String, Int, String)] = [
        ("linuxproc", 7, "7 UID", 7, "failed"), ("linuxproc", 8, "7 UID", 7, "done"),
        ("linuxproc", 7, "7 1", 7, "done"), ("linuxproc", 7, "7 UID", 9, "done"), ("linuxproc", 7, "", 7, "done"),
        ("cgroup", 7, "7 UID", 7, "done"),
    ]

    /// Of the user: one process that slurmd lists, and one elsewhere that says it is of a job. Only where the job is the
    /// user's, has been started and is here is it spared, and then the step fails.
    @Test(arguments: Array(claims.enumerated()))
    func hearsClaimsOnlyForAJobThatRunsHere(
        _ index: Int, _ claim: (String, Int, String, Int, String)
    ) async throws {
        let (tracking, claimed, queued, listed, outcome) = claim
        let uid = 6_042_520 + index
        try await withScratchFolder { folder in
            let result = try await run(
                uid, in: folder,
                slurm: [
                    "scontrol": """
                    case $1 in
                    listpids) echo PID JOBID STEPID LOCALID GLOBALID; echo $(cat \(folder)/pid) \(listed) batch - - ;;
                    show) echo 'ProctrackType           = proctrack/\(tracking)' ;;
                    esac
                    """,
                    "squeue": "echo '\(queued.replacing("UID", with: "\(uid)"))'; echo '3 77'",
                ],
                """
                as_user sleep 1000 & as_user setsid env SLURM_JOB_ID=\(claimed) sleep 2000 &
                await counts 2; await eval "pgrep -u $user -f 'sleep 1000' >/dev/null"; pgrep -u $user -f 'sleep 1000' >pid
                await eval "pgrep -u $user -x -f 'sleep 2000' >/dev/null"
                end_sessions nobody $user; pgrep -u $user -c -f 'sleep 1000'; pgrep -u $user -c -f 'sleep 2000'
                """)
            let lines = result.output.split(separator: "\n").map(String.init)
            try #require(lines.count == 3, "\(result)")
            #expect(lines[0].hasPrefix("step\tsessions\t\(outcome)\t"), "\(result)")
            #expect(lines[0].contains("(job 7); 1 in all") == (outcome == "failed"), "\(result)")
            #expect(lines[1] == "1" && lines[2] == (outcome == "failed" ? "1" : "0"), "\(result)")
        }
    }

    /// A job that has ended meanwhile is heard of no more.
    @Test func asksSlurmAgainAtEveryLook() async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                6_042_530, in: folder,
                slurm: [
                    "scontrol": "[ $1 != listpids ] || echo $(cat \(folder)/pid) 7 batch - -",
                    "squeue": "[ -e \(folder)/asked ] || echo '7 6042530'; : >\(folder)/asked",
                ],
                """
                as_user sleep 1000 & pid=$!; as_user setsid env SLURM_JOB_ID=7 sleep 2000 &
                await counts 2; await eval "pgrep -u $user -f 'sleep 1000' >/dev/null"; pgrep -u $user -f 'sleep 1000' >pid
                await eval "pgrep -u $user -x -f 'sleep 2000' >/dev/null"
                end_sessions nobody $user; pgrep -u $user -c -f 'sleep 2000'
                """)
            #expect(result.output.contains("\tdone\t") && result.output.hasSuffix("\n0\n"), "\(result)")
        }
    }

    /// (session of the process, its control group, a slurmstepd's, process 1's)
    static let weights: [(sid: String, own: String, step: String, first: String, verdict: String)] = [
        ("20", "0::/", "0::/", "0::/", "true"),
        ("21", "0::/", "0::/", "0::/", "open"),
        ("21", "0::/user.slice/a", "0::/", "0::/", "open"),
        ("21", "0::/user.slice/a", "0::/system.slice/slurmd.service", "0::/init.scope", "false"),
        ("21", "0::/system.slice/slurmd.service", "0::/system.slice/slurmd.service", "0::/init.scope", "true"),
        ("21", "", "0::/system.slice/slurmd.service", "0::/init.scope", "open"),
        ("21", "0::/user.slice/a", "", "0::/init.scope", "open"), ("", "0::/", "0::/", "0::/", "open"),
    ]

    @Test(arguments: weights)
    func weighsAClaimByWhatNobodyCanForge(
        _ row: (sid: String, own: String, step: String, first: String, verdict: String)
    ) async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                6_042_531, in: folder,
                """
                born() { sid=\(shellQuoted(row.sid)); birth=1; }; slurmstepds() { echo 5; }; sids=" 19 20"
                place() { case $1 in 50) printf %s '\(row.own)' ;; 5) printf %s '\(row.step)' ;; 1) printf %s '\(row.first)' ;; esac; }
                weigh 50
                """)
            #expect(result.output == row.verdict + "\n", "\(result)")
        }
    }
}
