// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import SallyTransport
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Containers of the node image, for tests that need a real machine.
package enum TestContainers {
    /// A value that stands for our secrets.
    package static let secret = "a-secret-of-ours-5e1f"

    package static var environment: [String: String] {
        var result = ProcessInfo.processInfo.environment
        result["SALLY_SECRET"] = secret
        result["SLURM_JWT"] = secret
        return result
    }

    /// Asked once, without waiting in a task: test arguments are made before any test runs.
    package static let nodeImage: String? = {
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

    /// A container for the time of `body`, which gets its name.
    package static func with(
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
package struct NoNode: Error {
    package let reason: String
    package init(reason: String) { self.reason = reason }
}
