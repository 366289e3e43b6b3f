// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import SallyWire
import SlurmModel

/// One cluster's nodes, from the shared snapshot.
struct NodeService: Sendable {
    let cluster: ClusterName
    let gate: Gate
    let keeper: QueueKeeper

    func list(for principal: Principal, request: OpaqueID) async throws -> Shown<NodeList> {
        _ = try await gate.authorize(ReadCluster(cluster: cluster), by: principal, request: request.rawValue)
        let snapshot = keeper.latest
        if snapshot.readAt == nil, let failure = keeper.failure { throw failure }
        return Shown(value: NodeList(nodes: snapshot.nodes.map(NodeView.init)), freshness: keeper.shapeFreshness)
    }
}

extension NodeView {
    fileprivate init(_ node: Node) {
        self.init(
            name: node.name, states: node.states, cpus: node.cpus, allocatedCPUs: node.allocatedCPUs,
            memory: Int(node.memory.mebibytes), gres: node.gres, partitions: node.partitions)
    }
}
