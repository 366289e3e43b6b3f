// SPDX-License-Identifier: Apache-2.0

import SallyClusters
import SallyModel
import StrictJSON

/// What the plugins of a cluster do when its machines change. The commands that change them call it, in the same
/// `Interruption.cancelling` as their own work.
///
/// A plugin that fails keeps neither the others nor the command from their work: what it said is in the report, and was
/// shown. Added nodes and resumed clusters go through the plugins in the order in which they first ran, removed nodes and
/// shutdowns backwards, as StarCluster did.
struct PluginHooks: Sendable {
    private let surroundings: Surroundings
    private let announcer: Announcer
    private let file: String?

    /// - Parameter file: the settings file that was named on the command line.
    init(_ surroundings: Surroundings, _ announcer: Announcer, file: String?) {
        self.surroundings = surroundings
        self.announcer = announcer
        self.file = file
    }

    /// Brings users and what else plugins make onto `nodes`.
    ///
    /// - Precondition: root gets onto the nodes; Slurm does not use them yet.
    /// - Parameter cluster: with the new nodes.
    /// - Throws: `CancellationError` alone.
    func nodesAdded(_ nodes: [NodeName], to cluster: ClusterMachines) async throws -> PluginHookReport {
        let machines = cluster.machines.filter { nodes.contains($0.name) }
        return try await each(of: cluster, .forwards) { try await $0.onAddNode(machines, to: cluster) }
    }

    /// Makes the rest of the cluster forget `nodes`.
    ///
    /// - Precondition: Slurm does not use the nodes any more. They may be there still, or not.
    /// - Parameter cluster: without them.
    /// - Throws: `CancellationError` alone.
    func nodesRemoved(_ nodes: [ClusterMachine], from cluster: ClusterMachines) async throws -> PluginHookReport {
        try await each(of: cluster, .backwards) { try await $0.onRemoveNode(nodes, from: cluster) }
    }

    /// To be called before machines are stopped or removed.
    ///
    /// - Throws: `CancellationError` alone.
    func shutdown(_ cluster: ClusterMachines) async throws -> PluginHookReport {
        try await each(of: cluster, .backwards) { try await $0.onShutdown(cluster) }
    }

    /// The same for a local cluster, as far as it runs: there is nobody to ask about one that does not. What cannot be
    /// found out is said and keeps nobody from ending it.
    ///
    /// - Throws: `CancellationError` alone.
    func shutdown(_ name: ClusterName) async throws -> PluginHookReport {
        try await local(name) { try await shutdown($0) }
    }

    /// To be called when machines that were stopped run again.
    ///
    /// - Throws: `CancellationError` alone.
    func resumed(_ cluster: ClusterMachines) async throws -> PluginHookReport {
        try await each(of: cluster, .forwards) { try await $0.onResume(cluster) }
    }

    /// The same for a local cluster.
    ///
    /// - Throws: `CancellationError` alone.
    func resumed(_ name: ClusterName) async throws -> PluginHookReport {
        try await local(name) { try await resumed($0) }
    }

    private func local(
        _ name: ClusterName, _ hook: (ClusterMachines) async throws -> PluginHookReport
    ) async throws -> PluginHookReport {
        do {
            guard let record = try surroundings.store().record(of: name), record.status == .running else {
                return PluginHookReport()
            }
            let cluster = try await surroundings.finder(file).machines(of: record)
            return cluster.mayRun ? try await hook(cluster) : PluginHookReport()
        } catch {
            try Task.checkCancellation()
            announcer.warn("the plugins of \(name) are not told: \(error)")
            return PluginHookReport()
        }
    }

    private enum Order { case forwards, backwards }

    private func each(
        of cluster: ClusterMachines, _ order: Order,
        _ hook: (any ClusterPlugin) async throws -> PluginOutcome?
    ) async throws -> PluginHookReport {
        var report = PluginHookReport()
        var plugins = plugins(of: cluster, &report)
        if order == .backwards { plugins.reverse() }
        for plugin in plugins {
            try Task.checkCancellation()
            do {
                guard let outcome = try await hook(plugin) else { continue }
                for problem in outcome.problems { announcer.warn(problem) }
                fail(plugin.name, outcome.error)
                report.entries.append(
                    PluginHookReport.Entry(plugin: plugin.name, error: outcome.error, output: outcome.json))
            } catch {
                // What a call that was cancelled throws may be anything.
                try Task.checkCancellation()
                let error = error as? SallyError ?? SallyError(.internal, "\(error)")
                fail(plugin.name, error)
                report.entries.append(PluginHookReport.Entry(plugin: plugin.name, error: error, output: .null))
            }
        }
        return report
    }

    /// In StarCluster's words, with its spelling.
    private func fail(_ plugin: String, _ error: SallyError?) {
        guard let error else { return }
        announcer.fail("Error occured while running plugin '\(plugin)':")
        announcer.fail(error.description)
    }

    /// Those that ran on the cluster, then those that the list of clusters names for it; and whatever ran or did not, the
    /// users that the managed record on the controller has are looked after.
    private func plugins(of cluster: ClusterMachines, _ report: inout PluginHookReport) -> [any ClusterPlugin] {
        var known: [ReadPlugin] = []
        func attempt(_ name: String, _ read: () throws -> [ReadPlugin]) {
            do { known += try read() } catch {
                let error = error as? SallyError ?? SallyError(.internal, "\(error)")
                fail(name, error)
                report.entries.append(PluginHookReport.Entry(plugin: name, error: error, output: .null))
            }
        }
        attempt("plugins.json") {
            try PluginMemory(of: cluster, in: surroundings.store()).plugins()
                .map { ReadPlugin(name: $0.name, settings: $0.settings) }
        }
        for name in cluster.plugins where !known.contains(where: { haveSameBytes($0.name, name) }) {
            attempt(name) { [try ReadPlugin(name, surroundings.settings(file), announcer)] }
        }
        return PluginHooks.made(known, surroundings, announcer)
    }

    static func made(
        _ known: [ReadPlugin], _ surroundings: Surroundings, _ announcer: Announcer
    ) -> [any ClusterPlugin] {
        var plugins: [any ClusterPlugin] = []
        var listed: [Set<UserName>] = []
        for plugin in known {
            if case .createUsers(let settings) = plugin.settings { listed.append(Set(settings.users)) }
        }
        var hasUsers = false
        for plugin in known {
            switch plugin.settings {
            case .createUsers(let settings):
                // The first one has whoever none of them lists.
                let others = listed.dropFirst().reduce(into: Set()) { $0.formUnion($1) }
                plugins.append(
                    users(plugin.name, settings, hasUsers ? .own : .all(besides: others), surroundings, announcer))
                hasUsers = true
            case .command(let settings):
                plugins.append(
                    CommandPlugin(
                        name: plugin.name, settings: settings, dryRun: false, surroundings: surroundings,
                        announcer: announcer))
            }
        }
        if !hasUsers {
            plugins.insert(users(UsersUpkeep.profile, nil, .all(besides: []), surroundings, announcer), at: 0)
        }
        return plugins
    }

    private static func users(
        _ name: String, _ settings: CreateUsersSettings?, _ share: UsersUpkeep.Share, _ surroundings: Surroundings,
        _ announcer: Announcer
    ) -> CreateUsersPlugin {
        CreateUsersPlugin(
            name: name, settings: settings, share: share, renewKeys: false, dryRun: false,
            surroundings: surroundings, announcer: announcer)
    }
}
