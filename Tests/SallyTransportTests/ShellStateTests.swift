// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SallyTransport

@Suite struct ShellStateTests {
    private static let mark = ShellMark("1-2")

    private static func said(_ word: String, _ status: Int = 0) -> String { "\u{1e}sally-1-2-\(word) \(status)\n" }

    private static func opened(limit: Int = 1000) throws -> ShellState {
        var state = ShellState(mark: mark, outputLimit: limit)
        #expect(state.heard(Array("welcome\n\(said("ready"))".utf8), on: .output) == nil)
        _ = state.heard(Array(said("ready").utf8), on: .error)
        #expect(state.phase == .idle)
        return state
    }

    /// However the bytes are cut, the parts are the same.
    @Test func byteByByte() throws {
        var stream = MarkedStream(ShellStateTests.mark)
        let text =
            "\u{1e}sally-1-2\u{1e}\(ShellStateTests.said("end", 7))x\(ShellStateTests.said("bogus"))\n"
            + ShellStateTests.said("exit", 255)
        var ends: [MarkedStream.End] = []
        for byte in text.utf8 {
            stream.append([byte])
            while let end = stream.next() { ends.append(end) }
        }
        #expect(
            ends == [
                MarkedStream.End(word: .end, status: 7, before: Array("\u{1e}sally-1-2\u{1e}".utf8)),
                MarkedStream.End(
                    word: .exit, status: 255, before: Array("x\(ShellStateTests.said("bogus"))\n".utf8)),
            ])
        #expect(stream.bytes.isEmpty)
    }

    @Test func bothOutputsMustEnd() throws {
        var state = try ShellStateTests.opened()
        try state.begin()
        #expect(state.heard(Array("out\(ShellStateTests.said("end", 3))".utf8), on: .output) == nil)
        #expect(
            state.heard(Array("err\(ShellStateTests.said("end", 3))".utf8), on: .error)
                == .success(Completion(status: 3, standardOutput: Array("out".utf8), standardError: Array("err".utf8))))
        #expect(state.phase == .idle)
    }

    @Test func whatCameBetweenScriptsBelongsToTheNext() throws {
        var state = try ShellStateTests.opened()
        _ = state.heard(Array("late\n".utf8), on: .output)
        try state.begin()
        _ = state.heard(Array(ShellStateTests.said("end").utf8), on: .error)
        #expect(
            state.heard(Array(ShellStateTests.said("end").utf8), on: .output)
                == .success(Completion(status: 0, standardOutput: Array("late\n".utf8), standardError: [])))
    }

    @Test func outputAtTheLimitIsNotOverIt() throws {
        for (count, isOver) in [(10, false), (11, true)] {
            var state = try ShellStateTests.opened(limit: 10)
            try state.begin()
            _ = state.heard(Array(ShellStateTests.said("end").utf8), on: .error)
            let result = state.heard(
                Array((String(repeating: "x", count: count) + ShellStateTests.said("end")).utf8), on: .output)
            #expect((result == .failure(.outputLimit)) == isOver)
        }
    }

    @Test func anEndOfBothOutputsIsALoss() throws {
        var state = try ShellStateTests.opened()
        try state.begin()
        _ = state.heard(Array("last words".utf8), on: .error)
        #expect(state.closed(.output) == nil)
        #expect(state.closed(.error) == .failure(.lost(opened: true, said: "last words")))
        #expect(throws: ShellState.Refusal.lost(opened: true, said: "last words")) { try state.begin() }
    }

    @Test func aShellThatNeverWasIsRefused() {
        var state = ShellState(mark: ShellStateTests.mark, outputLimit: 10)
        _ = state.heard(Array("no way".utf8), on: .error)
        _ = state.closed(.error)
        #expect(state.closed(.output) == .failure(.lost(opened: false, said: "no way")))
        #expect(state.phase == .refused)
    }

    @Test(arguments: [(0, nil), (128, nil), (129, 129), (137, 137)]) func deathByASignal(
        _ status: Int, _ killed: Int32?
    ) throws {
        var state = try ShellStateTests.opened()
        try state.begin()
        _ = state.heard(Array(ShellStateTests.said("exit", status).utf8), on: .error)
        let result = state.heard(Array(ShellStateTests.said("exit", status).utf8), on: .output)
        if let killed {
            #expect(result == .failure(.killed(status: killed)))
        } else {
            #expect(
                result == .success(Completion(status: Int32(status), standardOutput: [], standardError: [])))
        }
        #expect(throws: ShellState.Refusal.ended) { try state.begin() }
    }

    @Test func nothingIsHeardAfterItWasGivenUp() throws {
        var state = try ShellStateTests.opened()
        try state.begin()
        #expect(throws: ShellState.Refusal.busy) { try state.begin() }
        state.giveUp()
        _ = state.heard(Array(ShellStateTests.said("end").utf8), on: .error)
        #expect(state.heard(Array(ShellStateTests.said("end").utf8), on: .output) == nil)
        #expect(throws: ShellState.Refusal.ended) { try state.begin() }
    }
}
