// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClusters
import SallyModel
import StrictJSON

/// `restart NAME`: stops what runs, and returns when a job has run on every node again.
struct RestartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart", abstract: "Stop a cluster's containers and start them again.", aliases: ["reboot"])

    @Argument(help: "The cluster's name.")
    var name: String

    @Flag(name: .customLong("json"), help: "Print the cluster as JSON.")
    var json = false

    @OptionGroup var file: ClusterFileOption

    func run() async throws {
        let surroundings = try Surroundings.own()
        let cluster = try ClusterName(name)
        try surroundings.refuseListed(cluster, file.config, verb: "restarted")
        let clusters = try surroundings.clusters()
        let record = try await Interruption.cancelling { try await clusters.restart(cluster) }
        guard !json else {
            surroundings.print(["schema": "sally.cluster.restart/1", "cluster": record.json])
            return
        }
        surroundings.print("cluster \(cluster) is running again")
    }
}
