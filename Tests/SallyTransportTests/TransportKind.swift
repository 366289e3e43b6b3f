// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyModel
import SallyTestSupport
import SallyTransport
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// The transports that the conformance suite is run against.
enum TransportKind: String, Sendable, CustomStringConvertible {
    case local
    case podman
    case openssh

    var description: String { rawValue }

    /// A value that stands for our secrets.
    static let secret = "a-secret-of-ours-5e1f"

    static var environment: [String: String] {
        var result = ProcessInfo.processInfo.environment
        result["SALLY_SECRET"] = secret
        result["SLURM_JWT"] = secret
        return result
    }

    /// This host always; containers where podman has a node image (`make images`).
    static var available: [TransportKind] { nodeImage == nil ? [.local] : [.local, .podman, .openssh] }

    /// Asked once, without waiting in a task: test arguments are made before any test runs.
    static let nodeImage: String? = {
        // Where the settings cannot be written there is no podman to test with.
        guard let podman = try? PodmanEnvironment.detect(environment: environment) else { return nil }  // see above
        for (name, value) in podman.variables { setenv(name, value, 1) }
        guard
            let pipe = popen(
                "podman images --filter label=sallyport.image=node --format '{{.Repository}}:{{.Tag}}' 2>/dev/null", "r"
            )
        else { return nil }
        defer { pclose(pipe) }
        var line = [CChar](repeating: 0, count: 512)
        guard fgets(&line, Int32(line.count), pipe) != nil else { return nil }
        let text = String(decoding: line.prefix { $0 > 32 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.isEmpty ? nil : text
    }()

    /// A node of this kind for the time of `body`.
    func withNode(_ body: (any Transport, NodeName) async throws -> Void) async throws {
        let node = try NodeName("node001")
        switch self {
        case .local: try await body(LocalTransport(node: node, environment: TransportKind.environment), node)
        case .podman:
            guard let image = TransportKind.nodeImage else { return }
            let podman = try PodmanEnvironment.detect(environment: TransportKind.environment)
            try await TransportKind.withContainer(
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

    /// A container for the time of `body`, which gets its name.
    static func withContainer(
        _ podman: PodmanEnvironment, _ arguments: [String], _ body: (String) async throws -> Void
    ) async throws {
        // All tests at once would be dozens of containers, and each waits for all others.
        try await eventually("there is room for a container", within: .seconds(600)) {
            room.withLock { free in
                guard free > 0 else { return false }
                free -= 1
                return true
            }
        }
        defer { room.withLock { $0 += 1 } }
        let name = "sally-conformance-\(UInt64.random(in: .min ... .max))"
        let made = try await podman.call(
            ["run", "--detach", "--pull", "never", "--name", name] + arguments, deadline: .seconds(60)
        ).run()
        do {
            guard made.succeeded else { throw NoNode(reason: made.errorOutput) }
            try await body(name)
        } catch {
            try await remove(name, podman)
            throw error
        }
        try await remove(name, podman)
    }

    private static let room = Mutex(4)

    private static func remove(_ name: String, _ podman: PodmanEnvironment) async throws {
        _ = try await podman.call(["rm", "--force", "--time", "0", name], deadline: .seconds(60)).run()
    }
}

/// A container for the suite could not be started.
struct NoNode: Error {
    let reason: String
}
