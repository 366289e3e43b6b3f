// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

@testable import SallyTransport

/// The loop itself, in a bash of this host.
@Suite struct ShellLoopTests {
    private static let mark = ShellMark("12-34")
    private static func said(_ word: String, _ status: Int) -> String { "\u{1e}sally-12-34-\(word) \(status)\n" }

    private func say(_ input: [UInt8]) async throws -> ProgramResult {
        try await runProgram(
            ShellLoop.arguments[0], Array(ShellLoop.arguments.dropFirst()), environment: ["PATH": "/usr/bin:/bin"],
            input: String(decoding: input, as: UTF8.self))
    }

    @Test func scriptsAreRunInTurn() async throws {
        let requests =
            ShellLoop.request("printf one; false", ShellLoopTests.mark)
            + ShellLoop.request("printf two >&2", ShellLoopTests.mark)
        let result = try await say(ShellLoop.opening(ShellLoopTests.mark) + requests)
        let end = ShellLoopTests.said("exit", 0)
        #expect(
            result.output == ShellLoopTests.said("ready", 0) + "one" + ShellLoopTests.said("end", 1)
                + ShellLoopTests.said("end", 0) + end)
        #expect(
            result.errors == ShellLoopTests.said("ready", 0) + ShellLoopTests.said("end", 1) + "two"
                + ShellLoopTests.said("end", 0) + end)
        #expect(result.status == 0)
    }

    /// A connection that is lost while a script is sent: half of a script may be worse than none.
    @Test func aScriptOfWhichAPartIsMissingIsNotRun() async throws {
        let request = ShellLoop.request("echo started\necho ended\n", ShellLoopTests.mark)
        for missing in [1, 4, 6, 8, 12, 18] {
            let result = try await say(ShellLoop.opening(ShellLoopTests.mark) + request.dropLast(missing))
            if missing == 1 { continue }  // only the newline after the mark
            #expect(result.output == ShellLoopTests.said("ready", 0) + ShellLoopTests.said("exit", 125))
        }
    }

    /// What a user can put into a file that root prints does not pass for an end, for he does not know the mark.
    @Test func theMarkIsNotAmongTheArguments() async throws {
        let request = ShellLoop.request("tr '\\0' ' ' </proc/$$/cmdline; env", ShellLoopTests.mark)
        let result = try await say(ShellLoop.opening(ShellLoopTests.mark) + request)
        let own = result.output.split(separator: ShellLoopTests.said("end", 0))[0]
            .dropFirst(ShellLoopTests.said("ready", 0).count)
        #expect(own.contains("/bin/bash -c"))
        #expect(!own.contains("12-34"))
    }
}
