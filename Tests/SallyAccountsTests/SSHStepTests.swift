// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import SallyAccounts

/// The step that writes ~/.ssh in homes that are there, run by bash on folders of the test: what users can do to it.
@Suite(.enabled(if: LockScriptTests.isRoot, "only root can become a user")) struct SSHStepTests {
    /// What is said of alice and bob, who have homes with an authorized_keys of three lines.
    ///
    /// - Parameters:
    ///   - prepare: runs before, in the test's folder. Programs that it makes in `bin` come first in PATH.
    ///   - then: runs afterwards.
    ///   - limit: seconds for each, of which a machine gives 5.
    private func authorize(
        _ folder: String, _ prepare: String, then: String = "true", limit: Int = 120
    ) async throws -> String {
        let rows = ["alice", "bob"].enumerated().map { number, name in
            [
                name, "\(34501 + number)", "\(folder)/home/\(name)", "10.1.0.0/24", "private\\n", "ssh-ed25519 AAAA",
                "ssh-ed25519 BBBB",
            ].joined(separator: "\t")
        }
        let library = SSHScript.library.replacing("timeout -k 1 5 ", with: "timeout -k 1 \(limit) ")
            .replacing("timeout 3 ", with: "timeout \(limit) ")
        let script =
            "set -u\numask 077\nexport LC_ALL=C PATH=\(folder)/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
            + AccountScript.stepLibrary + library + """
                cd \(folder) && chmod 711 . && mkdir -m 711 bin home
                for user in alice:34501 bob:34502; do
                    mkdir -p home/${user%:*}/.ssh && printf '%s\\n' one two three >home/${user%:*}/.ssh/authorized_keys
                    chown -R ${user#*:}:${user#*:} home/${user%:*}
                done
                \(prepare)
                chmod -R a+rx bin
                read_ssh sally:demo <<'END'
                \(rows.joined(separator: "\n"))
                END
                authorize_users </dev/null
                \(then)
                """
        let here = NodeName(unchecked: "here")
        let done = try await LocalTransport(node: here, environment: [:]).run(.script(script), on: here)
        return done.output
    }

    /// A program that stands in the place of another.
    private static func standIn(_ name: String, _ body: String) -> String {
        "cat >bin/\(name) <<'END'\n#!/bin/bash\n\(body)\nEND"
    }

    @Test func ourLinesComeBehindTheUsers() async throws {
        try await withScratchFolder { folder in
            let said = try await authorize(folder, "true", then: "cat home/bob/.ssh/authorized_keys")
            #expect(said.contains("step\tssh\tdone\t\(folder)/home/alice/.ssh\talice\n"), "\(said)")
            #expect(
                said.hasSuffix(
                    "one\ntwo\nthree\nssh-ed25519 BBBB sally:demo:key\nfrom=\"10.1.0.0/24\" ssh-ed25519 AAAA sally:demo:nodes\n"
                ), "\(said)")
        }
    }

    /// Whoever kept a process of theirs alive would keep everybody from changing accounts.
    @Test func theRecordsLockIsNoUsers() async throws {
        try await withScratchFolder { folder in
            let said = try await authorize(
                folder,
                Self.standIn(
                    "setpriv",
                    "touch \(folder)/ran; [ ! -e /proc/self/fd/9 ] || touch \(folder)/held\nexec /usr/bin/setpriv \"$@\""
                )
                    + "\nexec 9>>lock; flock 9")
            #expect(said.contains("\tdone\t") && exists("\(folder)/ran"), "\(said)")
            #expect(!exists("\(folder)/held"))
        }
    }

    /// No more is read than is told. Who goes on is ended.
    @Test func whoSaysMuchIsNotHeardToTheEnd() async throws {
        try await withScratchFolder { folder in
            let said = try await authorize(
                folder, Self.standIn("setpriv", "printf '%200000s' x; touch \(folder)/said; exit 1"))
            #expect(said.split(separator: "\n").count { $0.hasPrefix("step\tssh\tfailed\t") } == 2, "\(said)")
            #expect(said.utf8.count < 2000)
            #expect(!exists("\(folder)/said"))
        }
    }

    /// A process of the user's that goes on and has our pipe is not waited for; what was said before is heard.
    @Test(.timeLimit(.minutes(5)), arguments: [0, 1]) func whoKeepsThePipeIsNotWaitedFor(_ status: Int) async throws {
        try await withScratchFolder { folder in
            let said = try await authorize(
                folder,
                Self.standIn(
                    "setpriv",
                    "sleep 900 & echo $! >>\(folder)/kept\nif [ \(status) = 0 ]; then exec /usr/bin/setpriv \"$@\"; fi\n"
                        + "echo refused; exit 1"),
                then:
                    "while read -r pid; do readlink /proc/$pid/exe; kill $pid; done <kept; cat home/bob/.ssh/authorized_keys"
            )
            let lines = said.split(separator: "\n").map(String.init)
            let ssh = ["alice", "bob"].map { name in
                status == 0
                    ? "step\tssh\tdone\t\(folder)/home/\(name)/.ssh\t\(name)" : "step\tssh\tfailed\trefused\t\(name)"
            }
            #expect(Set(lines.prefix(2)) == Set(ssh), "\(said)")
            // They were alive until then.
            #expect(lines.dropFirst(2).prefix(2).allSatisfy { $0.hasSuffix("/sleep") }, "\(said)")
            #expect(said.hasSuffix(":nodes\n") == (status == 0), "\(said)")
        }
    }

    @Test func whoWaitsForEverIsEnded() async throws {
        var isBobDone = false
        // A slow machine may need longer for bob.
        for limit in [5, 15, 30] where !isBobDone {
            isBobDone = try await withScratchFolder { folder in
                let said = try await authorize(
                    folder, "mkfifo home/alice/.ssh/id_ed25519.pub; chown 34501 home/alice/.ssh/id_ed25519.pub",
                    limit: limit)
                #expect(
                    said.contains("step\tssh\tfailed\t\(folder)/home/alice/.ssh could not be written\talice\n"),
                    "\(said)")
                return said.contains("step\tssh\tdone\t\(folder)/home/bob/.ssh\tbob\n")
            }
        }
        #expect(isBobDone)
    }

    /// All together have so much time, because whoever waits for the machine's answer has no more.
    @Test func afterTheTimeOfAllNobodyIsBegun() async throws {
        try await withScratchFolder { folder in
            let said = try await authorize(
                folder,
                "eval \"real_$(declare -f report)\"; report() { SECONDS=$((SECONDS + 45)); real_report \"$@\"; }")
            let lines = said.split(separator: "\n")
            #expect(lines.count == 2 && lines[0].hasPrefix("step\tssh\tdone\t"), "\(said)")
            #expect(lines.last?.hasPrefix("step\tssh\tfailed\tno time was left") == true, "\(said)")
        }
    }

    /// On a disk that is full, say.
    @Test func linesThatCannotBeKeptAreNotLeftOut() async throws {
        try await withScratchFolder { folder in
            let said = try await authorize(
                folder,
                Self.standIn(
                    "awk", "case $* in *nodes=*) echo one; exit 2 ;; *) exec /usr/bin/awk \"$@\" ;; esac"),
                then: "cat home/alice/.ssh/authorized_keys")
            #expect(said.split(separator: "\n").count { $0.hasPrefix("step\tssh\tfailed\t") } == 2, "\(said)")
            #expect(said.hasSuffix("one\ntwo\nthree\n"), "\(said)")
        }
    }
}
