// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// What a conversation may take.
package struct ConversationLimits: Sendable, Equatable {
    /// How long until the shell answers for the first time.
    package var opening: Duration
    /// How long all scripts together may take. Should we be killed, the node ends the shell itself after that time.
    package var total: Duration
    /// The most bytes of standard output, and of standard error, of each script.
    package var outputLimit: Int

    package init(
        opening: Duration = .seconds(60), total: Duration = .seconds(1800), outputLimit: Int = 16 << 20
    ) {
        self.opening = opening
        self.total = total
        self.outputLimit = outputLimit
    }
}

/// A root shell on a node that stays for a whole conversation: variables, functions and locks on descriptors 3 to 9 that
/// one script leaves are there for the next.
package struct NodeShell: Sendable {
    package let node: NodeName
    private let runner: @Sendable (_ script: String, _ deadline: Duration) async throws -> Completion

    /// - Parameter runner: runs one script. A fake gives its own.
    package init(
        node: NodeName,
        runner: @escaping @Sendable (_ script: String, _ deadline: Duration) async throws -> Completion
    ) {
        self.node = node
        self.runner = runner
    }

    /// Runs `script` in the shell, with /dev/null as standard input, and returns what it alone wrote.
    ///
    /// One script at a time. A non-zero status is a result. A script that calls `exit` (or fails under `set -e`) ends
    /// the shell: it has a result, and later calls throw. A script must not turn the shell's own standard output or
    /// error elsewhere for good (`exec >FILE`): its end would not be heard before the deadline.
    /// - Throws: `TransportError` when the shell is gone, the deadline passed or the output is over the limit;
    ///   `CancellationError`. After any of these the shell is of no use any more.
    package func run(_ script: String, deadline: Duration = .seconds(60)) async throws -> Completion {
        try await runner(script, deadline)
    }
}
