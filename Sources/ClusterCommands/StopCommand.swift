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

    func run() async throws { try await run(Surroundings.own()) }

    func run(_ surroundings: Surroundings) async throws {
        let cluster = try ClusterName(name)
        try surroundings.refuseListed(cluster, file.config, verb: "stopped")
        let clusters = try surroundings.clusters()
        let hooks = PluginHooks(surroundings, Announcer(surroundings, isSilent: json), file: file.config)
        let (plugins, stopped) = try await Interruption.cancelling {
            (try await hooks.shutdown(cluster), try await clusters.stop(cluster))
        }
        let outcome = "cluster \(cluster) \(stopped ? "is stopped" : "was not running")"
        if json {
            surroundings.print([
                "schema": "sally.cluster.stop/1", "name": .string(cluster.rawValue),
                "outcome": .string(stopped ? "stopped" : "already-stopped"), "plugins": plugins.json,
            ])
        } else {
            surroundings.print(outcome)
        }
        try plugins.requireComplete(outcome)
    }
}
