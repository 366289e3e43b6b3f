// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClusters
import SallyModel
import StrictJSON

/// `terminate NAME`: removes a cluster with its data, after the name was typed again.
struct TerminateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "terminate", abstract: "Remove a cluster: containers, network, homes, keys.")

    @Argument(help: "The cluster's name.")
    var name: String

    @Flag(name: [.customLong("yes"), .customShort("y")], help: "Do not ask.")
    var yes = false

    @Flag(name: .customLong("json"), help: "Print the outcome as JSON.")
    var json = false

    @OptionGroup var file: ClusterFileOption

    func run() async throws { try await run(Surroundings.own()) }

    func run(_ surroundings: Surroundings) async throws {
        let cluster = try ClusterName(name)
        try surroundings.refuseListed(cluster, file.config, verb: "terminated")
        if !yes {
            surroundings.tell("this removes cluster \(cluster) with all its homes; type its name to go on:")
            guard readLine() == cluster.rawValue else {
                throw SallyError(
                    .conflict, "cluster \(cluster) was not terminated", hint: "type its name, or give --yes")
            }
        }
        let clusters = try surroundings.clusters()
        let hooks = PluginHooks(surroundings, Announcer(surroundings, isSilent: json), file: file.config)
        let plugins = try await Interruption.cancelling {
            // Whatever becomes of them, the cluster ends.
            let plugins = try await hooks.shutdown(cluster)
            try await clusters.terminate(cluster)
            return plugins
        }
        let outcome = "cluster \(cluster) is gone"
        if json {
            surroundings.print([
                "schema": "sally.cluster.terminate/1", "name": .string(cluster.rawValue), "plugins": plugins.json,
            ])
        } else {
            surroundings.print(outcome)
        }
        try plugins.requireComplete(outcome)
    }
}
