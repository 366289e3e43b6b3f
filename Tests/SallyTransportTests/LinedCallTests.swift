// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyTestSupport
import Synchronization
import Testing

@testable import SallyTransport

#if canImport(Glibc)
import Glibc
#endif

@Suite struct LinedCallTests {
    private final class Heard: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ stream: LinedCall.Stream, _ text: String) { lines.withLock { $0.append("\(stream): \(text)") } }
        var all: [String] { lines.withLock { $0 } }
        func all(_ stream: LinedCall.Stream) -> [String] { all.filter { $0.hasPrefix("\(stream): ") } }
    }

    private func call(
        _ script: String, _ heard: Heard, input: [UInt8] = [], deadline: Duration = .seconds(240)
    ) -> LinedCall {
        LinedCall(
            ProgramCall(
                program: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/usr/bin:/bin"],
                standardInput: input, deadline: deadline), heard: heard.add)
    }

    private static let texts: [(String, [String])] = [
        ("", []), ("a", ["a"]), ("a\nb\n", ["a", "b"]), ("a\n\n\nb", ["a", "b"]), ("10%\r20%\r\n", ["10%", "20%"]),
        ("\u{0}x\n", ["\u{0}x"]),
        (String(repeating: "x", count: 4096), [String(repeating: "x", count: 4096)]),
        (
            String(repeating: "x", count: 5000) + "\ny",
            [String(repeating: "x", count: 4096) + " ...", "y"]
        ),
    ]

    @Test(arguments: texts) func linesAreCut(_ text: String, _ expected: [String]) {
        for size in [1, 3, 100_000] {
            var cutter = LineCutter()
            var lines: [String] = []
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                lines += cutter.append(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            if let last = cutter.finish() { lines.append(last) }
            #expect(lines == expected)
        }
    }

    @Test func bothStreamsAreHeardAndTheStatusIsThePrograms() async throws {
        let heard = Heard()
        let script = "pwd; read line; echo \"got $line\"; echo wrong >&2; printf unfinished; exit 7"
        #expect(try await call(script, heard, input: Array("hello\n".utf8)).run() == 7)
        #expect(heard.all(.output) == ["output: /", "output: got hello", "output: unfinished"])
        #expect(heard.all(.error) == ["error: wrong"])
    }

    @Test func aLineIsHeardWhileTheProgramRuns() async throws {
        try await withScratchFolder { folder in
            let heard = Heard()
            let running = call("echo begun; until [ -e '\(folder)/go' ]; do :; done", heard)
            try await withThrowingTaskGroup(of: Int32.self) { group in
                group.addTask { try await running.run() }
                try await eventually("the first line") { heard.all == ["output: begun"] }
                try writeFile("\(folder)/go", "")
                #expect(try await group.next() == 0)
            }
        }
    }

    @Test func aProgramNeedNotReadItsInput() async throws {
        let heard = Heard()
        #expect(
            try await call("echo done", heard, input: [UInt8](repeating: 0x20, count: 4 << 20)).run() == 0)
        #expect(heard.all == ["output: done"])
    }

    /// A child in the background that holds the outputs is not waited for.
    @Test func whatIsLeftInTheBackgroundIsNotWaitedFor() async throws {
        let heard = Heard()
        #expect(try await call("sleep 600 & echo $!", heard).run() == 0)
        let child = try #require(pid_t(heard.all.first?.dropFirst("output: ".count) ?? ""))
        #expect(kill(child, SIGKILL) == 0)
    }

    /// A child that ignores SIGTERM, of a program that does not and of one that does as well.
    private static let stubborn = [
        "(trap '' TERM; exec sleep 600) & echo $! $$; wait", "trap '' TERM; sleep 600 & echo $! $$; wait; sleep 600",
    ]

    private func expectGone(_ heard: Heard) async throws {
        let numbers = heard.all.flatMap { $0.split(separator: " ").dropFirst() }.compactMap { pid_t($0) }
        try #require(numbers.count >= 2)
        for number in Set(numbers) {
            try await eventually("process \(number) is gone") { kill(number, 0) != 0 && errno == ESRCH }
        }
    }

    @Test(arguments: stubborn) func theDeadlineEndsItAndItsChildren(_ script: String) async throws {
        for seconds in [2, 10, 60, 240] {
            let (heard, deadline) = (Heard(), Duration.seconds(seconds))
            await #expect(throws: ProgramFailure.deadlineExceeded(after: deadline)) {
                try await call(script, heard, deadline: deadline).run()
            }
            guard !heard.all.isEmpty else { continue }
            try await expectGone(heard)
            return
        }
        Issue.record("the program never began")
    }

    @Test(arguments: stubborn) func cancellationEndsItAndItsChildren(_ script: String) async throws {
        let heard = Heard()
        let running = call(script, heard)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: CancellationError.self) { try await running.run() }
            }
            try? await eventually("it runs") { heard.all.count == 1 }  // the group says more
            group.cancelAll()
        }
        try await expectGone(heard)
    }

    @Test func whatIsNotThereIsSaid() async throws {
        let call = LinedCall(
            ProgramCall(program: "/nowhere/x", arguments: [], environment: [:], deadline: .seconds(60))
        ) { _, _ in }
        await #expect(throws: ProgramFailure.notFound(program: "/nowhere/x")) { try await call.run() }
    }
}
