// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyClusters
import SallyModel
import StrictJSON

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

/// One plugin on one cluster that runs. What it made there is remembered for machines that come later.
struct PluginRun: Sendable {
    enum Output: Sendable { case text, json, none }

    let plugin: ReadPlugin
    let machines: ClusterMachines
    let renewKeys: Bool
    let dryRun: Bool
    let output: Output

    /// - Throws: `SallyError`, also where a part is not done: the same command again does the rest.
    func run(_ surroundings: Surroundings, _ announcer: Announcer) async throws {
        let work = try made(surroundings, announcer)
        guard let outcome = try await Interruption.cancelling({ try await work.run(on: machines) }) else { return }
        switch output {
        case .json: surroundings.print(outcome.json)
        case .text: for line in outcome.lines { surroundings.print(line) }
        case .none: break
        }
        if output != .json { for problem in outcome.problems { announcer.warn(problem) } }
        do {
            if outcome.madeSomething, !dryRun { try await remember(surroundings) }
        } catch  where outcome.error != nil {
            announcer.warn("\(error)")
        }
        if let error = outcome.error { throw error }
    }

    private func remember(_ surroundings: Surroundings) async throws {
        try await PluginMemory(of: machines, in: surroundings.store()).remember(
            RememberedPlugin(name: plugin.name, settings: plugin.settings, ranAt: surroundings.now()))
    }

    private func made(_ surroundings: Surroundings, _ announcer: Announcer) throws -> any ClusterPlugin {
        switch plugin.settings {
        case .createUsers(let settings):
            return CreateUsersPlugin(
                name: plugin.name, settings: settings, share: .own, renewKeys: renewKeys, dryRun: dryRun,
                surroundings: surroundings, announcer: announcer)
        case .command(let settings):
            guard !renewKeys else {
                throw SallyError(
                    .invalidRequest, "plugin \(quoted(plugin.name)) is a program, and hands out no keys to renew",
                    hint: "--renew-keys is for createusers")
            }
            return CommandPlugin(
                name: plugin.name, settings: settings, dryRun: dryRun, surroundings: surroundings,
                announcer: announcer)
        }
    }
}
