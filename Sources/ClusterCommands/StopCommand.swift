// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClusters
import SallyModel
import StrictJSON

/// `stop NAME`: the containers end, and everything is kept.
struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop a cluster's containers and keep everything for the next start.")

    @Argument(help: "The cluster's name.")
    var name: String

    @Flag(name: .customLong("json"), help: "Print the outcome as JSON.")
    var json = false

    @OptionGroup var file: ClusterFileOption

    func run() async throws {
        let surroundings = try Surroundings.own()
        let cluster = try ClusterName(name)
        try surroundings.refuseListed(cluster, file.config, verb: "stopped")
        let stopped = try await surroundings.clusters().stop(cluster)
        guard !json else {
            surroundings.print([
                "schema": "sally.cluster.stop/1", "name": .string(cluster.rawValue),
                "outcome": .string(stopped ? "stopped" : "already-stopped"),
            ])
            return
        }
        surroundings.print("cluster \(cluster) \(stopped ? "is stopped" : "was not running")")
    }
}
