// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// A transport **without a lasting shell**: each script of a conversation is a `run` of its own, so that neither
/// variables nor locks last. It is for fakes in tests, which answer scripts by their text.
package protocol ScriptwiseTransport: Transport {}

extension ScriptwiseTransport {
    package func converse<Answer: Sendable>(
        on node: NodeName, limits: ConversationLimits, _ body: (NodeShell) async throws -> Answer
    ) async throws -> Answer {
        let shell = NodeShell(node: node) { script, deadline in
            try await run(.script(script, deadline: deadline, outputLimit: limits.outputLimit), on: node)
        }
        return try await body(shell)
    }
}
