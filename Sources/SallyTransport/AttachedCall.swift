// SPDX-License-Identifier: Apache-2.0

import Subprocess
import SystemPackage

/// One run of a program on this host with streams of ours.
///
/// It stays in our process group, so that a terminal's signals and job control reach it as they reach us.
package struct AttachedCall: Sendable {
    /// Program, arguments, environment and grace; the rest of it has no meaning here.
    private let call: ProgramCall
    private let streams: Attachment.Streams

    package init(call: ProgramCall, streams: Attachment.Streams) {
        self.call = call
        self.streams = streams
    }

    /// - Returns: the exit status, 128 and the signal where one ended it.
    /// - Throws: `ProgramFailure`; `CancellationError` when the task was cancelled, after the program has ended.
    package func run() async throws -> Int32 {
        try Task.checkCancellation()
        ProgramCall.ignoreBrokenPipes
        var configuration = call.configuration
        configuration.platformOptions.createSession = false
        configuration.platformOptions.teardownSequence = [
            .gracefulShutDown(toProcessGroup: false, allowedDurationToNextStep: call.grace)
        ]
        do {
            let result = try await Subprocess.run(
                configuration,
                input: .fileDescriptor(FileDescriptor(rawValue: streams.input), closeAfterSpawningProcess: false),
                output: .fileDescriptor(FileDescriptor(rawValue: streams.output), closeAfterSpawningProcess: false),
                error: .fileDescriptor(FileDescriptor(rawValue: streams.error), closeAfterSpawningProcess: false))
            try Task.checkCancellation()
            return result.terminationStatus.exitStatus
        } catch let error as SubprocessError {
            try Task.checkCancellation()
            throw call.failure(error)
        }
    }
}
