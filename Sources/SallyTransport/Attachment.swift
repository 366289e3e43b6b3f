// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// A program on a node that has the caller's own standard input, output and error, instead of collected ones.
package struct Attachment: Sendable, Equatable {
    package enum Terminal: Sendable, Equatable {
        /// The node gives the program a terminal, which the caller's becomes an end of.
        case allocated
        /// The streams are passed through byte by byte.
        case none
    }
    /// What of this host the program may reach.
    package enum Forwarding: String, Sendable, CaseIterable {
        case x11, agent
    }
    /// Descriptors of ours. They stay open.
    package struct Streams: Sendable, Equatable {
        package var input: Int32
        package var output: Int32
        package var error: Int32

        package init(input: Int32, output: Int32, error: Int32) {
            self.input = input
            self.output = output
            self.error = error
        }
        package static let own = Streams(input: 0, output: 1, error: 2)
    }

    /// The program and its arguments, run as root.
    package var arguments: [String]
    package var terminal: Terminal
    package var forwarding: Set<Forwarding>
    package var streams: Streams

    package init(
        arguments: [String], terminal: Terminal, forwarding: Set<Forwarding> = [], streams: Streams = .own
    ) {
        self.arguments = arguments
        self.terminal = terminal
        self.forwarding = forwarding
        self.streams = streams
    }
}

/// A transport that can connect a program on a node with streams of ours. Implementations: `OpenSSHTransport`,
/// `PodmanTransport`.
package protocol AttachingTransport: Transport {
    /// Runs `attachment` on `node` as root, with its streams, for as long as it takes.
    ///
    /// - Returns: its exit status; 128 + N when signal N ended it.
    /// - Throws: `TransportError` when the node was not reached; `CancellationError` when the calling task was
    ///   cancelled, and then no process is left behind.
    func attach(_ attachment: Attachment, to node: NodeName) async throws -> Int32
}
