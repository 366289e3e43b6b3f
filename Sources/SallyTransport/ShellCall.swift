// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Subprocess

/// One conversation over one program of this host that leads to a `ShellLoop`: bash itself, podman or ssh.
struct ShellCall: Sendable {
    let node: NodeName
    /// The program with all its arguments, those of the loop last.
    let call: ProgramCall
    let limits: ConversationLimits
    /// Why there is no shell (any more), after the last words on standard error.
    let explain: @Sendable (_ opened: Bool, _ said: String) async -> TransportError
    /// Kills what was left on the node.
    let sweep: @Sendable () async -> Void

    /// How long the node may take to end an orderly conversation.
    private static let closing = Duration.seconds(15)

    func converse<Answer: Sendable>(_ body: (NodeShell) async throws -> Answer) async throws -> Answer {
        try Task.checkCancellation()
        ProgramCall.ignoreBrokenPipes
        let mark = ShellMark.random()
        let line = ShellLine(mark: mark, outputLimit: limits.outputLimit)
        do {
            return try await sweeping(sweep) { try await start(line, mark, body) }.get()
        } catch let givenUp as GivenUp<Answer> {
            return try givenUp.outcome.get()
        }
    }

    /// - Returns: how `body` ended, when what it left is known to be gone.
    /// - Throws: `GivenUp` and whatever else when it is not.
    private func start<Answer: Sendable>(
        _ line: ShellLine, _ mark: ShellMark, _ body: (NodeShell) async throws -> Answer
    ) async throws -> Result<Answer, any Error> {
        do {
            let end = try await Subprocess.run(
                call.configuration, input: .inputWriter, output: .sequence, error: .sequence
            ) { execution in
                let (writer, output, error) = (
                    execution.standardInputWriter, execution.standardOutput, execution.standardError
                )
                let process = execution.processIdentifier.value
                do {
                    return try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { await listen(to: output, line, .output) }
                        group.addTask { await listen(to: error, line, .error) }
                        defer { group.cancelAll() }
                        let outcome = await talk(line, writer, mark, body)
                        guard [.idle, .exited, .refused].contains(line.phase), !Task.isCancelled else {
                            throw GivenUp(outcome: outcome)
                        }
                        try? await writer.finish()  // it may have no reader any more, and then the outputs end too
                        group.addTask {
                            try await Task.sleep(for: ShellCall.closing)
                            throw GivenUp(outcome: outcome)
                        }
                        for _ in ShellState.Stream.allCases { try await group.next() }
                        return outcome
                    }
                } catch {
                    // At once: the conversation is over, there is nothing to wait for.
                    call.killSession(process)
                    throw error
                }
            }
            try Task.checkCancellation()
            return end.closureResult
        } catch let error as SubprocessError {
            try Task.checkCancellation()
            throw TransportError(call.failure(error), node: node)
        }
    }

    private func listen(
        to output: SubprocessOutputSequence, _ line: ShellLine, _ stream: ShellState.Stream
    ) async {
        do {
            for try await buffer in output {
                line.heard(buffer.withUnsafeBytes { Array($0) }, on: stream)
            }
        } catch {
            // An output that cannot be read is one that has ended.
        }
        line.closed(stream)
    }

    private func talk<Answer: Sendable>(
        _ line: ShellLine, _ writer: StandardInputWriter, _ mark: ShellMark,
        _ body: (NodeShell) async throws -> Answer
    ) async -> Result<Answer, any Error> {
        let end = ContinuousClock.now + limits.total
        do {
            _ = try await answer(line, writer, ShellLoop.opening(mark), deadline: limits.opening)
            let shell = NodeShell(node: node) { script, deadline in
                do {
                    try line.begin()
                } catch let refusal as ShellState.Refusal {
                    throw await error(refusal)
                }
                return try await answer(
                    line, writer, ShellLoop.request(script, mark),
                    deadline: min(deadline, max(.zero, end - ContinuousClock.now)))
            }
            return .success(try await body(shell))
        } catch {
            return .failure(error)
        }
    }

    /// Sends `bytes` and waits for what they begin.
    private func answer(
        _ line: ShellLine, _ writer: StandardInputWriter, _ bytes: [UInt8], deadline: Duration
    ) async throws -> Completion {
        do {
            return try await withThrowingTaskGroup(of: Completion.self) { group in
                group.addTask {
                    // What cannot be written has no reader: the outputs end too, and say why.
                    _ = try? await writer.write(bytes)
                    return try await line.result()
                }
                group.addTask {
                    try await Task.sleep(for: deadline)
                    throw TransportError.deadlineExceeded(node: node, after: deadline)
                }
                defer { group.cancelAll() }
                guard let first = try await group.next() else { throw CancellationError() }
                return first
            }
        } catch let refusal as ShellState.Refusal {
            throw await error(refusal)
        } catch {
            line.giveUp()
            throw error
        }
    }

    private func error(_ refusal: ShellState.Refusal) async -> TransportError {
        switch refusal {
        case .busy: .unreachable(node: node, reason: "its shell is busy with another script")
        case .ended: .unreachable(node: node, reason: "its shell has ended")
        case .lost(let opened, let said): await explain(opened, said)
        case .killed(let status):
            .unreachable(node: node, reason: "its shell was killed by signal \(status - 128) in the middle of a script")
        case .outputLimit: .outputLimit(node: node, bytes: limits.outputLimit)
        }
    }
}

/// A conversation that did not come to its end in good order, and what its body made of it.
private struct GivenUp<Answer: Sendable>: Error {
    let outcome: Result<Answer, any Error>
}

extension String {
    /// The last line with something in it, for an error.
    var lastLine: String? {
        split(whereSeparator: \.isNewline).last { $0.contains { !$0.isWhitespace } }.map(String.init)
    }
}
