// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyClusters
import SallyModel
import StrictJSON

/// The plugin `createusers`.
struct CreateUsersPlugin: ClusterPlugin {
    let name: String
    /// nil where somebody else made the users: the managed record knows them.
    let settings: CreateUsersSettings?
    let share: UsersUpkeep.Share
    let renewKeys: Bool
    let dryRun: Bool
    let surroundings: Surroundings
    let announcer: Announcer

    func run(on cluster: ClusterMachines) async throws -> PluginOutcome? {
        guard let settings else { return nil }
        announcer.say("Running plugin \(name)")
        let work = CreateUsers(
            machines: cluster, settings: settings, others: try others(settings, on: cluster),
            defaultAccounts: try defaultAccounts(of: cluster),
            renewKeys: renewKeys, dryRun: dryRun, surroundings: surroundings, announcer: announcer)
        let outcome = try await work.run()
        return result(outcome, on: cluster)
    }

    func onAddNode(_ nodes: [ClusterMachine], to cluster: ClusterMachines) async throws -> PluginOutcome? {
        let upkeep = try upkeep(of: cluster)
        let members = try await upkeep.members()
        for user in members.locked {
            announcer.warn("\(user) is locked and not made on new nodes: unlock, then run the plugin again")
        }
        guard !members.active.isEmpty || !members.locked.isEmpty else { return nil }
        let count = members.active.count
        announcer.say("Running plugin \(name)")
        for node in nodes where count > 0 { announcer.say("Creating \(count) users on \(node.name)") }
        let report = try await upkeep.run(members.active)
        for node in nodes { announcer.say("Adding \(node.name) to known_hosts for \(count) users") }
        var outcome = result(CreateUsers.Outcome(report: report, keyFiles: []), on: cluster)
        // Another node that is down is said, and is no reason to do without the new one.
        outcome.error =
            report.blocking(nodes.map(\.name), needing: [cluster.controller.name, cluster.homeServer]).incomplete
        return outcome
    }

    func onRemoveNode(_ nodes: [ClusterMachine], from cluster: ClusterMachines) async throws -> PluginOutcome? {
        let upkeep = try upkeep(of: cluster)
        let members = try await upkeep.members()
        guard !members.active.isEmpty || !members.locked.isEmpty else { return nil }
        announcer.say("Running plugin \(name)")
        for node in nodes { announcer.say("Removing \(node.name) from known_hosts files") }
        return result(
            CreateUsers.Outcome(report: try await upkeep.run(members.active), keyFiles: []), on: cluster)
    }

    /// Accounts, keys and homes are the machines' and end with them.
    func onShutdown(_ cluster: ClusterMachines) async throws -> PluginOutcome? { nil }

    /// Stopped machines keep their accounts, and /home is kept beside them.
    func onResume(_ cluster: ClusterMachines) async throws -> PluginOutcome? { nil }

    /// Who is to be on the cluster by the other lists that ran there: their keys may lie in the same files. nil where the
    /// memory of them cannot be read, which is said.
    private func others(_ settings: CreateUsersSettings, on cluster: ClusterMachines) throws -> Set<UserName>? {
        guard settings.downloadKeys || settings.encryptFor != nil, !dryRun else { return [] }
        let store = try surroundings.store()
        do {
            var users: Set<UserName> = []
            for plugin in try PluginMemory(of: cluster, in: store).plugins() where !haveSameBytes(plugin.name, name) {
                if case .createUsers(let settings) = plugin.settings { users.formUnion(settings.users) }
            }
            return users
        } catch let error as SallyError {
            announcer.warn("no key is dropped, whoever it is of: \(error)")
            return nil
        }
    }

    private func upkeep(of cluster: ClusterMachines) throws -> UsersUpkeep {
        UsersUpkeep(
            cluster: cluster, settings: settings, share: share, defaultAccounts: try defaultAccounts(of: cluster),
            surroundings: surroundings, announcer: announcer)
    }

    private func defaultAccounts(of cluster: ClusterMachines) throws -> [AccountName] {
        switch cluster.provider {
        case .podman: try surroundings.store().record(of: cluster.name)?.defaultAccount.map { [$0] } ?? []
        case .inventory: []
        }
    }

    private func result(_ made: CreateUsers.Outcome, on cluster: ClusterMachines) -> PluginOutcome {
        let report = made.report
        var outcome = PluginOutcome(
            json: report.json(cluster.name, dryRun: dryRun, made), error: made.unsettled ?? report.incomplete,
            madeSomething: !report.accounts.isEmpty && report.failed.count < cluster.machines.count)
        if dryRun {
            outcome.lines = report.plan.lines
            if outcome.lines.isEmpty { outcome.lines = ["nothing is to be done"] }
        }
        outcome.problems = report.problems + made.keys.warnings
        return outcome
    }
}
