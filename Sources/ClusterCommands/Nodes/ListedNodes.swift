// SPDX-License-Identifier: Apache-2.0

import SallyClusters
import SallyModel
import SallyTransport

/// Nodes that come and go on a cluster of machines that exist already: the administrator's file says which there are, and
/// commands bring these what they lack. Pure.
struct ListedNodes {
    private let cluster: ClusterMachines
    private let file: String

    init(_ cluster: ClusterMachines, file: String) {
        self.cluster = cluster
        self.file = file
    }

    /// - Throws: `SallyError` that says which lines the file needs.
    func toAdd(_ request: NodeRequest) throws -> [NodeName] {
        guard !request.aliases.isEmpty else {
            throw SallyError(
                .invalidRequest,
                "the machines of cluster \(cluster.name) exist already: name the one that is new",
                hint: "list it in \(file), then `sally cluster addnode -a NAME \(cluster.name)`")
        }
        for name in request.aliases {
            guard let machine = cluster.machines.first(where: { $0.name == name }) else {
                throw SallyError(
                    .notFound, "node '\(name)' is not listed for cluster \(cluster.name) in \(file)",
                    hint: "add `- {name: \(name), address: ADDRESS}` under clusters.\(cluster.name).nodes"
                        + (hostKeys.map { ", and `ADDRESS KEY`, its host key, to \($0)" } ?? "") + "; then ask again")
            }
            guard machine.role == .node else {
                throw SallyError(
                    .conflict, "\(name) is the controller of cluster \(cluster.name)", hint: "runplugin brings it users"
                )
            }
        }
        return request.aliases
    }

    /// - Throws: `SallyError(.conflict)` for a machine that the file still lists: it would be taken for one of the cluster
    ///   again by the next command.
    func toRemove(_ request: NodesToRemove) throws -> [NodeName] {
        guard case .named(let names) = request else {
            throw SallyError(
                .invalidRequest, "the machines of cluster \(cluster.name) are not ours to choose from: name the one",
                hint: "sally cluster removenode \(cluster.name) NODE")
        }
        for name in names {
            guard let machine = cluster.machines.first(where: { $0.name == name }) else { continue }
            guard machine.role == .node else {
                throw SallyError(
                    .conflict, "\(name) is the controller of cluster \(cluster.name) and cannot be removed",
                    hint: "take the whole cluster out of \(file)")
            }
            throw SallyError(
                .conflict, "node '\(name)' is still listed for cluster \(cluster.name) in \(file)",
                hint: "drain it in Slurm, take it out of slurm.conf and its line out of \(file); then the same command "
                    + "forgets its host keys")
        }
        return names
    }

    private var hostKeys: String? {
        guard case .openSSH(let settings, _) = cluster.access else { return nil }
        return settings.knownHostsFile
    }
}
