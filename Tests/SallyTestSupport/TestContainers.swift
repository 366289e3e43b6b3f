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
        try await with(podman, [arguments]) { try await body($0[0]) }
    }

    /// Some containers for the time of `body`, which gets their names; each by its arguments.
    package static func with(
        _ podman: PodmanEnvironment, _ containers: [[String]], _ body: ([String]) async throws -> Void
    ) async throws {
        // All tests at once would be dozens of containers, and each waits for all others.
        try await eventually("there is room for a container", within: .seconds(600)) {
            room.withLock { free in
                guard free >= min(containers.count, size) else { return false }
                free -= containers.count
                return true
            }
        }
        defer { room.withLock { $0 += containers.count } }
        let names = containers.map { _ in "sally-conformance-\(UInt64.random(in: .min ... .max))" }
        do {
            for (name, arguments) in zip(names, containers) {
                let made = try await podman.call(
                    ["run", "--detach", "--pull", "never", "--name", name] + arguments, deadline: .seconds(240)
                ).run()
                guard made.succeeded else { throw NoNode(reason: made.errorOutput) }
            }
            try await body(names)
        } catch {
            try await remove(names, podman)
            throw error
        }
        try await remove(names, podman)
    }

    private static let size = 4
    private static let room = Mutex(size)

    private static func remove(_ names: [String], _ podman: PodmanEnvironment) async throws {
        _ = try await podman.call(["rm", "--force", "--time", "0"] + names, deadline: .seconds(240)).run()
    }
}

/// A container for the suite could not be started.
package struct NoNode: Error {
    package let reason: String
    package init(reason: String) { self.reason = reason }
}
