// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

@testable import SallyAccounts

/// What a lock sees, with /proc and Slurm in the place of which the test speaks.
@Suite struct SessionScriptTests {
    private func bash(_ library: String, _ test: String) async throws -> ProgramResult {
        try await runProgram("/bin/bash", ["-c", library + "\n" + test], environment: ["PATH": "/usr/bin:/bin"])
    }

    private func status(_ pid: Int, _ uids: String, state: String = "S", threads: Int = 1, parent: Int = 1) -> String {
        "Name:\tx\nState:\t\(state)\nPid:\t\(pid)\nPPid:\t\(parent)\nUid:\t\(uids)\nThreads:\t\(threads)\n"
    }

    @Test(arguments: [
        (6_042_424, "6042424 6042424 6042424 6042424", "S", 1, true),
        (50, "6042424 6042424 6042424 6042424", "Z", 2, true),
        (51, "6042424 6042424 6042424 6042424", "Z", 1, false),
        (52, "7 6042424 7 7", "S", 1, true), (53, "7 7 7 7", "S", 1, false),
    ])
    func seesEveryProcessThatCanStillRun(
        pid: Int, uids: String, state: String, threads: Int, isSeen: Bool
    ) async throws {
        let text = status(1, "0 0 0 0", parent: 0) + status(pid, uids, state: state, threads: threads)
        let result = try await bash(SessionScript.library, "statuses() { printf %s '\(text)'; }; people 6042424 ''")
        #expect(result.output == (isSeen ? "\(pid)\n" : ""), "\(result)")
    }

    @Test func saysThatProcessesCouldNotBeRead() async throws {
        let result = try await bash(SessionScript.library, "statuses() { return 1; }; people 6042424 ''")
        #expect(result.output == "unread\n", "\(result)")
    }

    /// The ranges are read from subuid(5), which a test cannot have in its real place.
    @Test(arguments: [
        (99_999, false), (100_000, true), (165_535, true), (165_536, false), (300_000, true), (300_001, false),
    ])
    func seesProcessesUnderSubordinateUids(uid: Int, isSeen: Bool) async throws {
        try await withScratchFolder { folder in
            let text = status(1, "0 0 0 0", parent: 0) + status(50, "\(uid) \(uid) \(uid) \(uid)")
            let ranges = #"alice:100000:65536\nbob:165536:65536\n6042424:300000:1\n"#
            let library = SessionScript.library.replacing("/etc/subuid", with: folder + "/subuid")
            let result = try await bash(
                library,
                "printf '\(ranges)' >\(folder)/subuid; id() { echo alice; }; statuses() { printf %s '\(text)'; }; people 6042424 ''"
            )
            #expect(result.output == (isSeen ? "50\n" : ""), "\(result)")
        }
    }

    /// A program of root's that somebody started by a link named slurmstepd.
    @Test(.enabled(if: LockScriptTests.isRoot)) func believesNoSlurmstepdOfAnotherProgram() async throws {
        try await withScratchFolder { folder in
            let result = try await bash(
                SessionScript.library,
                """
                ln -s /bin/sleep \(folder)/slurmstepd; cp /bin/sleep \(folder)/real
                mkdir \(folder)/there; mv \(folder)/real \(folder)/there/slurmstepd
                \(folder)/slurmstepd 100 & false=$!
                \(folder)/there/slurmstepd 100 & true=$!
                until [ "$(readlink /proc/$true/exe)" = \(folder)/there/slurmstepd ] &&
                    [ "$(cat /proc/$false/comm)" = slurmstepd ]; do :; done
                all=" $(slurmstepds)"
                kill $false $true
                case $all in *" $true "*) echo true ;; esac
                case $all in *" $false "*) echo false ;; esac
                """)
            #expect(result.output == "true\n", "\(result)")
        }
    }

    /// Whoever is to be stopped may hold on to the pipe of what stops them.
    @Test(.enabled(if: LockScriptTests.isRoot), .timeLimit(.minutes(5))) func whoKeepsThePipeIsNotWaitedFor()
        async throws
    {
        try await withScratchFolder { folder in
            let result = try await bash(
                ScriptParts.library + SessionScript.patientLibrary,
                """
                cd \(folder) && mkdir bin && PATH=\(folder)/bin:$PATH
                printf '#!/bin/bash\\nsleep 900 & echo $! >>kept\\nexec /usr/bin/setpriv "$@"\\n' >bin/setpriv; chmod 755 . bin bin/setpriv
                env SLURM_JOB_ID=77 /usr/bin/setpriv --reuid=6042431 --regid=6042431 --clear-groups sleep 900 </dev/null >/dev/null 2>&1 &
                own=$!
                until [ "$(stat -c %u /proc/$own/)" = 6042431 ] && [ "$(cat /proc/$own/comm)" = sleep ]; do :; done
                all_of 6042431 CONT && echo sent
                claimed_job 6042431 $own
                claimed_job 6042431 1
                kill $(cat kept) $own && wc -l <kept
                """)
            #expect(result.output == "sent\n77\n\n3\n", "\(result)")
        }
    }

    @Test func aListOfQOSThatCannotBeReadIsNoEmptyOne() async throws {
        let result = try await bash(
            QOSScript.library, "soon() { \"$@\"; }; sacctmgr() { return 1; }; loose_qos && echo none")
        #expect(result.output.isEmpty && result.status != 0, "\(result)")
    }
}
