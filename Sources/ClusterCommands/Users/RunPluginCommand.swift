// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyAccounts
import SallyClusters
import SallyModel

/// `runplugin PLUGIN CLUSTER`: does what a plugin of the settings file says, on a cluster that runs.
struct RunPluginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runplugin", abstract: "Run a plugin of the settings file on a cluster that runs.",
        usage: "sally-cluster runplugin [--dry-run] [--renew-keys] [--json] [-c FILE] PLUGIN CLUSTER",
        discussion: """
            PLUGIN is the name of a plugin in clusters.yaml or of a [plugin] section in StarCluster's configuration; see \
            docs/clusters-config.md. Running it again changes nothing that is as it should be, makes users who were added, \
            and does what was missing because a node was down.
            """,
        aliases: ["rp"])

    @Flag(name: .customLong("dry-run"), help: "Say what would be done, and change nothing.")
    var dryRun = false

    @Flag(name: .customLong("renew-keys"), help: "Make new keys to hand out for all users; the old ones stop working.")
    var renewKeys = false

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
        // The name first: it costs nothing to look at.
        let plugin = try surroundings.settings(file.config).plugin(words[0])
        let announcer = Announcer(surroundings, isSilent: json)
        for warning in plugin.warnings { announcer.warn(warning) }
        let machines = try await surroundings.finder(file.config).find(words[1])
        switch plugin.value {
        case .createUsers(let settings):
            announcer.say("Running plugin \(words[0])")
            try await createUsers(settings, on: machines, surroundings, announcer)
        case .command(let settings):
            throw SallyError(
                .unsupported, "plugin \(quoted(words[0])) is a program, \(quoted(settings.path)), which is not run yet",
                hint: "createusers is")
        }
    }

    private func createUsers(
        _ settings: CreateUsersSettings, on machines: ClusterMachines, _ surroundings: Surroundings,
        _ announcer: Announcer
    ) async throws {
        let accounts = try surroundings.store().record(of: machines.name)?.defaultAccount.map { [$0] } ?? []
        let work = CreateUsers(
            machines: machines, settings: settings, defaultAccounts: accounts, renewKeys: renewKeys, dryRun: dryRun,
            surroundings: surroundings, announcer: announcer)
        let outcome = try await Interruption.cancelling { try await work.run() }
        if json {
            surroundings.print(outcome.report.json(machines.name, dryRun: dryRun, keyFiles: outcome.keyFiles))
        } else if dryRun {
            for (node, steps) in outcome.report.plan.steps.sorted(by: { $0.key < $1.key }) {
                for step in steps { surroundings.print("\(node): \(step.summary)") }
            }
            if outcome.report.plan.steps.values.allSatisfy(\.isEmpty) { surroundings.print("nothing is to be done") }
        }
        if !json { for problem in outcome.report.problems { announcer.warn(problem) } }
        try outcome.report.requireComplete()
    }
}
