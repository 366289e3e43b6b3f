// SPDX-License-Identifier: Apache-2.0

import Subprocess
import SystemPackage

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// One run of a program on this host: bounded in time and output, with an environment made for it alone.
package struct ProgramCall: Sendable, Equatable {
    /// A path, or a name that is looked up in the environment's `PATH`.
    package var program: String
    package var arguments: [String]
    /// The whole environment. Nothing is inherited, so that none of our secrets are either.
    package var environment: [String: String]
    package var standardInput: [UInt8]
    package var deadline: Duration
    /// The most bytes of standard output, and of standard error, that are collected.
    package var outputLimit: Int
    /// How long it may clean up after SIGTERM, before it is killed.
    package var grace: Duration

    package init(
        program: String, arguments: [String], environment: [String: String], standardInput: [UInt8] = [],
        deadline: Duration, outputLimit: Int = 1 << 20, grace: Duration = .milliseconds(200)
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.standardInput = standardInput
        self.deadline = deadline
        self.outputLimit = outputLimit
        self.grace = grace
    }
}

/// Why a run of a program has no result.
package enum ProgramFailure: Error, Sendable, Equatable {
    case notFound(program: String)
    case deadlineExceeded(after: Duration)
    case outputLimit(bytes: Int)
    /// The system could not start or watch it; errno where there is one.
    case system(number: Int32?)
}

extension ProgramCall {
    /// Runs the program in a session of its own and returns when it ended.
    ///
    /// A non-zero exit status is a result. Whatever is left of the session is killed when the call does not end by
    /// itself: on cancellation, at the deadline, over the output limit.
    /// - Throws: `ProgramFailure`; `CancellationError` when the task was cancelled.
    package func run() async throws -> Completion {
        try Task.checkCancellation()
        return try await withThrowingTaskGroup(of: Completion.self) { group in
            group.addTask { try await runUnbounded() }
            group.addTask {
                try await Task.sleep(for: deadline)
                throw ProgramFailure.deadlineExceeded(after: deadline)
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }

    private func runUnbounded() async throws -> Completion {
        ProgramCall.ignoreBrokenPipes
        var session: pid_t?
        do {
            let result = try await Subprocess.run(
                configuration, input: .inputWriter, output: .bytes(limit: outputLimit),
                error: .bytes(limit: outputLimit)
            ) { execution in
                session = execution.processIdentifier.value
                // A program need not read all of its input. Written here and not through `.array`: swift-subprocess 1.0.2
                // ends the process that calls it when such a write fails.
                let writer = execution.standardInputWriter
                _ = try? await writer.write(standardInput)  // see above
                try? await writer.finish()  // closed it is in any case
            }
            if Task.isCancelled {
                killSession(session)
                throw CancellationError()
            }
            return Completion(
                status: result.terminationStatus.exitStatus, standardOutput: result.standardOutput,
                standardError: result.standardError)
        } catch let error as SubprocessError {
            killSession(session)
            try Task.checkCancellation()
            throw failure(error)
        }
    }

    /// A program of its own session, ended by SIGTERM and then SIGKILL to its process group.
    var configuration: Configuration {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: grace)
        ]
        var variables: [Environment.Key: String] = [:]
        for (name, value) in environment { variables[Environment.Key(stringLiteral: name)] = value }
        return Configuration(
            executable: program.contains("/") ? .path(FilePath(program)) : .name(program),
            arguments: Arguments(arguments), environment: .custom(variables), platformOptions: options)
    }

    /// A program that ends before it has read its input must be an error of write(2), not our end. What we start gets
    /// the system's default again.
    static let ignoreBrokenPipes: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

    func failure(_ error: SubprocessError) -> ProgramFailure {
        switch error.code {
        case .outputLimitExceeded: .outputLimit(bytes: outputLimit)
        case .executableNotFound: .notFound(program: program)
        default: .system(number: error.underlyingError?.rawValue)
        }
    }

    /// Ends what the program left in its process group, such as a child in the background. The group has the program's
    /// number, which the system does not give again while any member lives.
    func killSession(_ leader: pid_t?) {
        if let leader, leader > 1 { kill(-leader, SIGKILL) }
    }
}

extension TerminationStatus {
    /// As a shell says it: the exit code, or 128 and the signal.
    var exitStatus: Int32 {
        switch self {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }
}
