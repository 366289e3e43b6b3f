// SPDX-License-Identifier: Apache-2.0

package import SallyModel

extension Clusters {
    /// Stops the containers of a cluster and keeps everything: `start` and `restart` bring it up again with its jobs,
    /// accounts and homes.
    ///
    /// - Returns: whether anything ran.
    /// - Throws: `SallyError(.notFound)` when there is no such cluster.
    package func stop(_ name: ClusterName) async throws -> Bool {
        let lock = try lock(name, for: "stop")
        defer { lock.release() }
        return try await stop(recorded(name))
    }

    /// Stops a cluster if it runs, and returns when it is up again and a job has run on it.
    ///
    /// - Throws: `SallyError(.notFound)` when there is no such cluster.
    package func restart(_ name: ClusterName) async throws -> ClusterRecord {
        let lock = try lock(name, for: "restart")
        defer { lock.release() }
        let record = try recorded(name)
        _ = try await stop(record)
        return try await resume(record).record
    }

    /// A cluster that was up once.
    func recorded(_ name: ClusterName) throws -> ClusterRecord {
        guard let record = try store.record(of: name) else {
            throw SallyError(.notFound, "cluster '\(name)' does not exist", hint: "see `sally cluster list`")
        }
        guard record.status == .running else {
            throw SallyError(
                .conflict, "cluster \(name) has never been up",
                hint: "`sally cluster start \(name)` cleans up and starts it")
        }
        return record
    }

    private func stop(_ record: ClusterRecord) async throws -> Bool {
        try await engine.check()
        let running = try await runningContainers(of: record)
        // The nodes first, so that the controller hears of jobs until the end.
        let order = (record.computeNodes + [record.controller].compactMap(\.self)).map(\.name).filter(running.contains)
        guard !order.isEmpty else { return false }
        progress.say("stopping \(record.name)")
        for container in order {
            try await engine.succeed(["stop", container], "stop container \(container)", deadline: .seconds(120))
        }
        return true
    }
}
