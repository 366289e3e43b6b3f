// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport

extension Clusters {
    /// A cluster that was up once: says so if it still is, starts its containers again if they stopped.
    func resume(_ record: ClusterRecord) async throws -> Started {
        let present = try await engine.containers(of: record.name).map(\.name)
        // One that is not ready is finished by addnode or removenode, and keeps nobody from the others.
        let whole = record.containers.filter { $0.isReady || present.contains($0.name) }
        let missing = whole.map(\.name).filter { !present.contains($0) }
        guard missing.isEmpty else {
            throw SallyError(
                .conflict, "cluster \(record.name) has lost \(missing.joined(separator: ", "))",
                hint: "`sally cluster terminate \(record.name)` removes the rest; then start it again")
        }
        let running = try await runningContainers(of: record)
        let keys = ClusterKeys(folder: store.folder(of: record.name), environment: engine.podman.variables)
        let health = ClusterHealth(record: record, keys: keys, engine: engine, progress: progress)
        guard running.count < whole.count else {
            // Nodes may be drained on purpose: that is not ours to wait for.
            try await health.waitForController()
            return .wasRunning(record)
        }
        for container in whole where !running.contains(container.name) {
            progress.say("starting \(container.hostname) again")
            try await engine.succeed(["start", container.name], "start container \(container.name)")
        }
        try await health.waitForController()
        // Podman gives a container the names that it was made with; nodes may have come and gone since.
        try await health.spread(on: Set(whole.map(\.name)))
        try await health.waitForNodes()
        try await health.waitForProbe()
        return .resumed(record)
    }
}
