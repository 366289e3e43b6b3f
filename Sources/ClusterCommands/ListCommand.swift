// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClusters
import SallyModel
import StrictJSON

/// `list`: every cluster of this user and how it is.
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the clusters of this user.")

    @Flag(name: .customLong("json"), help: "Print JSON.")
    var json = false

    func run() async throws {
        let surroundings = try Surroundings.own()
        let listed = try await surroundings.clusters().list()
        if json {
            let entries = listed.map { entry -> JSONValue in
                [
                    "name": .string(entry.name.rawValue), "condition": .string(entry.condition.rawValue),
                    "cluster": entry.record?.json ?? .null,
                ]
            }
            surroundings.print(["schema": "sally.cluster.list/1", "clusters": .array(entries)])
            return
        }
        guard !listed.isEmpty else {
            surroundings.tell("no clusters; `sally cluster start demo` makes one")
            return
        }
        let rows =
            [["NAME", "STATE", "RELEASE", "SLURM", "NODES", "NETWORK"]]
            + listed.map { entry in
                [
                    entry.name.rawValue, entry.condition.rawValue, entry.record?.release.rawValue ?? "-",
                    entry.record?.release.slurmVersion ?? "-", entry.record.map { "\($0.computeNodes.count)" } ?? "-",
                    entry.record?.subnet.description ?? "-",
                ]
            }
        for line in columns(rows) { surroundings.print(line) }
    }
}

/// Lines of cells padded to the widest of their column.
func columns(_ rows: [[String]]) -> [String] {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in rows.compactMap { $0.count > column ? $0[column].count : nil }.max() ?? 0 }
    return rows.map { row in
        var line = ""
        for (column, cell) in row.enumerated() {
            line +=
                column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count + 2)
        }
        return line
    }
}
