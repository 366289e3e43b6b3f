// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import Testing

@testable import SallyAccounts

/// Scripts around ~/.ssh and scratch folders, run by bash on folders of the test.
@Suite(.enabled(if: LockScriptTests.isRoot, "only root can give files to others")) struct TrustScriptTests {
    private func bash(_ script: String) async throws -> String {
        let ran = try await runProgram(
            "/bin/bash", ["-c", script], environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
        #expect(ran.errors.isEmpty, "\(ran)")
        return ran.output
    }

    private static let probe = "set -u\n" + ScriptParts.library + ProbeScript.library + TrustProbe.library

    /// Where a link leads is its owner's to choose.
    @Test func aLinksTargetIsNoLineOfTheAnswer() async throws {
        try await withScratchFolder { folder in
            let said = try await bash(
                Self.probe + """
                    cd \(folder); ln -s $'x\\nhostkey\\tssh-ed25519 EVIL\\naddress\\t10.0.0.1' forged; ln -s /mnt/alice good
                    printf '%s\\n' \(folder)/forged \(folder)/good \(folder)/none | probe_paths
                    """)
            let seen = try NodeObservation(parsing: said + "end\n", node: NodeName("node001"))
            #expect(seen.hostKeys.isEmpty && seen.addresses.isEmpty)
            #expect(seen.paths["\(folder)/forged"]?.target == "?")
            #expect(seen.paths["\(folder)/good"]?.target == "/mnt/alice")
            #expect(seen.paths.count == 2)
        }
    }

    /// One who has made something of his file that cannot be read is said; the others are read.
    @Test func oneUnreadFileHidesNoOther() async throws {
        try await withScratchFolder { folder in
            let said = try await bash(
                Self.probe + """
                    cd \(folder)
                    for name in a b c d; do mkdir -p $name/.ssh; echo "ssh-rsa X sally:demo:key" >$name/.ssh/authorized_keys; done
                    truncate -s 300K b/.ssh/authorized_keys; rm c/.ssh/authorized_keys; mkfifo c/.ssh/authorized_keys
                    homes=(\(folder)/{a,b,c,d})
                    grep() { command grep "$@"; }
                    probe_ssh sally:demo:
                    """)
            let seen = try NodeObservation(parsing: said + "end\n", node: NodeName("master"))
            #expect(seen.ssh["\(folder)/a"]?.marked == ["ssh-rsa X sally:demo:key"])
            #expect(seen.ssh["\(folder)/b"]?.isUnread == true)
            #expect(seen.ssh["\(folder)/c"]?.marked.isEmpty == true)
            #expect(seen.ssh["\(folder)/d"]?.marked.count == 1 && seen.ssh["\(folder)/d"]?.isUnread == false)
        }
    }

    /// What grep(1) could not read in the crowd is looked at one by one.
    @Test func whatFailsInTheCrowdIsReadAlone() async throws {
        try await withScratchFolder { folder in
            let said = try await bash(
                Self.probe + """
                    cd \(folder)
                    for name in a b; do mkdir -p $name/.ssh; echo "ssh-rsa X sally:demo:key" >$name/.ssh/authorized_keys; done
                    homes=(\(folder)/{a,b})
                    eval "real_$(declare -f marks)"
                    marks() { files=$(cat); [ "$(wc -l <<<"$files")" -lt 2 ] && [[ $files != */b/* ]] && real_marks "$@" <<<"$files"; }
                    probe_ssh sally:demo:
                    """)
            let seen = try NodeObservation(parsing: said + "end\n", node: NodeName("master"))
            #expect(seen.ssh["\(folder)/a"]?.marked.count == 1)
            #expect(seen.ssh["\(folder)/b"]?.isUnread == true)
        }
    }

    /// (what is done to the folder above, whether root alone decides what is in the folder)
    @Test(arguments: [
        ("true", true), ("chmod 1777 above", true), ("chmod 777 above", false), ("chown 12345 above", false),
        ("chmod 777 above/place", false), ("chmod 1777 above/place", false),
        ("ln -s above/place link; place=link", false),
    ]) func rootsOwnAllTheWayUp(_ change: String, _ isFit: Bool) async throws {
        try await withScratchFolder { folder in
            let said = try await bash(
                "set -u\n" + AccountScript.stepLibrary + """
                    chmod 755 \(folder); cd \(folder); mkdir -p -m 755 above/place; chmod 755 above; place=above/place
                    \(change)
                    roots_own "\(folder)/$place" && echo fit || echo unfit
                    """)
            #expect(said == (isFit ? "fit\n" : "unfit\n"))
        }
    }
}
