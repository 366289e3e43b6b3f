// SPDX-License-Identifier: Apache-2.0

package import SallyModel
import SallyTransport

extension Clusters {
    /// What came of adding nodes.
    package struct Added: Sendable {
        package var record: ClusterRecord
        package var nodes: [NodeName]
    }

    /// Brings the users of a cluster onto nodes that were added: the cluster with these, and their names. What it throws
    /// keeps them out of Slurm.
    package typealias Preparation = @Sendable (ClusterRecord, [NodeName]) async throws -> Void

    /// Adds nodes to a cluster that runs. Slurm knows them from the beginning and may use them when `prepare` has returned:
    /// a job that comes before would find no user to run as.
    ///
    /// What fails before `prepare` is taken back, also on cancellation. What fails from there on leaves whole nodes, drained,
    /// with the reason; the same call with their names goes on. That is also what finishes nodes that a killed program left.
    /// - Throws: `SallyError`; nothing was made where the request is wrong or the cluster does not run.
    package func addNodes(
        _ request: NodeRequest, to name: ClusterName, prepare: Preparation
    ) async throws -> Added {
        let lock = try lock(name, for: "addnode")
        defer { lock.release() }
        let before = try recorded(name)
        let addition = try NodeAddition(request, to: before)
        try await engine.check()
        try await requireController(before)
        try await refuseTaken(addition)
        let files = try NodeFiles(folder: store.folder(of: name))
        progress.say("Launching node(s): \(addition.names.map(\.rawValue).joined(separator: ", "))")
        do {
            try await make(addition, files)
        } catch {
            progress.say("taking back what was made")
            // An unstructured task, because ours may be cancelled and nothing may be left behind.
            await Task { await takeBack(addition, before, files) }.value
            throw error
        }
        let nodes = SlurmNodes(health: health(addition.record))
        do {
            try await prepare(addition.record, addition.names)
            return try await admit(addition, files, nodes)
        } catch {
            let failure = Clusters.unfinished(addition, error)
            // As above: whoever looks at Slurm is to see why.
            await Task { await explain(failure, addition, nodes) }.value
            throw failure
        }
    }

    /// Everything but the users: machines that are whole, and that Slurm knows and does not use.
    private func make(_ addition: NodeAddition, _ files: NodeFiles) async throws {
        let record = addition.record
        try store.write(record)
        var conf = files.conf
        let nodes = record.computeNodes.filter { addition.names.contains($0.hostname) }
        for node in nodes { try conf.add(node) }
        try files.write(conf)

        let present = try await engine.containers(of: record.name)
        let running = try await runningContainers(of: record)
        if nodes.contains(where: { node in !present.contains { $0.name == node.name } }) {
            guard let controller = record.controller else {
                throw SallyError(.internal, "the cluster has no controller")
            }
            let arguments = ContainerArguments(
                record: record, folder: store.folder(of: record.name),
                image: try await engine.image(of: controller.name), socketGroup: record.socketGroup)
            for node in nodes where !present.contains(where: { $0.name == node.name }) {
                try await engine.succeed(
                    arguments.run(node), "start container \(node.name)", deadline: .seconds(120))
            }
        }
        for node in nodes where present.contains(where: { $0.name == node.name }) && !running.contains(node.name) {
            try await engine.succeed(["start", node.name], "start container \(node.name)")
        }
        let health = health(record)
        for node in nodes { try await health.waitForMachine(node) }

        progress.say("Configuring /etc/hosts on each node")
        try await health.spread(on: try await runningContainers(of: record))
        progress.say("Adding node(s): \(addition.names.map(\.rawValue).joined(separator: ", "))")
        try await health.learnNodes()
        let slurm = SlurmNodes(health: health)
        // slurm.conf says so already; here it holds even if somebody has changed that file by hand.
        try await slurm.drain(addition.names, reason: "sallyport: users are not there yet")
        try await health.wait("slurmd") {
            for node in addition.names where try await slurm.state(of: node)?.isHeldBack != true { return false }
            return true
        }
    }

    private func admit(_ addition: NodeAddition, _ files: NodeFiles, _ slurm: SlurmNodes) async throws -> Added {
        var conf = try files.current()
        for node in addition.names { conf.admit(node) }
        try files.write(conf)
        try await slurm.health.spread(on: try await runningContainers(of: addition.record))
        try await slurm.health.rereadFiles()
        try await slurm.resume(addition.names)
        try await slurm.health.wait("\(addition.names.count) \(addition.names.count == 1 ? "node" : "nodes")") {
            for node in addition.names where try await slurm.state(of: node)?.isUsable != true { return false }
            return true
        }
        var record = addition.record
        for index in record.containers.indices where addition.names.contains(record.containers[index].hostname) {
            record.containers[index].isReady = true
        }
        try store.write(record)
        return Added(record: record, nodes: addition.names)
    }

    /// The machines are there, and nobody may use them: says so in one error.
    private static func unfinished(_ addition: NodeAddition, _ error: any Error) -> SallyError {
        let names = addition.names.map(\.rawValue)
        let hint = "`sally cluster addnode -a \(names.joined(separator: ",")) \(addition.record.name)` goes on"
        let what = "\(names.joined(separator: ", ")) \(names.count == 1 ? "stays" : "stay") drained: "
        switch error {
        case let error as SallyError:
            return SallyError(
                error.code, what + error.message, hint: [error.hint, hint].compactMap(\.self).joined(separator: "; "),
                cause: error.cause)
        case is CancellationError: return SallyError(.unavailable, what + "interrupted", hint: hint)
        default: return SallyError(.unavailable, what + "not all users were made", hint: hint, cause: "\(error)")
        }
    }

    /// Says in Slurm why nodes are not used. A slurmctld that does not answer has them drained all the same.
    private func explain(_ failure: SallyError, _ addition: NodeAddition, _ slurm: SlurmNodes) async {
        do {
            try await slurm.drain(addition.names, reason: "sallyport: \(failure.message)")
        } catch {
            progress.say("slurmctld was not told why: \(error)")
        }
        progress.say(failure.hint ?? failure.message)
    }

    private func takeBack(_ addition: NodeAddition, _ before: ClusterRecord, _ files: NodeFiles) async {
        do {
            try files.write(files.conf)
            let made = addition.made.map(\.name)
            let folder = store.folder(of: before.name).path
            let found = try await engine.containers(of: before.name).filter { $0.folder == folder }.map(\.name)
            let health = health(before)
            try await health.spread(on: try await runningContainers(of: before))
            // It may just have been started again, and then may have read either file.
            try await health.waitForController()
            for name in addition.made.map(\.hostname)
            where try await SlurmNodes(health: health).state(of: name) != nil {
                try await health.learnNodes()
                break
            }
            let left = found.filter(made.contains)
            if !left.isEmpty { try await remove(left, of: before.name) }
            try store.write(before)
        } catch {
            let names = addition.made.map(\.hostname.rawValue).joined(separator: " ")
            progress.say(
                "could not take back everything: \(error); `sally cluster removenode \(before.name) \(names)` removes the rest"
            )
        }
    }

    /// Containers of another state folder, or of another cluster whose name ends differently.
    private func refuseTaken(_ addition: NodeAddition) async throws {
        try await refuseForeign(addition.record.name)
        for container in addition.made where try await engine.exists(container.name) {
            throw SallyError(
                .conflict, "there is a container \(container.name) already, and it is no node of this cluster",
                hint: "choose another name with -a, or remove it with podman")
        }
    }

    func requireController(_ record: ClusterRecord) async throws {
        guard let controller = record.controller, try await runningContainers(of: record).contains(controller.name)
        else {
            throw SallyError(
                .unavailable, "cluster \(record.name) is not running",
                hint: "`sally cluster start \(record.name)` starts it")
        }
    }

    func health(_ record: ClusterRecord) -> ClusterHealth {
        let keys = ClusterKeys(folder: store.folder(of: record.name), environment: engine.podman.variables)
        return ClusterHealth(record: record, keys: keys, engine: engine, progress: progress)
    }
}
