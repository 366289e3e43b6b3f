// SPDX-License-Identifier: Apache-2.0

package import SallyModel
import SallyTransport

extension Clusters {
    /// What becomes of jobs on a node that is removed.
    package enum JobsOnNodes: Sendable {
        /// They run to their end before the node can be removed.
        case keep
        /// They are put back into the queue, or cancelled where they cannot run elsewhere.
        case end
    }

    /// What came of removing nodes.
    package struct Removed: Sendable {
        package var record: ClusterRecord
        package var nodes: [NodeName]
        package var requeued: [String]
        package var cancelled: [String]
    }

    /// Which nodes would be removed, and nothing else.
    ///
    /// - Throws: `SallyError` as `removeNodes`.
    package func nodes(toRemove request: NodesToRemove, from name: ClusterName) throws -> [NodeName] {
        try NodeRemoval(request, from: recorded(name)).names
    }

    /// Removes nodes from a cluster that runs: drained first, then out of slurm.conf everywhere, then their containers with
    /// what was on their own disks. Homes stay.
    ///
    /// What is interrupted goes on with the same call.
    /// - Parameter forget: makes the cluster without them forget what it knows of them, such as host keys.
    /// - Throws: `SallyError(.conflict)` when jobs run there, with `jobs` kept: then the nodes are drained and take no more.
    package func removeNodes(
        _ request: NodesToRemove, from name: ClusterName, jobs: JobsOnNodes,
        forget: @Sendable (ClusterRecord, [NodeName]) async throws -> Void
    ) async throws -> Removed {
        let lock = try lock(name, for: "removenode")
        defer { lock.release() }
        let before = try recorded(name)
        let removal = try NodeRemoval(request, from: before)
        guard !removal.leaving.isEmpty else { return Removed(record: before, nodes: [], requeued: [], cancelled: []) }
        try await engine.check()
        try await requireController(before)
        let slurm = SlurmNodes(health: health(before))
        let ended = try await empty(removal, slurm, jobs)

        var leaving = before
        for index in leaving.containers.indices where removal.names.contains(leaving.containers[index].hostname) {
            leaving.containers[index].isReady = false
        }
        do {
            try store.write(leaving)
            try await takeOut(removal)
            try await forget(removal.record, removal.names)
        } catch {
            progress.say(
                "`sally cluster removenode \(name) \(removal.names.map(\.rawValue).joined(separator: " "))` goes on")
            throw error
        }
        try store.write(removal.record)
        return Removed(
            record: removal.record, nodes: removal.names, requeued: ended.requeued, cancelled: ended.cancelled)
    }

    /// Nodes without jobs, that get none any more.
    private func empty(
        _ removal: NodeRemoval, _ slurm: SlurmNodes, _ wanted: JobsOnNodes
    ) async throws -> SlurmNodes.Ended {
        try await slurm.drain(removal.names, reason: "sallyport: removenode")
        let jobs = try await slurm.jobs(on: removal.names)
        guard !jobs.isEmpty else { return SlurmNodes.Ended() }
        switch wanted {
        case .keep: throw Clusters.busy(removal, jobs)
        case .end:
            progress.say("ending \(jobs.count) \(jobs.count == 1 ? "job" : "jobs") on \(removal.list)")
            let ended = try await slurm.end(jobs)
            try await slurm.health.wait("jobs to leave \(removal.list)") {
                // A node that does not answer keeps its jobs completing until Slurm gives it up; it is taken away anyway.
                let left = try await slurm.jobs(on: removal.names)
                if left.isEmpty { return true }
                for node in removal.names where try await slurm.state(of: node)?.answers == true { return false }
                return true
            }
            return ended
        }
    }

    private static func busy(_ removal: NodeRemoval, _ jobs: [JobOnNode]) -> SallyError {
        let running = jobs.filter(\.isRunning)
        let waiting = jobs.filter { !$0.isRunning }
        var parts: [String] = []
        if !running.isEmpty { parts.append("\(running.count) running there: \(JobOnNode.list(running))") }
        if !waiting.isEmpty { parts.append("\(waiting.count) waiting for it by name: \(JobOnNode.list(waiting))") }
        let verb = removal.names.count == 1 ? "is" : "are"
        return SallyError(
            .conflict, "\(removal.list) \(verb) not removed: jobs \(parts.joined(separator: "; "))",
            hint:
                "\(verb) drained now and \(removal.names.count == 1 ? "takes" : "take") no new jobs: the same command "
                + "again when these have ended, or --force, which requeues or cancels them; `scontrol update "
                + "NodeName=\(removal.names.map(\.rawValue).joined(separator: ",")) State=RESUME` on the controller takes "
                + "it back")
    }

    private func takeOut(_ removal: NodeRemoval) async throws {
        let record = removal.record
        for container in removal.leaving {
            progress.say("Removing node \(container.hostname) (\(container.name))...")
        }
        let files = try NodeFiles(folder: store.folder(of: record.name))
        var conf = files.conf
        for node in removal.names { conf.remove(node) }
        try files.write(conf)
        progress.say("Removing \(removal.list) from /etc/hosts")
        let health = health(record)
        try await health.spread(on: try await runningContainers(of: record))
        try await health.learnNodes()
        let folder = store.folder(of: record.name).path
        let found = try await engine.containers(of: record.name).filter { $0.folder == folder }.map(\.name)
        let containers = removal.leaving.map(\.name).filter(found.contains)
        if !containers.isEmpty { try await remove(containers, of: record.name) }
    }
}

extension NodeRemoval {
    var list: String { names.map(\.rawValue).joined(separator: ", ") }
}
