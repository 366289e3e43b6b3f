// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClusters
import SallyModel
import StrictJSON

/// `runplugin PLUGIN CLUSTER`: does what a plugin of the settings file says, on a cluster that runs.
struct RunPluginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runplugin", abstract: "Run a plugin of the settings file on a cluster that runs.",
        usage: "sally-cluster runplugin [--dry-run] [--renew-keys] [--forget] [--json] [-c FILE] PLUGIN CLUSTER",
        discussion: """
            PLUGIN is the name of a plugin in clusters.yaml or of a [plugin] section in StarCluster's configuration; see \
            docs/clusters-config.md. Running it again changes nothing that is as it should be, makes users who were added, \
            and does what was missing because a node was down. A plugin that ran is remembered for the cluster, and called when \
            nodes come and go and when the cluster ends; see docs/cluster-plugins.md.
            """,
        aliases: ["rp"])

    @Flag(name: .customLong("dry-run"), help: "Say what would be done, and change nothing.")
    var dryRun = false

    @Flag(name: .customLong("renew-keys"), help: "Make new keys to hand out for all users; the old ones stop working.")
    var renewKeys = false

    @Flag(name: .customLong("forget"), help: "Run nothing, and forget that the plugin ran on the cluster.")
    var forget = false

    @Flag(name: .customLong("json"), help: "Print JSON.")
    var json = false

    @OptionGroup var file: ClusterFileOption

    @Argument(help: "The plugin, then the cluster.")
    var words: [String] = []

    func run() async throws {
        guard words.count == 2 else {
            throw SallyError(.invalidRequest, "Please provide a plugin_name and <cluster_tag>")
        }
        let surroundings = try Surroundings.own()
        let announcer = Announcer(surroundings, isSilent: json)
        if forget { return try await forget(words[0], words[1], surroundings) }
        // The name first: it costs nothing to look at.
        let plugin = try ReadPlugin(words[0], surroundings.settings(file.config), announcer)
        let machines = try await surroundings.finder(file.config).find(words[1])
        let run = PluginRun(
            plugin: plugin, machines: machines, renewKeys: renewKeys, dryRun: dryRun, output: json ? .json : .text)
        try await run.run(surroundings, announcer)
    }

    private func forget(_ plugin: String, _ cluster: String, _ surroundings: Surroundings) async throws {
        guard !dryRun, !renewKeys else {
            throw SallyError(.invalidRequest, "--forget runs nothing", hint: "leave --dry-run and --renew-keys away")
        }
        let machines = try await surroundings.finder(file.config).find(cluster)
        let memory = PluginMemory(of: machines, in: try surroundings.store())
        guard try await memory.forget(plugin) else {
            let names = try memory.plugins().map(\.name)
            throw SallyError(
                .notFound, "plugin \(quoted(plugin)) is not remembered for cluster \(machines.name)",
                hint: names.isEmpty ? "none is" : "there are: \(names.joined(separator: ", "))")
        }
        if json {
            surroundings.print([
                "schema": "sally.cluster.plugin.forget/1", "cluster": .string(machines.name.rawValue),
                "plugin": .string(plugin),
            ])
        } else {
            surroundings.print("plugin \(plugin) is forgotten for cluster \(machines.name); what it made stays")
        }
    }
}
