// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

/// What every `Transport` keeps in a conversation.
@Suite struct ConversationConformance {
    private static let kinds = TransportKind.available

    @Test(arguments: kinds) func stateLastsFromScriptToScript(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let said = try await transport.converse(on: node, limits: ConversationLimits()) { shell in
                _ = try await shell.run("name=value; greet() { echo \"hello $1\"; }; cd /usr")
                return try await shell.run("greet \"$name\"; pwd").output
            }
            #expect(said == "hello value\n/usr\n")
        }
    }

    @Test(arguments: kinds) func outputsDoNotMix(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            try await transport.converse(on: node, limits: ConversationLimits()) { shell in
                let scripts: [(String, String, String, Int32)] = [
                    ("printf abc; printf def >&2", "abc", "def", 0),
                    ("echo abc; echo def >&2; false", "abc\n", "def\n", 1),
                    ("true", "", "", 0),
                    ("printf '\\036sally-1-end 0\\n'", "\u{1e}sally-1-end 0\n", "", 0),
                    ("printf 'a\\n\\n'; (exit 255)", "a\n\n", "", 255),
                    ("echo \"$0,$#,ü\"\n", "sally,0,ü\n", "", 0),
                    ("cat; read -r x || echo none", "none\n", "", 0),
                    ("syntax (", "", "", 2),
                    ("set -x", "", "", 0),
                    ("echo traced", "traced\n", "", 0),
                ]
                for (script, output, error, status) in scripts {
                    let completion = try await shell.run(script)
                    #expect(completion.output == output, "\(script)")
                    #expect(completion.status == status, "\(script)")
                    if !script.contains("trace"), !script.contains("syntax"), !script.contains("set -x") {
                        #expect(completion.errorOutput == error, "\(script)")
                    }
                }
            }
        }
    }

    @Test(arguments: kinds) func whatRootCanListDoesNotEndAScript(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            try await transport.converse(on: node, limits: ConversationLimits()) { shell in
                let listing = try await shell.run(
                    "set; tr '\\0' '\\n' </proc/$$/cmdline; cat /proc/$$/environ; echo last")
                #expect(listing.output.hasSuffix("last\n"))
            }
        }
    }

    @Test(arguments: kinds) func largeScriptsAndLargeOutputsArriveWhole(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            try await transport.converse(on: node, limits: ConversationLimits()) { shell in
                let text = String(repeating: "0123456789abcde\n", count: 131_072)
                let sent = try await shell.run("sum=$(cat <<'END' | cksum\n\(text)END\n); echo \"$sum\"")
                #expect(sent.output.hasSuffix(" 2097152\n"))
                let got = try await shell.run("head -c 5000000 /dev/zero | tr '\\0' x; echo end >&2")
                #expect(got.standardOutput.count == 5_000_000)
                #expect(got.errorOutput == "end\n")
            }
        }
    }

    @Test(arguments: kinds) func aLockLastsUntilTheEndAndNoLonger(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let lock = "/tmp/sally-lock-\(UInt64.random(in: .min ... .max))"
            try await transport.converse(on: node, limits: ConversationLimits()) { shell in
                let taken = try await shell.run("exec 9>\(lock); flock 9; sleep 600 &")
                #expect(taken.succeeded)
                _ = try await shell.run("true")
                let meanwhile = try await transport.run(.script("flock -n \(lock) true"), on: node)
                #expect(meanwhile.status == 1)
            }
            // Ended is the conversation when the outputs are closed; of a killed process Linux closes the lock after them.
            try await eventually("the lock is free") {
                try await transport.run(.script("flock -n \(lock) true && rm \(lock)"), on: node).succeeded
            }
        }
    }

    @Test(arguments: kinds) func exitEndsTheConversation(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            for script in ["echo on; exit 3", "set -e; echo on; (exit 3); echo off", "echo on; exec bash -c 'exit 3'"] {
                try await transport.converse(on: node, limits: ConversationLimits()) { shell in
                    let completion = try await shell.run("trap 'true' EXIT; sleep 600 & \(script)")
                    #expect(completion.status == 3)
                    #expect(completion.output == "on\n")
                    await #expect(throws: TransportError.unreachable(node: node, reason: "its shell has ended")) {
                        try await shell.run("true")
                    }
                }
            }
        }
    }

    @Test(arguments: kinds) func theDeadlineOfAScriptEndsEverything(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let mark = Mark()
            await #expect(throws: TransportError.deadlineExceeded(node: node, after: .seconds(1))) {
                try await transport.converse(on: node, limits: ConversationLimits()) { shell in
                    _ = try await shell.run(mark.script, deadline: .seconds(1))
                }
            }
            try await mark.isGone(transport, node)
        }
    }

    @Test(arguments: kinds) func theDeadlineOfTheWholeHoldsForAScript(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            await #expect {
                try await transport.converse(on: node, limits: ConversationLimits(total: .seconds(1))) { shell in
                    _ = try await shell.run("sleep 600")
                }
            } throws: { error in
                guard case TransportError.deadlineExceeded(node, _) = error else { return false }
                return true
            }
        }
    }

    @Test(arguments: kinds) func tooMuchOutputEndsAConversation(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let mark = Mark()
            await #expect(throws: TransportError.outputLimit(node: node, bytes: 10_000)) {
                try await transport.converse(on: node, limits: ConversationLimits(outputLimit: 10_000)) { shell in
                    _ = try await shell.run("sleep \(mark.seconds) & yes")
                }
            }
            try await mark.isGone(transport, node)
        }
    }

    @Test(arguments: kinds) func cancellationEndsAConversation(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let mark = Mark()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await #expect(throws: CancellationError.self) {
                        try await transport.converse(on: node, limits: ConversationLimits()) { shell in
                            _ = try await shell.run(mark.script)
                        }
                    }
                }
                try await eventually("the script runs") { try await mark.count(transport, node) == 2 }
                group.cancelAll()
                try await group.waitForAll()
            }
            try await mark.isGone(transport, node)
        }
    }

    @Test(arguments: kinds) func whatABodyThrowsComesOutAndLeavesNothing(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let mark = Mark()
            await #expect(throws: NoNode.self) {
                try await transport.converse(on: node, limits: ConversationLimits()) { shell in
                    _ = try await shell.run("sleep \(mark.seconds) &")
                    throw NoNode(reason: "a body's own error")
                }
            }
            let left = try await mark.count(transport, node)
            #expect(left == 0)
        }
    }

    @Test(arguments: kinds) func aShellKilledInTheMiddleIsAnError(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            for victims in ["$BASHPID", "$$ $BASHPID"] {
                let mark = Mark()
                await #expect {
                    try await transport.converse(on: node, limits: ConversationLimits()) { shell in
                        _ = try await shell.run(
                            "sleep \(mark.seconds) >/dev/null 2>&1 & kill -KILL \(victims); sleep 600")
                    }
                } throws: { error in
                    guard case TransportError.unreachable(node, let reason) = error else { return false }
                    return reason.hasPrefix("its shell was killed by signal 9") || reason.hasPrefix("its shell ended")
                        || reason.hasPrefix("the connection was lost")
                }
                try await mark.isGone(transport, node)
            }
        }
    }

    @Test(arguments: kinds) func oneScriptAtATime(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let busy = TransportError.unreachable(node: node, reason: "its shell is busy with another script")
            try await transport.converse(on: node, limits: ConversationLimits()) { shell in
                let lock = "/tmp/sally-busy-\(UInt64.random(in: .min ... .max))"
                async let first = shell.run("touch \(lock); while [ -e \(lock) ]; do sleep 0.1; done; echo first")
                try await eventually("the first runs") {
                    try await transport.run(.script("test -e \(lock)"), on: node).succeeded
                }
                await #expect(throws: busy) { try await shell.run("echo second") }
                _ = try await transport.run(.script("rm \(lock)"), on: node)
                let said = try await first.output
                #expect(said == "first\n")
                let third = try await shell.run("echo third").output
                #expect(third == "third\n")
            }
        }
    }

    @Test(arguments: kinds) func fiftyConversationsAtOnceDoNotMix(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let patient = ConversationLimits(opening: .seconds(300))
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        try await transport.converse(on: node, limits: patient) { shell in
                            _ = try await shell.run("number=\(number)", deadline: patient.opening)
                            return try await shell.run("echo $number", deadline: patient.opening).output
                                == "\(number)\n"
                        }
                    }
                }
                for try await own in group { #expect(own) }
            }
        }
    }

    @Test(arguments: kinds) func anUnknownNodeHasNoShell(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, _ in
            let stranger = try NodeName("stranger")
            await #expect {
                try await transport.converse(on: stranger, limits: ConversationLimits()) { _ in }
            } throws: { error in
                guard case TransportError.unreachable(stranger, _) = error else { return false }
                return true
            }
        }
    }
}
