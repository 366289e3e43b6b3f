// SPDX-License-Identifier: Apache-2.0

import SallyClusters
import SallyModel

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
    func nodesAdded(_ nodes: [NodeName], to cluster: ClusterMachines) async throws -> PluginHookReport { PluginHookReport() }

    /// Makes the rest of the cluster forget `nodes`.
    ///
    /// - Precondition: Slurm does not use the nodes any more. They may be there still, or not.
    /// - Parameter cluster: without them.
    /// - Throws: `CancellationError` alone.
    func nodesRemoved(_ nodes: [ClusterMachine], from cluster: ClusterMachines) async throws -> PluginHookReport { PluginHookReport() }

    /// To be called before machines are stopped or removed.
    ///
    /// - Throws: `CancellationError` alone.
    func shutdown(_ cluster: ClusterMachines) async throws -> PluginHookReport { PluginHookReport() }

    /// The same for a local cluster, as far as it runs: there is nobody to ask about one that does not. What cannot be
    /// found out is said and keeps nobody from ending it.
    ///
    /// - Throws: `CancellationError` alone.
    func shutdown(_ name: ClusterName) async throws -> PluginHookReport { PluginHookReport() }

    /// To be called when machines that were stopped run again.
    ///
    /// - Throws: `CancellationError` alone.
    func resumed(_ cluster: ClusterMachines) async throws -> PluginHookReport { PluginHookReport() }

    /// The same for a local cluster.
    ///
    /// - Throws: `CancellationError` alone.
    func resumed(_ name: ClusterName) async throws -> PluginHookReport { PluginHookReport() }
}
