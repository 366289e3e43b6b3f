// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import SallyWire
import SlurmModel

/// One cluster's nodes, as everybody shares them.
struct NodeService: Sendable {
    let cluster: ClusterName
    let gate: Gate
    let keeper: QueueKeeper
    /// What was read longer ago is not shown.
    let staleLimit: Duration

    func list(for principal: Principal, request: OpaqueID) async throws -> Shown<NodeList> {
        _ = try await gate.authorize(ReadCluster(cluster: cluster), by: principal, request: request.rawValue)
        let shape = try keeper.shape(within: staleLimit)
        return Shown(value: NodeList(nodes: shape.value.nodes.map(NodeView.init)), freshness: shape.freshness)
    }
}

extension NodeView {
    fileprivate init(_ node: Node) {
        self.init(
            name: node.name, states: node.states, cpus: node.cpus, allocatedCPUs: node.allocatedCPUs,
            memory: Int(node.memory.mebibytes), gres: node.gres, partitions: node.partitions)
    }
}
