// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyTransport

/// The transports that the conformance suite is run against.
enum TransportKind: String, Sendable, CustomStringConvertible {
    case local
    case podman
    case openssh

    var description: String { rawValue }

    static let secret = TestContainers.secret
    static var environment: [String: String] { TestContainers.environment }

    /// This host always; containers where podman has a node image (`make images`).
    static var available: [TransportKind] { nodeImage == nil ? [.local] : [.local, .podman, .openssh] }

    static var nodeImage: String? { TestContainers.nodeImage }

    /// A node of this kind for the time of `body`.
    func withNode(_ body: (any Transport, NodeName) async throws -> Void) async throws {
        let node = try NodeName("node001")
        switch self {
        case .local: try await body(LocalTransport(node: node, environment: TransportKind.environment), node)
        case .podman:
            guard let image = TransportKind.nodeImage else { return }
            let podman = try PodmanEnvironment.detect(environment: TransportKind.environment)
            try await TestContainers.with(
                podman,
                [
                    "--network", "none", "--entrypoint", "/bin/bash", image, "-c",
                    "trap exit TERM; while :; do sleep 1000 & wait $!; done",
                ]
            ) { container in try await body(PodmanTransport(containers: [node: container], podman: podman), node) }
        case .openssh:
            guard let image = TransportKind.nodeImage else { return }
            try await SSHNode.with(image: image) { made in
                try await body(made.transport(made.settings()), made.node)
            }
        }
    }
}
