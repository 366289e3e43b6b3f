// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
package import SallyTransport

/// Makes users on a whole cluster. Each machine is talked to over one connection, from the first look to the last change,
/// and nothing is changed on any before all were looked at.
///
/// A machine that does not answer, or has other homes than the one that serves them, is reported and left out; only the
/// controller and the one that serves homes have to be there. A user whom somebody stands in the way of is reported and
/// left alone everywhere. Whatever interrupts this, asking again comes to the same end.
package struct ClusterRun: Sendable {
    private let layout: ClusterLayout
    private let transport: any Transport
    private let users: [UserRequest]
    private let setup: ClusterSetup?
    private let range: ClosedRange<UInt32>
    private let dryRun: Bool
    private let who: String
    private let told: @Sendable (News) -> Void

    /// What is told while it goes on.
    package enum News: Sendable, Equatable {
        /// Who changes accounts on this cluster; we wait.
        case waiting(for: String)
        case machines(done: Int, of: Int)
    }

    /// How many machines are called at the same time. Connections stay open until all machines were looked at.
    private static let calledAtOnce = 16

    /// - Parameters:
    ///   - setup: what the users get besides their accounts.
    ///   - range: where the uids of new users come from. It must not overlap that of a gateway's ledger.
    ///   - dryRun: plan, and change nothing.
    ///   - who: who asks, for whoever waits meanwhile.
    ///   - told: hears for whom we wait, and how far it is.
    package init(
        layout: ClusterLayout, transport: some Transport, users: [UserRequest], setup: ClusterSetup?,
        uids range: ClosedRange<UInt32>, dryRun: Bool, by who: String, told: @escaping @Sendable (News) -> Void
    ) {
        self.layout = layout
        self.transport = transport
        self.users = users
        self.setup = setup
        self.range = range
        self.dryRun = dryRun
        self.who = who
        self.told = told
    }

    /// - Throws: `SallyError(.unavailable)` when the controller or the machine with the homes cannot be looked at;
    ///   `.conflict` when somebody holds the managed record for ten minutes, or `range` is used up.
    package func run() async throws -> ClusterReport {
        let nodes = layout.probedNodes
        let meetings = Meetings(
            nodes: nodes, controller: layout.controller, homeServer: layout.homeServer,
            choose: { observed in try choose(observed) }, plan: { seen in try plan(seen) })
        let called = Turnstile(ClusterRun.calledAtOnce)
        var report = ClusterReport()
        var problems: [NodeName: any Error] = [:]
        var finished = 0
        await withTaskGroup(of: NodeAnswer.self) { group in
            for node in nodes { group.addTask { await answer(of: node, called, meetings) } }
            for await answer in group {
                finished += 1
                told(.machines(done: finished, of: nodes.count))
                switch answer.result {
                case .success(let steps): report.steps += steps
                case .failure(let error): problems[answer.node] = error
                }
            }
        }
        try Task.checkCancellation()
        if let error = await meetings.failure {
            // Why the machine that all need could not be looked at says more than that it could not.
            throw problems[layout.controller] ?? problems[layout.homeServer] ?? error
        }
        if let error = await meetings.unprepared { throw problems[layout.homeServer] ?? error }
        guard let (accounts, plan) = await meetings.decided else {
            throw SallyError(.unavailable, "no machine of the cluster was looked at")
        }
        report.accounts = accounts.filter { account in !plan.conflicts.contains { $0.user == account.name } }
        report.plan = plan
        for (node, error) in problems { report.failed[node] = (error as? SallyError)?.message ?? "\(error)" }
        report.steps.sort { ($0.step.place, $0.user ?? "") < ($1.step.place, $1.user ?? "") }
        return report
    }

    private func answer(of node: NodeName, _ called: Turnstile, _ meetings: Meetings) async -> NodeAnswer {
        await called.enter()
        let inside = Inside(called)
        do {
            let limits = ConversationLimits(total: .seconds(3600), outputLimit: 64 << 20)
            let steps = try await transport.converse(on: node, limits: limits) { shell in
                try await talk(with: node, shell, inside, meetings)
            }
            await inside.leave()
            return NodeAnswer(node, .success(steps))
        } catch {
            await inside.leave()
            await meetings.leave(node)
            return NodeAnswer(node, .failure(readableTransportError(error, node)))
        }
    }

    private func talk(
        with node: NodeName, _ shell: NodeShell, _ inside: Inside, _ meetings: Meetings
    ) async throws -> [ClusterReport.UserStep] {
        let isController = node == layout.controller
        if isController, !dryRun {
            try await RecordHold(who: who, layout: layout) { told(.waiting(for: $0)) }.take(shell)
        }
        var seen = try await look(
            ProbeScript.first(users, range: range, setup: setup, on: node, in: layout), shell)
        await inside.leave()
        let accounts = try await meetings.choice.meet(node, with: seen)
        if !seen.asked.isSuperset(of: accounts.map(\.uid.rawValue)) {
            let subjects = accounts.map { ProbeScript.Subject(name: $0.name, uid: $0.uid, home: $0.home) }
            seen.add(try await look(ProbeScript.uids(of: subjects, on: node, in: layout), shell))
        }
        let plan = try await meetings.plans.meet(node, with: Meetings.Seen(observation: seen, accounts: accounts))
        let comparesHomes = node != layout.homeServer && layout.accountNodes.contains(node)
        if dryRun {
            // What is not known yet, the run itself finds out.
            if comparesHomes, let folder = plan.homes.others(seen.marks).first {
                throw HomeMarks.other(folder, on: node, than: layout.homeServer)
            }
            return []
        }
        let steps = plan.steps[node] ?? []
        // Nothing is changed anywhere unless there are keys for everybody who needs one.
        let material = try await material(for: steps)
        let marks = node == layout.homeServer ? try await homeMarks(seen, shell) : HomeMarks()
        var homes = try await meetings.prepared.meet(node, with: marks)
        let others = comparesHomes ? homes.others(seen.marks) : []
        homes.ids = homes.ids.filter { others.contains($0.key) }
        // No machine gets an account that the record does not have.
        let record = steps.filter(\.isRecord)
        var done = try await apply(record, nil, HomeMarks(), shell)
        if let failed = done.first(where: { $0.step.outcome == .failed }) {
            throw SallyError(
                .unavailable, "the managed record was not written: \(failed.step.detail)",
                hint: "no account was made; ask again")
        }
        _ = try await meetings.recorded.meet(node, with: ())
        done += try await apply(steps.filter { !$0.isRecord }, material, homes, shell)
        if let other = done.first(where: { $0.step.name == HomeMarks.step && $0.step.outcome == .failed }) {
            throw HomeMarks.other(other.step.detail, on: node, than: layout.homeServer)
        }
        return done
    }

    /// How other machines know that they have these homes: made now where nothing says it yet.
    private func homeMarks(_ seen: NodeObservation, _ shell: NodeShell) async throws -> HomeMarks {
        let folders = HomeMarks.folders(users.map(\.home))
        guard layout.accountNodes.count > 1, folders.contains(where: { seen.marks.ids[$0] == nil }) else {
            return seen.marks
        }
        let completion = try await shell.run(HomeMarks.making(in: folders, layout), deadline: .seconds(60))
        return try HomeMarks(parsing: completion.output, node: shell.node)
    }

    /// The keys that these steps write; nil where nothing is said of ssh.
    private func material(for steps: [AccountStep]) async throws -> SSHMaterial? {
        guard let setup else { return nil }
        var material = SSHMaterial(trust: setup.trust)
        var keyless: [UserName] = []
        for case .authorize(let account, let need) in steps {
            if need.nodeKey {
                let comment = "\(account.name)@\(setup.trust.cluster)"
                material.nodeKeys[account.name] = try KeyPair.make(.ed25519, comment: comment)
            }
            guard need.key else { continue }
            if let own = setup.keys.brought[account.name] {
                material.keys[account.name] = own
            } else {
                keyless.append(account.name)
            }
        }
        if !keyless.isEmpty, let source = setup.keys.source {
            material.keys.merge(try await source(keyless)) { own, _ in own }
        }
        return material
    }

    private func look(_ script: String, _ shell: NodeShell) async throws -> NodeObservation {
        let completion = try await shell.run(script, deadline: deadline)
        guard completion.succeeded else {
            throw SallyError(
                .unavailable, "node \(shell.node) cannot be looked at", hint: "is Slurm's accounting running there?",
                cause: "status \(completion.status): \(quoted(completion.errorOutput))")
        }
        return try NodeObservation(parsing: completion.output, node: shell.node)
    }

    private func apply(
        _ steps: [AccountStep], _ material: SSHMaterial?, _ homes: HomeMarks, _ shell: NodeShell
    ) async throws -> [ClusterReport.UserStep] {
        guard !steps.isEmpty || !homes.ids.isEmpty else { return [] }
        let script = AccountScript.make(steps, material: material, homes: homes, in: layout)
        let completion = try await shell.run(script, deadline: deadline)
        return try StepReport.parseUsers(completion, on: shell.node)
    }

    /// A tenth of a second for each user, on a busy machine, and a minute for what comes before.
    private var deadline: Duration { .seconds(60) + .milliseconds(100 * users.count) }

    private func choose(_ observed: [NodeName: NodeObservation]) throws -> [DesiredAccount] {
        try checkEssential(observed.keys)
        let uids = try UIDChoice.make(users, observed: observed, layout: layout, range: range)
        let accounts = users.compactMap { user in uids[user.name].map(user.account) }
        for account in accounts { try account.check() }
        return accounts
    }

    private func plan(_ seen: [NodeName: Meetings.Seen]) throws -> AccountPlan {
        try checkEssential(seen.keys)
        if layout.slurm == .whereInstalled, seen[layout.controller]?.observation.enforcesAssociations == true,
            let user = users.first(where: { $0.accounts.isEmpty })
        {
            throw SallyError(
                .misconfigured,
                "Slurm there takes jobs only of users with an account, and none is named for \(user.name)",
                hint: "name accounts; or say `accounting: false` for the cluster, if its users run no jobs")
        }
        let accounts = seen[layout.controller]?.accounts ?? []
        let observed = seen.mapValues(\.observation)
        var plan = AccountPlan.make(
            desired: accounts, observed: observed, layout: layout, nodes: seen.keys.sorted())
        if let setup { plan.add(setup, for: accounts, observed: observed, layout: layout) }
        plan.homes = observed[layout.homeServer]?.marks ?? HomeMarks()
        return plan
    }

    private func checkEssential(_ found: some Collection<NodeName>) throws {
        for (node, what) in [(layout.controller, "the controller"), (layout.homeServer, "which serves homes")]
        where layout.probedNodes.contains(node) && !found.contains(node) {
            throw SallyError(.unavailable, "\(node), \(what), cannot be looked at", hint: "nothing was changed")
        }
    }

    /// A reference: see the other `NodeAnswer`, in AccountEngine.
    private final class NodeAnswer: Sendable {
        let node: NodeName
        let result: Result<[ClusterReport.UserStep], any Error>
        init(_ node: NodeName, _ result: Result<[ClusterReport.UserStep], any Error>) {
            self.node = node
            self.result = result
        }
    }
}
