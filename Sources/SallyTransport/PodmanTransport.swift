// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// Containers as nodes, over `podman exec`.
///
/// Ending the `podman exec` client does not end what it started in the container (podman 4.3), hence `NodeSweep`.
package struct PodmanTransport: Transport {
    private let containers: [NodeName: String]
    let podman: PodmanEnvironment

    /// - Parameter containers: the container of each node.
    package init(containers: [NodeName: String], podman: PodmanEnvironment) {
        self.containers = containers
        self.podman = podman
    }

    package func run(_ invocation: Invocation, on node: NodeName) async throws -> Completion {
        let container = try container(of: node)
        guard !invocation.arguments.isEmpty else {
            throw TransportError.unreachable(node: node, reason: "no program was named")
        }
        let mark = NodeSweep.random()
        do {
            return try await sweeping(sweep(mark, container)) {
                let completion = try await podman.call(
                    arguments(invocation.arguments, in: container, mark, ends: invocation.deadline),
                    standardInput: invocation.standardInput, deadline: invocation.deadline,
                    outputLimit: invocation.outputLimit
                ).run()
                // 125 is podman's own failure (podman-exec(1)), and may be the program's status as well.
                if completion.status == 125, try await !isRunning(container) {
                    throw TransportError.unreachable(node: node, reason: "container \(container) is not running")
                }
                return completion
            }
        } catch let failure as ProgramFailure {
            throw TransportError(failure, node: node)
        }
    }

    package func converse<Answer: Sendable>(
        on node: NodeName, limits: ConversationLimits, _ body: (NodeShell) async throws -> Answer
    ) async throws -> Answer {
        let container = try container(of: node)
        let mark = NodeSweep.random()
        return try await ShellCall(
            node: node,
            call: podman.call(
                arguments(ShellLoop.arguments, in: container, mark, ends: limits.total), deadline: limits.total),
            limits: limits,
            explain: { _, said in
                // What podman itself cannot tell is no reason to say less than the shell did.
                if let running = try? await isRunning(container), !running {
                    return .unreachable(node: node, reason: "container \(container) is not running")
                }
                return TransportError(shellOf: node, said: said)
            },
            sweep: sweep(mark, container)
        ).converse(body)
    }

    func container(of node: NodeName) throws -> String {
        guard let container = containers[node] else {
            throw TransportError.unreachable(node: node, reason: "no container is known for it")
        }
        return container
    }

    private func arguments(
        _ words: [String], in container: String, _ mark: NodeSweep, ends deadline: Duration
    ) -> [String] {
        ["exec", "--interactive", "--env", mark.assignment, container] + NodeSweep.timeout(deadline) + words
    }

    func isRunning(_ container: String) async throws -> Bool {
        let state = try await podman.call(
            ["container", "inspect", "--format", "{{.State.Status}}", container], deadline: .seconds(20)
        ).run()
        return state.succeeded && state.output.hasPrefix("running")
    }

    /// Kills what a given-up call left in the container. A container that is gone has no processes either.
    func sweep(_ mark: NodeSweep, _ container: String) -> @Sendable () async -> Void {
        let sweeper = mark.invocation
        let call = podman.call(
            ["exec", "--interactive", container] + sweeper.arguments, standardInput: sweeper.standardInput,
            deadline: sweeper.deadline)
        return { _ = try? await call.run() }  // see above
    }
}
