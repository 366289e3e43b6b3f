// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// A way onto nodes. Implementations: `OpenSSHTransport`, `PodmanTransport` (containers), `LocalTransport` (this host).
///
/// One call is one connection. Whatever is secret goes through `Invocation.standardInput`, never through `arguments`.
package protocol Transport: Sendable {
    /// Runs `invocation` as root on `node` and returns when it ended.
    ///
    /// A non-zero exit status is a result, not an error.
    /// - Throws: `TransportError` when the node was not reached, the deadline passed or a limit was exceeded;
    ///   `CancellationError` when the calling task was cancelled. Either way no process is left behind.
    func run(_ invocation: Invocation, on node: NodeName) async throws -> Completion

    /// Opens one connection with a root shell on `node` for the time of `body`.
    ///
    /// The conversation ends when `body` returns or throws; processes of the shell's session are then killed. Where a
    /// script was given up (deadline, limit, cancellation), whatever the conversation started is.
    /// - Throws: `TransportError` when the node was not reached; `CancellationError`; what `body` throws.
    func converse<Answer: Sendable>(
        on node: NodeName, limits: ConversationLimits, _ body: (NodeShell) async throws -> Answer
    ) async throws -> Answer
}

/// What to run on a node: arguments as data, never a shell string.
package struct Invocation: Sendable, Equatable {
    /// The program and its arguments.
    package var arguments: [String]
    package var standardInput: [UInt8]
    /// How long the whole call may take.
    package var deadline: Duration
    /// The most bytes of standard output, and of standard error, that are collected; more is
    /// `TransportError.outputLimit`.
    package var outputLimit: Int

    package init(
        arguments: [String], standardInput: [UInt8] = [], deadline: Duration = .seconds(60), outputLimit: Int = 1 << 20
    ) {
        self.arguments = arguments
        self.standardInput = standardInput
        self.deadline = deadline
        self.outputLimit = outputLimit
    }

    /// A shell script on standard input: `sh -s -- ARGUMENTS`.
    package static func script(
        _ text: String, arguments: [String] = [], deadline: Duration = .seconds(60), outputLimit: Int = 1 << 20
    ) -> Invocation {
        Invocation(
            arguments: ["/bin/bash", "-s", "--"] + arguments, standardInput: Array(text.utf8), deadline: deadline,
            outputLimit: outputLimit)
    }
}

/// How a call on a node ended.
package struct Completion: Sendable, Equatable {
    /// The exit status; 128 + N when signal N ended it.
    package var status: Int32
    package var standardOutput: [UInt8]
    package var standardError: [UInt8]

    package init(status: Int32, standardOutput: [UInt8], standardError: [UInt8]) {
        self.status = status
        self.standardOutput = standardOutput
        self.standardError = standardError
    }

    package var succeeded: Bool { status == 0 }
    package var output: String { String(decoding: standardOutput, as: UTF8.self) }
    package var errorOutput: String { String(decoding: standardError, as: UTF8.self) }
}

/// Why a call on a node has no result.
package enum TransportError: Error, Sendable, Equatable {
    case unreachable(node: NodeName, reason: String)
    case deadlineExceeded(node: NodeName, after: Duration)
    case outputLimit(node: NodeName, bytes: Int)
}
