// SPDX-License-Identifier: Apache-2.0

package import SallyModel

extension PodmanTransport: AttachingTransport {
    /// - Precondition: `attachment` forwards nothing: a container has no connection of ssh to forward over.
    package func attach(_ attachment: Attachment, to node: NodeName) async throws -> Int32 {
        let container = try container(of: node)
        guard !attachment.arguments.isEmpty, attachment.forwarding.isEmpty else {
            throw TransportError.unreachable(node: node, reason: "nothing is forwarded over podman exec")
        }
        let mark = NodeSweep.random()
        let call = podman.call(
            attachment.podmanArguments(container, mark, terminal: podman.variables["TERM"]), deadline: .zero)
        do {
            return try await sweeping(sweep(mark, container)) {
                let status = try await AttachedCall(call: call, streams: attachment.streams).run()
                // 125 is podman's own failure (podman-exec(1)), and may be the program's status as well.
                if status == 125, try await !isRunning(container) {
                    throw TransportError.unreachable(node: node, reason: "container \(container) is not running")
                }
                return status
            }
        } catch let failure as ProgramFailure {
            throw TransportError(failure, node: node)
        }
    }
}

extension Attachment {
    /// `podman exec` with a terminal of the caller's kind, or with the streams as they are.
    func podmanArguments(_ container: String, _ mark: NodeSweep, terminal kind: String?) -> [String] {
        let options: [String] =
            switch terminal {
            case .allocated: ["--tty", "--env", "TERM=\(kind ?? "dumb")"]
            case .none: []
            }
        return ["exec", "--interactive", "--env", mark.assignment] + options + [container] + arguments
    }
}
