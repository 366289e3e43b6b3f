// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClusters
import SallyModel
import StrictJSON

/// `start [TEMPLATE] NAME`: returns when a job has run on every node and the template's plugins have run.
struct StartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start a cluster and wait until a job has run on it.",
        usage: "sally-cluster start [-x] [--socket-group GROUP] [--json] [-c FILE] [TEMPLATE] NAME",
        discussion: """
            TEMPLATE is one of the settings file (docs/clusters-config.md) or of those that come with Sallyport; without one \
            the settings' default template is taken, else the one of the cluster's own name: `start demo`. A cluster that \
            runs is left as it is; one that was stopped is started again. The template's plugins run when a cluster is made, \
            and with -x.
            """)

    @Option(name: [.customLong("template"), .customShort("t")], help: "The template, as the first of two words is.")
    var template: String?

    @Flag(
        name: [.customShort("x"), .customLong("no-create")],
        help: "Make no machine: run the plugins again on the cluster that is there.")
    var noCreate = false

    @Option(
        name: .customLong("socket-group"),
        help: "The host's group, by name or gid, that may connect to slurmrestd, in place of the template's.")
    var socketGroup: String?

    @Flag(name: .customLong("json"), help: "Print the cluster as JSON.")
    var json = false

    @OptionGroup var file: ClusterFileOption

    @Argument(help: "The template, if not the usual one, and the cluster's name.")
    var words: [String] = []

    func run() async throws { try await run(Surroundings.own()) }

    func run(_ surroundings: Surroundings) async throws {
        let (name, template) = try StartCommand.meaning(of: words, template: template)
        let cluster = try ClusterName(name)
        if !noCreate { try surroundings.refuseListed(cluster, file.config, verb: "started") }
        let settings = try surroundings.settings(file.config)
        let chosen = try StartCommand.choose(template, for: cluster, settings, surroundings.resources)
        let announcer = Announcer(surroundings, isSilent: json)
        for warning in chosen.warnings { announcer.warn(warning) }
        // What is wrong with a plugin is said before anything is made.
        let plugins = try chosen.plugins.map { try ReadPlugin($0, settings, announcer) }
        if noCreate {
            try await runAll(plugins, on: name, surroundings, announcer)
            return
        }
        let clusters = try surroundings.clusters()
        let hooks = PluginHooks(surroundings, announcer, file: file.config)
        let (started, resumed) = try await Interruption.cancelling {
            let started = try await clusters.start(cluster) {
                var template = try chosen.template()
                if let socketGroup { template.template.socketGroup = socketGroup }
                return template
            }
            guard case .resumed = started else { return (started, PluginHookReport()) }
            return (started, try await hooks.resumed(cluster))
        }
        show(started, resumed, surroundings)
        if case .started = started { try await runAll(plugins, on: name, surroundings, announcer) }
        try resumed.requireComplete("cluster \(cluster) is running again")
    }

    private func runAll(
        _ plugins: [ReadPlugin], on name: String, _ surroundings: Surroundings, _ announcer: Announcer
    ) async throws {
        guard !plugins.isEmpty else { return }
        let machines = try await surroundings.finder(file.config).find(name)
        var failed: [(name: String, error: SallyError)] = []
        for plugin in plugins {
            let run = PluginRun(
                plugin: plugin, machines: machines, renewKeys: false, dryRun: false, output: json ? .none : .text)
            // One that fails keeps no other from its work.
            do { try await run.run(surroundings, announcer) } catch let error as SallyError {
                failed.append((plugin.name, error))
                guard plugins.count > 1 else { break }
                announcer.fail("Error occured while running plugin '\(plugin.name)':")
                announcer.fail(error.description)
            }
        }
        guard let first = failed.first else { return }
        guard plugins.count > 1 else { throw first.error }
        throw SallyError(
            first.error.code,
            "of the plugins of \(name) \(failed.map { quoted($0.name) }.joined(separator: ", ")) failed",
            hint: "`start -x` runs all of them again, `runplugin` one")
    }

    private func show(_ started: Clusters.Started, _ plugins: PluginHookReport, _ surroundings: Surroundings) {
        let record = started.record
        let outcome =
            switch started {
            case .started: (word: "started", text: "is ready")
            case .wasRunning: (word: "already-running", text: "is already running")
            case .resumed: (word: "resumed", text: "is running again")
            }
        guard !json else {
            surroundings.print(
                [
                    "schema": "sally.cluster.start/1", "outcome": .string(outcome.word), "cluster": record.json,
                    "plugins": plugins.json,
                ] as JSONValue)
            return
        }
        surroundings.print("cluster \(record.name) \(outcome.text)")
        surroundings.print("  slurmrestd  \(record.socket) (\(record.release.apiVersion))")
        surroundings.print("  signing key \(record.tokenKey.path) (\(record.tokenKey.algorithm.rawValue))")
        for container in record.containers {
            surroundings.print("  \(container.hostname)  \(container.name)  \(container.address)")
        }
    }

    /// `NAME`, or `TEMPLATE NAME`.
    static func meaning(of words: [String], template: String?) throws -> (name: String, template: String?) {
        switch (words.count, template) {
        case (1, _): return (words[0], template)
        case (2, nil): return (words[1], words[0])
        case (2, _): throw SallyError(.invalidRequest, "two templates are named", hint: "give one: start TEMPLATE NAME")
        default:
            throw SallyError(.invalidRequest, "please specify a cluster", hint: "start [TEMPLATE] NAME")
        }
    }

    /// What is to be made, and which plugins then run.
    struct Choice: Sendable {
        var template: @Sendable () throws -> ChosenTemplate
        var plugins: [String]
        var warnings: [String]
    }

    static func choose(
        _ template: String?, for cluster: ClusterName, _ settings: ClusterSettings, _ resources: Resources
    ) throws -> Choice {
        let isWritten = template.map { settings.templateNames.contains($0) } ?? settings.namesDefaultTemplate
        guard isWritten else {
            let name = template ?? cluster.rawValue
            return Choice(
                template: { ChosenTemplate(name: name, template: try resources.template(name), region: nil) },
                plugins: [], warnings: settings.warnings)
        }
        let read = try settings.template(template)
        let found = read.value
        guard found.provider == .podman else {
            throw SallyError(
                .unsupported, "template \(found.name) is for machines that exist already, which are not started",
                hint:
                    "list them under `clusters:` in clusters.yaml; users, runplugin, sshmaster and the like work on them"
            )
        }
        var warnings = settings.warnings + read.warnings
        if found.providerOrigin == .assumed {
            warnings.append(
                "no provider is named: cluster \(cluster) is made of containers on this machine (provider = podman)")
        }
        if let user = found.clusterUser {
            warnings.append("the cluster user \(user) is not made: name it in a createusers plugin's usernames")
        }
        return Choice(
            template: { ChosenTemplate(name: found.name, template: found.template, region: found.region) },
            plugins: found.plugins, warnings: warnings)
    }
}
