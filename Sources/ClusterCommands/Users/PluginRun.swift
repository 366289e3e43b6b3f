// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyClusters
import SallyModel

/// A plugin of the settings file, read and checked.
struct ReadPlugin: Sendable {
    let name: String
    let settings: PluginSettings

    /// Says the warnings of its section.
    init(_ name: String, _ settings: ClusterSettings, _ announcer: Announcer) throws {
        let read = try settings.plugin(name)
        for warning in read.warnings { announcer.warn(warning) }
        self.init(name: name, settings: read.value)
    }

    init(name: String, settings: PluginSettings) {
        self.name = name
        self.settings = settings
    }
}

/// One plugin on one cluster that runs.
struct PluginRun: Sendable {
    enum Output: Sendable { case text, json, none }

    let plugin: ReadPlugin
    let machines: ClusterMachines
    let renewKeys: Bool
    let dryRun: Bool
    let output: Output

    /// - Throws: `SallyError`, also where a part is not done: the same command again does the rest.
    func run(_ surroundings: Surroundings, _ announcer: Announcer) async throws {
        announcer.say("Running plugin \(plugin.name)")
        switch plugin.settings {
        case .createUsers(let settings): try await createUsers(settings, surroundings, announcer)
        case .command(let settings):
            throw SallyError(
                .unsupported, "plugin \(quoted(plugin.name)) is a program, \(quoted(settings.path)); those are not run",
                hint: "createusers is the plugin that there is")
        }
    }

    private func createUsers(
        _ settings: CreateUsersSettings, _ surroundings: Surroundings, _ announcer: Announcer
    ) async throws {
        let accounts = try surroundings.store().record(of: machines.name)?.defaultAccount.map { [$0] } ?? []
        let work = CreateUsers(
            machines: machines, settings: settings, defaultAccounts: accounts, renewKeys: renewKeys, dryRun: dryRun,
            surroundings: surroundings, announcer: announcer)
        let outcome = try await Interruption.cancelling { try await work.run() }
        switch output {
        case .json:
            surroundings.print(outcome.report.json(machines.name, dryRun: dryRun, keyFiles: outcome.keyFiles))
        case .text where dryRun:
            let lines = outcome.report.plan.lines
            for line in lines { surroundings.print(line) }
            if lines.isEmpty { surroundings.print("nothing is to be done") }
        case .text, .none: break
        }
        if output != .json { for problem in outcome.report.problems { announcer.warn(problem) } }
        try outcome.report.requireComplete()
    }
}
