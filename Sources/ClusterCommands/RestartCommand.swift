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

    func run() async throws { try await run(Surroundings.own()) }

    func run(_ surroundings: Surroundings) async throws {
        let cluster = try ClusterName(name)
        try surroundings.refuseListed(cluster, file.config, verb: "restarted")
        let clusters = try surroundings.clusters()
        let hooks = PluginHooks(surroundings, Announcer(surroundings, isSilent: json), file: file.config)
        let (record, plugins) = try await Interruption.cancelling {
            var plugins = try await hooks.shutdown(cluster)
            let record = try await clusters.restart(cluster)
            plugins.entries += try await hooks.resumed(cluster).entries
            return (record, plugins)
        }
        let outcome = "cluster \(cluster) is running again"
        if json {
            surroundings.print([
                "schema": "sally.cluster.restart/1", "cluster": record.json, "plugins": plugins.json,
            ])
        } else {
            surroundings.print(outcome)
        }
        try plugins.requireComplete(outcome)
    }
}
