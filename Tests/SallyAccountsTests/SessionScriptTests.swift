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
        let result = try await bash(SessionScript.library, "xargs() { printf %s '\(text)'; }; people 6042424 ''")
        #expect(result.output == (isSeen ? "\(pid)\n" : ""), "\(result)")
    }

    @Test func saysThatProcessesCouldNotBeRead() async throws {
        let result = try await bash(SessionScript.library, "xargs() { return 1; }; people 6042424 ''")
        #expect(result.output == "unread\n", "\(result)")
    }

    @Test func aListOfQOSThatCannotBeReadIsNoEmptyOne() async throws {
        let result = try await bash(
            QOSScript.library, "soon() { \"$@\"; }; sacctmgr() { return 1; }; loose_qos && echo none")
        #expect(result.output.isEmpty && result.status != 0, "\(result)")
    }
}
