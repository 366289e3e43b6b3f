// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport

/// A way onto nodes on which somebody hears each script of a conversation before it is sent.
struct WatchedTransport: Transport {
    let transport: OpenSSHTransport
    /// Also what it throws is thrown.
    let heard: @Sendable (_ script: String, _ node: NodeName) async throws -> Void

    func run(_ invocation: Invocation, on node: NodeName) async throws -> Completion {
        try await transport.run(invocation, on: node)
    }

    func converse<Answer: Sendable>(
        on node: NodeName, limits: ConversationLimits, _ body: (NodeShell) async throws -> Answer
    ) async throws -> Answer {
        try await transport.converse(on: node, limits: limits) { shell in
            try await body(
                NodeShell(node: node) { script, deadline in
                    try await heard(script, node)
                    return try await shell.run(script, deadline: deadline)
                })
        }
    }
}
