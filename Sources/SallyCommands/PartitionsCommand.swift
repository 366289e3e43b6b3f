// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire

struct PartitionsCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "partitions", abstract: "List the cluster's partitions and whether you may use them.")

    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        try await common.connected(here) { connection in
            let path = Path.partitions(try await connection.cluster())
            let list = try await here.shared(path, of: connection.gateway, as: PartitionList.self)
            if common.json { return try here.putJSON("partitions", list) }
            try here.putTable(
                ["PARTITION", "STATE", "YOURS", "NODES", "CPUS", "DEFAULTTIME", "MAXTIME", "NODELIST"],
                list.partitions.map { partition in
                    [
                        partition.name + (partition.isDefault ? "*" : ""), partition.state,
                        partition.allowed ? "yes" : "no",
                        "\(partition.nodes)", "\(partition.cpus)",
                        partition.defaultTimeMinutes.map { slurmTime(minutes: $0) } ?? "",
                        slurmTime(minutes: partition.maxTimeMinutes), partition.nodeList,
                    ]
                })
        }
    }
}
