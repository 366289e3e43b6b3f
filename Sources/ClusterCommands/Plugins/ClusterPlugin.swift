// SPDX-License-Identifier: Apache-2.0

import SallyClusters
import SallyModel
import StrictJSON

/// What makes something on all machines of a cluster, and keeps it so while machines come and go: StarCluster's plugins,
/// with its hooks `run`, `on_add_node`, `on_remove_node` and `on_shutdown`.
///
/// A hook says `Running plugin NAME` when it has something to do, and returns nil when it has not. It throws where nothing
/// came of it; what was done in part is in its outcome.
protocol ClusterPlugin: Sendable {
    var name: String { get }

    /// Makes everything on all machines. Called again, it does what is missing.
    func run(on cluster: ClusterMachines) async throws -> PluginOutcome?

    /// - Parameters:
    ///   - nodes: run, and Slurm does not use them yet.
    ///   - cluster: with them.
    func onAddNode(_ nodes: [ClusterMachine], to cluster: ClusterMachines) async throws -> PluginOutcome?

    /// - Parameters:
    ///   - nodes: Slurm does not use them any more. They are there still, or not.
    ///   - cluster: without them.
    func onRemoveNode(_ nodes: [ClusterMachine], from cluster: ClusterMachines) async throws -> PluginOutcome?

    /// Before machines are stopped or removed.
    func onShutdown(_ cluster: ClusterMachines) async throws -> PluginOutcome?

    /// After machines that were stopped run again.
    func onResume(_ cluster: ClusterMachines) async throws -> PluginOutcome?
}

/// What came of a hook that did something.
struct PluginOutcome: Sendable {
    /// For those who asked for JSON.
    var json: JSONValue
    /// What is not done, nil where all is.
    var error: SallyError?
    /// Whether a machine, or a user, has what the plugin makes: then later machines are to have it too.
    var madeSomething: Bool
    /// What standard output gets where nobody asked for JSON: the plan of a dry run.
    var lines: [String] = []
    /// What an administrator has to look at, a line each.
    var problems: [String] = []
}
