// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport

extension Clusters {
    /// A cluster that was up once: says so if it still is, starts its containers again if they stopped.
    func resume(_ record: ClusterRecord) async throws -> Started {
        let present = try await engine.containers(of: record.name).map(\.name)
        let missing = record.containers.map(\.name).filter { !present.contains($0) }
        guard missing.isEmpty else {
            throw SallyError(
                .conflict, "cluster \(record.name) has lost \(missing.joined(separator: ", "))",
                hint: "`sally cluster terminate \(record.name)` removes the rest; then start it again")
        }
        let running = try await runningContainers(of: record)
        let keys = ClusterKeys(folder: store.folder(of: record.name), environment: engine.podman.variables)
        let health = ClusterHealth(record: record, keys: keys, engine: engine, progress: progress)
        guard running.count < record.containers.count else {
            // Nodes may be drained on purpose: that is not ours to wait for.
            try await health.waitForController()
            return .wasRunning(record)
        }
        for container in record.containers where !running.contains(container.name) {
            progress.say("starting \(container.hostname) again")
            try await engine.succeed(["start", container.name], "start container \(container.name)")
        }
        try await health.waitForDaemons()
        try await health.waitForProbe()
        return .resumed(record)
    }
}
