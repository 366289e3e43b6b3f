// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
package import SallyModel
package import SallyTransport

/// Locks, unlocks or removes users on a whole cluster without a gateway. As with `ClusterRun` each machine is talked to over
/// one connection, from the first look to the last change, and nothing is changed on any before all were looked at.
///
/// Only the controller has to be there, because it has the managed record: a lock does what it can. A machine that does not
/// answer is reported. A user whom Sallyport did not make is left alone everywhere. Whatever interrupts this, asking again
/// comes to the same end.
///
/// Removing locks first. Who has jobs that have not ended stays locked, because taking the association or the account away
/// would end them. The record says `removed` when every machine of the cluster has confirmed it, and only then is anything
/// of the user's deleted.
package struct ClusterRemoval: Sendable {
    private let layout: ClusterLayout
    private let transport: any Transport
    private let act: RemovalAct
    private let names: [UserName]?
    private let leavings: Leavings
    private let dryRun: Bool
    private let hold: RecordHold

    /// How many machines are called at the same time. Connections stay open until all machines were looked at.
    private static let calledAtOnce = 16

    /// - Parameters:
    ///   - names: nil for everybody whom Sallyport made on the cluster.
    ///   - leavings: what becomes of files when users are removed.
    ///   - dryRun: plan, and change nothing.
    ///   - who: who asks, for whoever waits meanwhile.
    ///   - told: hears for whom we wait.
    package init(
        layout: ClusterLayout, transport: some Transport, act: RemovalAct, of names: [UserName]?, leavings: Leavings,
        dryRun: Bool, by who: String, told: @escaping @Sendable (String) -> Void
    ) {
        self.layout = layout
        self.transport = transport
        self.act = act
        self.names = names
        self.leavings = leavings
        self.dryRun = dryRun
        hold = RecordHold(who: who, layout: layout) { told("waiting for \($0), who changes accounts on this cluster") }
    }

    /// - Throws: `SallyError(.unavailable)` when the controller cannot be looked at, with nothing changed; `.conflict` when
    ///   somebody holds the managed record for ten minutes; `.unsupported` where accounts are not Sallyport's;
    ///   `.misconfigured` for a folder of homes that is none.
    package func run() async throws -> RemovalReport {
        guard layout.mode == .everywhere || layout.mode == .controller else {
            throw SallyError(.unsupported, "accounts of this cluster are not Sallyport's to \(act.rawValue)")
        }
        if case .delete(let homes, _) = leavings { try checkHomes(homes) }
        let nodes = layout.accountNodes
        let meetings = RemovalMeetings(
            nodes: nodes, controller: layout.controller, confirmed: act == .remove ? .all : .reached,
            plan: { observed in
                RemovalPlan.make(act, of: names, leavings: leavings, observed: observed, layout: layout)
            })
        let called = Turnstile(ClusterRemoval.calledAtOnce)
        var steps: [ClusterReport.UserStep] = []
        var problems: [NodeName: any Error] = [:]
        await withTaskGroup(of: NodeAnswer.self) { group in
            for node in nodes { group.addTask { await answer(of: node, called, meetings) } }
            for await answer in group {
                steps += answer.steps
                if let error = answer.error { problems[answer.node] = error }
            }
        }
        try Task.checkCancellation()
        guard case .success(let plan) = await meetings.plans.decision else {
            throw problems[layout.controller]
                ?? SallyError(.unavailable, "\(layout.controller), the controller, cannot be looked at")
        }
        var report = RemovalReport(plan: plan)
        report.steps = steps.sorted {
            ($0.step.place, $0.user ?? "", $0.step.name) < ($1.step.place, $1.user ?? "", $1.step.name)
        }
        if case .success(let after) = await meetings.released.decision { report.waiting = after.waiting }
        if act == .remove, !dryRun, case .success(let done) = await meetings.acted.decision { report.removed = done }
        for (node, error) in problems { report.failed[node] = (error as? SallyError)?.message ?? "\(error)" }
        return report
    }

    private func answer(of node: NodeName, _ called: Turnstile, _ meetings: RemovalMeetings) async -> NodeAnswer {
        await called.enter()
        let inside = Inside(called)
        let said = SaidSteps()
        var problem: (any Error)?
        do {
            let limits = ConversationLimits(total: .seconds(7200), outputLimit: 64 << 20)
            try await transport.converse(on: node, limits: limits) { shell in
                try await talk(with: node, RemovalTalk(shell: shell, layout: layout, said: said), inside, meetings)
            }
        } catch {
            problem = readableTransportError(error, node)
        }
        await inside.leave()
        await meetings.leave(node)
        return NodeAnswer(node, await said.steps, problem)
    }

    private func talk(
        with node: NodeName, _ talk: RemovalTalk, _ inside: Inside, _ meetings: RemovalMeetings
    ) async throws {
        let isController = node == layout.controller
        if isController, !dryRun { try await hold.take(talk.shell) }
        let subjects: [ManagedRecord]
        var seen = UsersObservation()
        if isController {
            seen = try await talk.look(
                UsersProbe.controller(names.map(UsersProbe.Whom.named) ?? .all, .accounts, in: layout))
            subjects = try await meetings.records.meet(node, with: seen.records)
        } else {
            // Reached, and waiting: others may be called meanwhile, the controller above all.
            try await talk.greet()
            await inside.leave()
            subjects = try await meetings.records.meet(node, with: [])
            seen = try await talk.look(
                UsersProbe.make(subjects.map { ($0.user, $0.uid) }, .accounts, on: node, in: layout))
        }
        await inside.leave()
        let plan = try await meetings.plans.meet(node, with: seen)
        guard !dryRun else { return }
        switch act {
        case .lock: _ = try await lock(plan, node, talk, meetings)
        case .unlock: try await unlock(plan, node, talk, meetings)
        case .remove: try await remove(plan, node, talk, meetings)
        }
    }

    /// - Returns: the plan with the record as it is afterwards.
    private func lock(
        _ plan: RemovalPlan, _ node: NodeName, _ talk: RemovalTalk, _ meetings: RemovalMeetings
    ) async throws -> RemovalPlan {
        var plan = plan
        let isController = node == layout.controller
        if isController {
            let active = Set(plan.users.filter { $0.state == .active }.map(\.user))
            try await talk.record(plan.record(.locked, of: active))
        }
        // Nothing is locked that the record calls active: whoever makes users would find it as it should be.
        _ = try await meetings.recorded.meet(node, with: ())
        let rows = plan.rows(on: node, in: layout)
        let users = isController ? plan.rows(of: Set(plan.users.map(\.user))) : []
        if !rows.isEmpty || !users.isEmpty {
            try await talk.act(RemovalScript.lock(rows, slurm: users, isController ? .controller : .other, in: layout))
        }
        return plan
    }

    /// The record says so last: what was interrupted is locked, and can be unlocked again.
    private func unlock(
        _ plan: RemovalPlan, _ node: NodeName, _ talk: RemovalTalk, _ meetings: RemovalMeetings
    ) async throws {
        var plan = plan
        let isController = node == layout.controller
        let rows = plan.rows(on: node, in: layout)
        let users =
            isController
            ? plan.rows(of: Set(plan.users.filter { $0.state == .locked }.map(\.user)).union(rows.map(\.user))) : []
        if !rows.isEmpty || !users.isEmpty {
            try await talk.act(
                RemovalScript.unlock(rows, slurm: users, isController ? .controller : .other, in: layout))
        }
        let failed = await talk.said.failed
        let done = try await meetings.acted.meet(
            node, with: Set(plan.users.map(\.user).filter { !failed.contains($0.rawValue) }))
        if isController { try await talk.record(plan.record(.active, of: done)) }
    }

    private func remove(
        _ plan: RemovalPlan, _ node: NodeName, _ talk: RemovalTalk, _ meetings: RemovalMeetings
    ) async throws {
        var plan = try await lock(plan, node, talk, meetings)
        let isController = node == layout.controller
        // Whose processes could not be ended is nobody to take the name from.
        let held = try await meetings.locked.meet(
            node, with: await talk.said.failed(in: ["sessions", "account expiry"]))
        var release = RemovalMeetings.Release()
        if isController, !plan.users.isEmpty {
            let jobs = try await talk.jobs(of: plan.rows(of: Set(plan.users.map(\.user))))
            for user in plan.users {
                if let left = jobs[user.uid] {
                    release.waiting[user.user] = left.sorted()
                } else if !held.contains(user.user.rawValue) {
                    release.released.insert(user.user)
                }
            }
        }
        let released = try await meetings.released.meet(node, with: release).released
        let rows = plan.rows(of: released)
        if !rows.isEmpty {
            try await talk.act(RemovalScript.remove(rows, isController ? .controller : .other, in: layout))
        }
        let failed = await talk.said.failed(in: ["account", "association"])
        let removed = try await meetings.acted.meet(
            node, with: released.filter { !failed.contains($0.rawValue) })
        if isController { try await talk.record(plan.record(.removed, of: removed)) }
        guard case .delete(let homes, let scratch) = leavings, !removed.isEmpty else { return }
        let servesHomes = node == layout.homeServer
        guard servesHomes || scratch != nil else { return }
        try await talk.act(
            RemovalScript.discard(
                plan.rows(of: removed), homes: servesHomes ? homes : nil, scratch: scratch, in: layout),
            deadline: .seconds(3600))
    }

    private func checkHomes(_ homes: String) throws {
        let parts = homes.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard homes.hasPrefix("/"), homes.utf8.count <= 200,
            parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.allSatisfy(isPathByte) })
        else {
            throw SallyError(
                .misconfigured, "\(quoted(homes)) cannot be the folder of homes",
                hint: "an absolute path of A-Z a-z 0-9 . _ -, such as /home")
        }
    }

    /// A reference: see the other `NodeAnswer`, in AccountEngine.
    private final class NodeAnswer: Sendable {
        let node: NodeName
        let steps: [ClusterReport.UserStep]
        let error: (any Error)?
        init(_ node: NodeName, _ steps: [ClusterReport.UserStep], _ error: (any Error)?) {
            self.node = node
            self.steps = steps
            self.error = error
        }
    }
}
