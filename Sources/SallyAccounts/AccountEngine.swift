// SPDX-License-Identifier: Apache-2.0

package import SallyKeepProtocol
package import SallyModel
package import SallyTransport

/// How far a lock reaches.
package enum LockScope: Sendable, Equatable {
    case everywhere
    case slurm
}

/// Looks at a cluster's machines, plans, and applies: one connection per machine and phase, all machines at once.
package struct AccountEngine: Sendable {
    package let layout: ClusterLayout
    private let transport: any Transport
    /// Machines that are talked to at the same time.
    private let atOnce: Int

    package init(layout: ClusterLayout, transport: some Transport, atOnce: Int = 32) {
        self.layout = layout
        self.transport = transport
        self.atOnce = atOnce
    }

    /// Looks at every machine that matters for `accounts`.
    ///
    /// - Throws: `SallyError(.unavailable)` when one of them does not answer: no plan is made on half the facts.
    package func probe(
        _ accounts: [ProbeScript.Subject], groups: Set<String>
    ) async throws -> [NodeName: NodeObservation] {
        let layout = layout
        let answers = await onEach(layout.probedNodes) { node in
            ProbeScript.make(accounts, groups: groups, on: node, in: layout)
        }
        var observed: [NodeName: NodeObservation] = [:]
        for (node, answer) in answers {
            let completion = try answer.get()
            guard completion.succeeded else {
                throw SallyError(
                    .unavailable, "node \(node) cannot be looked at", hint: "is Slurm's accounting running there?",
                    cause: "status \(completion.status): \(quoted(completion.errorOutput))")
            }
            observed[node] = try NodeObservation(parsing: completion.output, node: node)
        }
        return observed
    }

    package func probe(_ desired: [DesiredAccount]) async throws -> [NodeName: NodeObservation] {
        try await probe(
            desired.map { ProbeScript.Subject(name: $0.name, uid: $0.uid, home: $0.home) },
            groups: Set(desired.flatMap(\.groups)))
    }

    /// Makes `desired` true and says what was done. Looks and plans again when somebody else changed the record
    /// meanwhile.
    ///
    /// - Parameter beforeApplying: called when nothing stands in the way and nothing has been changed.
    /// - Throws: `SallyError(.conflict)` that names both owners, with nothing changed; `.unavailable` when a step failed
    ///   (it says which): asking again goes on from there.
    package func ensure(
        _ desired: [DesiredAccount], beforeApplying: () async throws -> Void
    ) async throws -> Ensured {
        for account in desired { try account.check() }
        for _ in 0..<3 {
            let observed = try await probe(desired)
            let plan = AccountPlan.make(desired: desired, observed: observed, layout: layout)
            if let conflict = plan.conflicts.first {
                throw SallyError(.conflict, "\(conflict.reason) (node \(conflict.node))")
            }
            try await beforeApplying()
            if let steps = try await apply(plan) { return Ensured(steps: steps, observed: observed) }
        }
        throw SallyError(.conflict, "the managed record keeps changing", hint: "try again")
    }

    package struct Ensured: Sendable {
        /// Empty when everything was there already.
        package var steps: [KeeperReport.Step]
        /// As it was before.
        package var observed: [NodeName: NodeObservation]
    }

    /// First the controller, whose record is the authority; then the others; then, where the home is made elsewhere,
    /// the association.
    ///
    /// - Returns: nil when the record had changed: nothing was done.
    private func apply(_ plan: AccountPlan) async throws -> [KeeperReport.Step]? {
        let ours = plan.steps[layout.controller] ?? []
        let homeIsHere = layout.homeServer == layout.controller
        let first = homeIsHere ? ours : ours.filter { !$0.isAssociation }
        let last = homeIsHere ? [] : ours.filter(\.isAssociation)
        var report: [KeeperReport.Step] = []
        for phase in [
            [layout.controller: first], plan.steps.filter { $0.key != layout.controller }, [layout.controller: last],
        ] {
            let work = phase.filter { !$0.value.isEmpty }
            for (node, answer) in await onEach(work.keys.sorted(), { AccountScript.make(work[$0] ?? [], in: layout) }) {
                let completion = try answer.get()
                if completion.status == AccountScript.recordChanged { return nil }
                report += try StepReport.parse(completion, on: node)
            }
            if let failed = report.first(where: { $0.outcome == .failed }) {
                throw SallyError(
                    .unavailable, "\(failed.name) on \(failed.place): \(failed.detail)",
                    hint: "an administrator must look at the machine; asking again goes on from there")
            }
        }
        return report
    }

    /// Takes an account that is there already into the managed record.
    ///
    /// - Throws: `SallyError(.conflict)` when it cannot be as desired, or the record has changed meanwhile.
    package func adopt(_ account: DesiredAccount) async throws -> [KeeperReport.Step] {
        guard layout.mode != .directory, layout.mode != .none else {
            throw SallyError(.unsupported, "accounts of this cluster are not Sallyport's to adopt")
        }
        try account.check()
        var observed = try await probe([account])
        guard observed[layout.controller]?.users[account.name.rawValue] != nil else {
            throw SallyError(.notFound, "the controller knows no account \(account.name)")
        }
        let before = observed[layout.controller]?.records ?? []
        if before.contains(where: { $0.user == account.name }) {
            throw SallyError(.conflict, "\(account.name) is in the managed record already")
        }
        let record = ManagedRecord(
            user: account.name, uid: account.uid, profile: account.profile, origin: .adopted, state: .active,
            revision: 1)
        observed[layout.controller]?.records.append(record)
        let plan = AccountPlan.make(desired: [account], observed: observed, layout: layout)
        if let conflict = plan.conflicts.first {
            throw SallyError(.conflict, "\(conflict.reason) (node \(conflict.node))")
        }
        var write = AccountPlan()
        write.steps[layout.controller] = [.record([record], replacing: before.map(\.line))]
        guard let steps = try await apply(write) else {
            throw SallyError(.conflict, "the managed record has changed meanwhile", hint: "try again")
        }
        return steps
    }

    /// Locks, unlocks or removes an account everywhere. A machine that fails or does not answer is reported, and the
    /// others are done.
    ///
    /// - Parameters:
    ///   - record: the controller's lines about the account as they were just seen, and the new one.
    ///   - home: nil when it is not known.
    ///   - scope: `.slurm` for an account that is not ours on the machines.
    package func perform(
        _ act: LockScript.Act, user: UserName, uid: UserID, home: String?, record: (line: String, before: [String])?,
        scope: LockScope
    ) async -> [KeeperReport.Step] {
        let layout = layout
        let touched = layout.mode == .directory || scope == .slurm ? [] : layout.accountNodes
        let nodes = [layout.controller] + touched.filter { $0 != layout.controller }
        let answers = await onEach(nodes) { node in
            LockScript.make(
                act, user: user, uid: uid, home: node == layout.homeServer && !touched.isEmpty ? home : nil,
                record: node == layout.controller ? record : nil,
                place: LockScript.Place(account: touched.contains(node), slurm: node == layout.controller), in: layout)
        }
        var steps: [KeeperReport.Step] = []
        for (node, answer) in answers {
            do {
                let completion = try answer.get()
                steps += try StepReport.parse(completion, on: node)
            } catch {
                let detail = (error as? SallyError)?.message ?? "\(error)"
                steps.append(
                    KeeperReport.Step(name: act.rawValue, place: node.rawValue, outcome: .failed, detail: detail))
            }
        }
        if layout.mode == .directory {
            steps.append(
                KeeperReport.Step(
                    name: "account", place: layout.controller.rawValue, outcome: .skipped,
                    detail: "the site's directory has the account; \(act.rawValue) it there"))
        }
        return steps
    }

    /// The controller's lines about name and uid; the other machines and Slurm are not asked.
    package func records(of user: UserName, _ uid: UserID) async throws -> [ManagedRecord] {
        let script = ProbeScript.records(user, uid, in: layout)
        var records: [ManagedRecord] = []
        for (node, answer) in await onEach([layout.controller], { _ in script }) {
            records += try NodeObservation(parsing: answer.get().output, node: node).records
        }
        return records
    }

    /// The newest line of every account of the managed record.
    package func list() async throws -> [ManagedRecord] {
        let script = layout.prologue + "[ ! -f \"$state/accounts.jsonl\" ] || cat \"$state/accounts.jsonl\"\n"
        let answers = await onEach([layout.controller]) { _ in script }
        var newest: [UserName: ManagedRecord] = [:]
        for (_, answer) in answers {
            let completion = try answer.get()
            guard completion.succeeded else {
                throw SallyError(
                    .unavailable, "the managed record cannot be read", cause: quoted(completion.errorOutput))
            }
            for line in ReportLines.lines(completion.output) {
                let record = try ManagedRecord(line: line)
                newest[record.user] = record
            }
        }
        return newest.values.sorted { $0.user < $1.user }
    }

    func onEach(
        _ nodes: [NodeName], _ script: @Sendable (NodeName) -> String
    ) async -> [(NodeName, Result<Completion, SallyError>)] {
        await withTaskGroup(of: NodeAnswer.self) { group in
            var answers: [NodeAnswer] = []
            for (index, node) in nodes.enumerated() {
                if index >= atOnce, let answer = await group.next() { answers.append(answer) }
                let invocation = Invocation.script(script(node), deadline: .seconds(60), outputLimit: 8 << 20)
                let transport = transport
                group.addTask {
                    do {
                        return NodeAnswer(node, .success(try await transport.run(invocation, on: node)))
                    } catch {
                        return NodeAnswer(
                            node,
                            .failure(
                                SallyError(.unavailable, "node \(node) does not answer", cause: reason(error, node))))
                    }
                }
            }
            for await answer in group { answers.append(answer) }
            return answers.sorted { $0.node < $1.node }.map { ($0.node, $0.result) }
        }
    }
}

/// What one node answered. A reference: as a tuple the result of a child task is copied wrongly by the optimizer of Swift
/// 6.3.1, and the steward of a release build crashes (swift_retain below TaskGroupBase.offer, observed).
private final class NodeAnswer: Sendable {
    let node: NodeName
    let result: Result<Completion, SallyError>

    init(_ node: NodeName, _ result: Result<Completion, SallyError>) {
        self.node = node
        self.result = result
    }
}
