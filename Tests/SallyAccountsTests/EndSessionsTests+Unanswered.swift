// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

@testable import SallyAccounts

/// What is not known in time kills nobody, and the next lock finishes it.
extension EndSessionsTests {
    /// Of the test's processes: `letters PID...` prints the state of each, or `ended`.
    private static let letters = """
        letters() { for one; do born $one; case $run in '' | Z) run=ended ;; esac; printf '%s ' $run; done; echo; }
        """

    /// Two processes that only slurmd could tell apart: one is a job's. Where the user has a job here, as the control group of
    /// a third process says, both go on; where there is none, both end.
    @Test(arguments: [true, false]) func aSlurmdThatDoesNotAnswerCostsNoJob(hasJob: Bool) async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                6_042_540 + (hasJob ? 1 : 0), in: folder,
                slurm: [
                    "scontrol": """
                    case $1 in
                    listpids) [ ! -e \(folder)/hang ] || exec sleep 1000; echo $(cat \(folder)/pid) 7 batch - - ;;
                    show) echo 'ProctrackType = proctrack/linuxproc' ;;
                    esac
                    """
                ],
                """
                \(Self.letters)
                as_user sleep 1000 & main=$!; as_user sleep 1000 & job=$!; as_user sleep 1000 & outside=$!
                await counts 3; echo $job >pid
                in_job_group() { \(hasJob ? "[ $1 = $main ]" : "false"); }
                given=1; briefly() { timeout $given "$@"; }
                : >hang; sessions_until=$((SECONDS + \(hasJob ? 10 : 60)))
                end_sessions nobody $user; letters $main $job $outside
                rm hang; given=20 sessions_until=$((SECONDS + 60))
                end_sessions nobody $user; letters $main $job $outside
                """)
            let lines = result.output.split(separator: "\n").map(String.init)
            try #require(lines.count == 4, "\(result)")
            guard hasJob else {
                #expect(lines[0].hasPrefix("step\tsessions\tdone\t3 "), "\(result)")
                #expect(lines[1] == "ended ended ended ", "\(result)")
                return
            }
            #expect(lines[0].hasPrefix("step\tsessions\tfailed\t0 "), "\(result)")
            #expect(lines[1] == "S S S ", "\(result)")
            #expect(lines[2].hasPrefix("step\tsessions\tdone\t1 "), "\(result)")
            #expect(lines[3] == "S S ended ", "\(result)")
        }
    }

    /// slurmd does not answer either, but control groups do: what they say is in no job ends.
    @Test func whatIsInAnotherControlGroupEndsWithoutAnAnswer() async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                6_042_548, in: folder,
                slurm: [
                    "scontrol": """
                    case $1 in listpids) exec sleep 1000 ;; show) echo 'ProctrackType = proctrack/cgroup' ;; esac
                    """
                ],
                """
                \(Self.letters)
                as_user sleep 1000 & main=$!; as_user sleep 1000 & login=$!; await counts 2
                in_job_group() { [ $1 = $main ]; }
                weigh() { echo false; }
                briefly() { timeout 1 "$@"; }
                end_sessions nobody $user; letters $main $login
                """)
            let lines = result.output.split(separator: "\n").map(String.init)
            try #require(lines.count == 2, "\(result)")
            #expect(lines[0].hasPrefix("step\tsessions\tdone\t1 "), "\(result)")
            #expect(lines[1] == "S ended ", "\(result)")
        }
    }

    /// As with a job's processes under a slurmstepd: the claims of two others cannot be read. What control groups say of them is
    /// heard all the same.
    @Test(arguments: [("open", 6_042_545), ("true", 6_042_546), ("false", 6_042_547)])
    func aClaimThatCannotBeReadInTimeIsNotAFalseOne(verdict: String, uid: Int) async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                uid, in: folder,
                slurm: [
                    "scontrol": """
                    case $1 in
                    listpids) echo $(cat \(folder)/pid) 7 batch - - ;;
                    show) echo 'ProctrackType = proctrack/linuxproc' ;;
                    esac
                    """,
                    "squeue": "echo '7 \(uid)'",
                ],
                library: SessionScript.library,
                """
                \(Self.letters)
                as_user sleep 1000 & main=$!; as_user env SLURM_JOB_ID=7 sleep 1000 & job=$!; as_user sleep 1000 & outside=$!
                await counts 3; echo $main >pid
                await eval '[ $(pgrep -u $user -c -x sleep) = 3 ]'
                weigh() { echo \(verdict); }
                printf '%s\\n' '#!/bin/bash' '[ -e \(folder)/stop ] || [ ! -e \(folder)/hang ] || exec sleep 1000' \\
                    'exec /usr/bin/setpriv "$@"' >bin/setpriv; chmod 755 bin bin/setpriv
                : >hang; sessions_until=$((SECONDS + \(verdict == "open" ? 10 : 60)))
                end_sessions nobody $user; letters $main $job $outside
                rm hang; sessions_until=$((SECONDS + 60))
                end_sessions nobody $user; letters $main $job $outside
                """)
            let lines = result.output.split(separator: "\n").map(String.init)
            try #require(lines.count == 4, "\(result)")
            switch verdict {
            case "open":
                #expect(lines[0].hasPrefix("step\tsessions\tfailed\t0 "), "\(result)")
                #expect(lines[1] == "S S S ", "\(result)")
                // Now it is known of one that it claims to be a job's, and of the other that it does not.
                #expect(lines[2].hasPrefix("step\tsessions\tfailed\t1 "), "\(result)")
                #expect(lines[2].contains("(job 7); 1 in all"), "\(result)")
                #expect(lines[3] == "S S ended ", "\(result)")
            case "true":
                #expect(lines[0].hasPrefix("step\tsessions\tunchanged\t"), "\(result)")
                #expect(lines[1] == "S S S ", "\(result)")
            default:
                #expect(lines[0].hasPrefix("step\tsessions\tdone\t2 "), "\(result)")
                #expect(lines[1] == "S ended ended ", "\(result)")
            }
        }
    }

    /// slurmctld is away: of the user's jobs that slurmd has here none is known to be over, and a claim of one is heard.
    @Test func aSlurmctldThatDoesNotAnswerEndsNoClaim() async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                6_042_560, in: folder,
                slurm: ["scontrol": "[ $1 != listpids ] || echo $(cat \(folder)/pid) 7 batch - -"],
                """
                \(Self.letters)
                as_user sleep 1000 & main=$!; as_user env SLURM_JOB_ID=7 sleep 1000 & job=$!
                as_user env SLURM_JOB_ID=8 sleep 1000 & other=$!
                await counts 3; echo $main >pid
                await eval '[ $(pgrep -u $user -c -x sleep) = 3 ]'
                weigh() { echo open; }
                end_sessions nobody $user; letters $main $job $other
                """)
            let lines = result.output.split(separator: "\n").map(String.init)
            try #require(lines.count == 2, "\(result)")
            #expect(lines[0].hasPrefix("step\tsessions\tfailed\t1 "), "\(result)")
            #expect(lines[0].contains("(job 7); 1 in all"), "\(result)")
            #expect(lines[1] == "S S ended ", "\(result)")
        }
    }

    /// Of three sessions of logind's one may be a job's for all that is known, and one is.
    @Test func aSessionThatMayBeAJobsIsNotTerminated() async throws {
        try await withScratchFolder { folder in
            let logind = """
                case $1 in
                list-sessions) for i in 5 6 7; do echo $i 6042562 nobody; done ;;
                show-session) case $2 in 5) exit 124 ;; 6) echo sshd ;; 7) echo slurm ;; esac ;;
                terminate-session) echo $2 >>\(folder)/terminated ;;
                esac
                """
            let result = try await run(
                6_042_562, in: folder,
                """
                mkdir systemd; printf '%s\\n' '#!/bin/bash' \(shellQuoted(logind)) >bin/loginctl; chmod 755 bin/loginctl
                end_sessions nobody $user; cat terminated
                """)
            #expect(
                result.output == "step\tsessions\tunchanged\tnobody runs nothing outside of jobs\n6\n", "\(result)")
        }
    }

    /// scontrol says 1 where one of several steps has ended while it asks; what it lists is there all the same.
    @Test func whatSlurmdListsIsSparedThoughAStepHasEnded() async throws {
        try await withScratchFolder { folder in
            let result = try await run(
                6_042_561, in: folder,
                slurm: ["scontrol": "[ $1 != listpids ] || echo $(cat \(folder)/pid) 7 batch - -; exit 1"],
                """
                \(Self.letters)
                as_user sleep 1000 & main=$!; as_user sleep 1000 & outside=$!; await counts 2; echo $main >pid
                end_sessions nobody $user; letters $main $outside
                """)
            #expect(
                result.output
                    == "step\tsessions\tdone\t1 processes of nobody outside of jobs ended\nS ended \n", "\(result)")
        }
    }
}
