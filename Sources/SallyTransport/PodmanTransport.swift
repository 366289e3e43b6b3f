// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// Containers as nodes, over `podman exec`.
///
/// Ending the `podman exec` client does not end what it started in the container (podman 4.3). So every call carries a
/// mark in its environment, and a call that is given up is followed by one that kills the marked processes and their
/// sessions. timeout(1) in the container is the second line, should we be killed ourselves.
package struct PodmanTransport: Transport {
    private let containers: [NodeName: String]
    private let podman: PodmanEnvironment

    /// - Parameter containers: the container of each node.
    package init(containers: [NodeName: String], podman: PodmanEnvironment) {
        self.containers = containers
        self.podman = podman
    }

    package func run(_ invocation: Invocation, on node: NodeName) async throws -> Completion {
        guard let container = containers[node] else {
            throw TransportError.unreachable(node: node, reason: "no container is known for it")
        }
        guard !invocation.arguments.isEmpty else {
            throw TransportError.unreachable(node: node, reason: "no program was named")
        }
        let mark = "\(UInt64.random(in: .min ... .max))-\(UInt64.random(in: .min ... .max))"
        let seconds = Int(invocation.deadline.components.seconds) + 5
        let arguments =
            ["exec", "--interactive", "--env", "SALLY_CALL=\(mark)", container]
            + ["/usr/bin/timeout", "--kill-after=5", "\(seconds)"] + invocation.arguments
        do {
            let completion = try await podman.call(
                arguments, standardInput: invocation.standardInput, deadline: invocation.deadline,
                outputLimit: invocation.outputLimit
            ).run()
            // 125 is podman's own failure (podman-exec(1)), and may be the program's status as well.
            if completion.status == 125, try await !isRunning(container) {
                throw TransportError.unreachable(node: node, reason: "container \(container) is not running")
            }
            return completion
        } catch let failure as ProgramFailure {
            await sweep(mark, container)
            throw TransportError(failure, node: node)
        } catch is CancellationError {
            await sweep(mark, container)
            throw CancellationError()
        }
    }

    private func isRunning(_ container: String) async throws -> Bool {
        let state = try await podman.call(
            ["container", "inspect", "--format", "{{.State.Status}}", container], deadline: .seconds(20)
        ).run()
        return state.succeeded && state.output.hasPrefix("running")
    }

    /// Kills what a given-up call left in the container.
    private func sweep(_ mark: String, _ container: String) async {
        let call = podman.call(
            ["exec", "--interactive", container, "/bin/bash", "-s", "--", mark],
            standardInput: Array(PodmanTransport.sweeping.utf8), deadline: .seconds(20))
        // An unstructured task, because ours may be cancelled and this must be done all the same.
        await Task { _ = try? await call.run() }.value  // a container that is gone has no processes either
    }

    private static let sweeping = """
        for round in 1 2 3; do
            found=
            for folder in /proc/[0-9]*; do
                process=${folder#/proc/}
                { tr '\\0' '\\n' <"$folder/environ" | grep -qxF "SALLY_CALL=$1"; } 2>/dev/null || continue
                found=1
                read -r line <"$folder/stat" 2>/dev/null || continue
                set -- "$1" ${line##*) }
                session=$5
                for other in /proc/[0-9]*; do
                    read -r line <"$other/stat" 2>/dev/null || continue
                    fields=(${line##*) })
                    [ "${fields[3]}" = "$session" ] && kill -KILL "${other#/proc/}" 2>/dev/null
                done
                kill -KILL "$process" 2>/dev/null
            done
            [ -z "$found" ] && exit 0
        done
        """
}
