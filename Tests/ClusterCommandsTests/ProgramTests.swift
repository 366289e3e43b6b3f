// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import Synchronization
import Testing

@testable import ClusterCommands

#if canImport(Glibc)
import Glibc
#endif

@Suite struct ProgramTests {
    private static let refused: [[String]] = [
        ["start"], ["frobnicate"], ["start", "Bad_Name"], ["terminate", "-x"], ["terminate", "a\nb", "--yes"],
        ["list", "extra"], ["start", String(repeating: "x", count: 41)],
    ]

    @Test(arguments: refused) func badArgumentsAreRefused(_ arguments: [String]) async {
        #expect(await Program.run(arguments) == 64)
    }

    @Test func helpIsNoError() async {
        #expect(await Program.run(["--help"]) == 0)
    }

    @Test func columnsAreAsWideAsTheirWidest() {
        #expect(columns([["A", "BB"], ["ccc", "d"]]) == ["A    BB", "ccc  d"])
        #expect(columns([]).isEmpty)
    }
}

/// Signals are the whole process's: one test at a time.
@Suite(.serialized) struct InterruptionTestsSerial {
    @Test(arguments: [SIGTERM, SIGINT]) func aSignalCancelsAndIsTheOutcome(_ number: Int32) async {
        let flag = Flag()
        await #expect(throws: Interrupted(signal: number)) {
            try await Interruption.cancelling {
                kill(getpid(), number)
                do {
                    try await Task.sleep(for: .seconds(60))
                } catch {
                    flag.raise()
                    throw error
                }
            }
        }
        #expect(flag.isRaised)
        #expect(Interrupted(signal: number).exitStatus == 128 + number)
    }

    @Test func withoutASignalTheResultIsTheBodys() async throws {
        #expect(try await Interruption.cancelling { 7 } == 7)
    }
}

private final class Flag: Sendable {
    private let state = Atomic(false)
    func raise() { state.store(true, ordering: .releasing) }
    var isRaised: Bool { state.load(ordering: .acquiring) }
}
