// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire

struct NodesCommand: SallySubcommand {
    static let configuration = CommandConfiguration(commandName: "nodes", abstract: "List the cluster's nodes.")

    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        try await common.connected(here) { connection in
            let path = Path.nodes(try await connection.cluster())
            let list = try await here.shared(path, of: connection.gateway, as: NodeList.self)
            if common.json { return try here.putJSON("nodes", list) }
            try here.putTable(
                ["NODE", "STATE", "CPUS", "INUSE", "MEMORY", "GRES", "PARTITIONS"],
                list.nodes.map { node in
                    [
                        node.name, node.states.joined(separator: "+"), "\(node.cpus)", "\(node.allocatedCPUs)",
                        "\(node.memory) MiB", node.gres, node.partitions.joined(separator: ","),
                    ]
                })
        }
    }
}
