// SPDX-License-Identifier: Apache-2.0

import Subprocess
import SystemPackage

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// One run of a program on this host whose words are heard line by line while it runs. Its working folder is `/`.
package struct LinedCall: Sendable {
    package enum Stream: String, Sendable, CaseIterable { case output, error }

    /// Its output limit has no meaning: nothing is collected here.
    private let call: ProgramCall
    private let heard: @Sendable (Stream, String) -> Void

    /// - Parameter heard: called for each line, by several threads.
    package init(_ call: ProgramCall, heard: @escaping @Sendable (Stream, String) -> Void) {
        self.call = call
        self.heard = heard
    }

    /// Runs the program in a session of its own and returns when it ended. What it left in the background runs on then,
    /// unheard.
    ///
    /// At the deadline and on cancellation it gets SIGTERM with its process group, and after the call's grace SIGKILL;
    /// none of the group is left.
    /// - Returns: the exit status, 128 and the signal where one ended it.
    /// - Throws: `ProgramFailure`; `CancellationError` when the task was cancelled.
    package func run() async throws -> Int32 {
        try Task.checkCancellation()
        return try await withThrowingTaskGroup(of: Int32.self) { group in
            group.addTask { try await runUnbounded() }
            group.addTask {
                try await Task.sleep(for: call.deadline)
                throw ProgramFailure.deadlineExceeded(after: call.deadline)
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }

    private func runUnbounded() async throws -> Int32 {
        ProgramCall.ignoreBrokenPipes
        var configuration = call.configuration
        configuration.workingDirectory = FilePath("/")
        var session: pid_t?
        do {
            let result = try await Subprocess.run(
                configuration, input: .inputWriter, output: .sequence, error: .sequence
            ) { execution in
                session = execution.processIdentifier.value
                let (writer, output, error) = (
                    execution.standardInputWriter, execution.standardOutput, execution.standardError
                )
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await listen(to: output, .output) }
                    group.addTask { await listen(to: error, .error) }
                    // A program need not read all of its input, see ProgramCall.
                    _ = try? await writer.write(call.standardInput)  // see above
                    try? await writer.finish()  // closed it is in any case
                    await group.waitForAll()
                }
            }
            if Task.isCancelled {
                call.killSession(session)
                throw CancellationError()
            }
            return result.terminationStatus.exitStatus
        } catch let error as SubprocessError {
            call.killSession(session)
            try Task.checkCancellation()
            throw call.failure(error)
        }
    }

    private func listen(to output: SubprocessOutputSequence, _ stream: Stream) async {
        var cutter = LineCutter()
        do {
            for try await buffer in output {
                for line in cutter.append(buffer.withUnsafeBytes { Array($0) }) { heard(stream, line) }
            }
        } catch {
            // An output that cannot be read is one that has ended.
        }
        if let rest = cutter.finish() { heard(stream, rest) }
    }
}
