// SPDX-License-Identifier: Apache-2.0

package import SallyKeepProtocol
package import SallyModel

/// The difference between what should be and what is, per machine. Pure.
package struct AccountPlan: Sendable, Equatable {
    /// Steps by machine, in order. A machine without steps is as it should be.
    package var steps: [NodeName: [AccountStep]] = [:]
    /// Why an account is left alone on every machine. An account with a conflict has no steps.
    package var conflicts: [AccountConflict] = []

    /// The keys of ours that stand in authorized_keys, by user, where ~/.ssh was looked at.
    package var keyLines: [UserName: Set<String>] = [:]
    /// Everybody whom the managed record has and whom nobody has removed, where keys are handed out.
    package var standing: Set<UserName> = []
    /// The homes that every machine has to have, as far as the one that serves them has said by then.
    var homes = HomeMarks()

    package init() {}

    package var isEmpty: Bool { steps.values.allSatisfy(\.isEmpty) && conflicts.isEmpty }

    /// What it takes to have `desired`.
    ///
    /// - Parameters:
    ///   - observed: one observation for each of `nodes`; the controller's has the record.
    ///   - nodes: those of the layout's probed nodes that can be reached; nil for all.
    package static func make(
        desired: [DesiredAccount], observed: [NodeName: NodeObservation], layout: ClusterLayout,
        nodes: [NodeName]? = nil
    ) -> AccountPlan {
        var plan = AccountPlan()
        var records: [ManagedRecord] = []
        for account in desired {
            let conflicts = AccountConflict.find(
                account, on: nodes ?? layout.probedNodes, observed: observed, layout: layout)
            if conflicts.isEmpty {
                plan.add(account, observed: observed, layout: layout, records: &records)
            } else {
                plan.conflicts += conflicts
            }
        }
        if !records.isEmpty, let controller = observed[layout.controller] {
            let names = Set(records.map(\.user))
            let uids = Set(records.map(\.uid))
            let before = controller.records.filter { names.contains($0.user) || uids.contains($0.uid) }.map(\.line)
            plan.steps[layout.controller, default: []].insert(.record(records, replacing: before), at: 0)
        }
        return plan
    }

    private mutating func add(
        _ account: DesiredAccount, observed: [NodeName: NodeObservation], layout: ClusterLayout,
        records: inout [ManagedRecord]
    ) {
        guard layout.mode != .directory, let controller = observed[layout.controller] else { return }
        let record = controller.record(of: account.name)
        if record?.state != .active || record?.profile != account.profile {
            records.append(
                ManagedRecord(
                    user: account.name, uid: account.uid, profile: account.profile, origin: record?.origin ?? .created,
                    state: .active, revision: (record?.revision ?? 0) + 1))
        }
        for node in layout.accountNodes {
            guard let seen = observed[node] else { continue }
            if let entry = seen.users[account.name.rawValue] {
                // A shell that is right and not there is for the step to say: as of a new account.
                let isChanged = entry.gecos != account.gecos || entry.shell != account.shell
                if record?.origin == .created, isChanged || seen.shellless.contains(account.name.rawValue) {
                    steps[node, default: []].append(.change(account))
                }
            } else {
                steps[node, default: []].append(.create(account))
            }
            let groups = Set(seen.memberships[account.name.rawValue, default: []].map(\.name))
            let missing = account.groups.filter { !groups.contains($0) }
            if !missing.isEmpty { steps[node, default: []].append(.join(account.name, groups: missing)) }
            if record?.origin != .adopted, let day = AccountPlan.expiry(of: account, seen, controller) {
                steps[node, default: []].append(.expire(account.name, day))
            }
            if node == layout.homeServer, seen.homes[account.home] == nil {
                steps[node, default: []].append(.makeHome(account))
            }
        }
        let wanted = Set(account.accounts)
        if !wanted.isSubset(of: controller.associations[account.name.rawValue, default: []]) {
            steps[layout.controller, default: []].append(.associate(account))
        }
    }
}

extension AccountPlan {
    /// The day that is to be set; nil where it is right.
    private static func expiry(
        of account: DesiredAccount, _ seen: NodeObservation, _ controller: NodeObservation
    ) -> ExpiryDay? {
        let name = account.name.rawValue
        let known = controller.expiry[name]
        // By a run that was ended before.
        let foreseen = controller.expiring[name]
        let wanted: ExpiryDay?
        switch account.expiry {
        case .always(let day): wanted = day
        // A machine that is new, or was down, gets what the controller has; that gets what it was to have.
        case .atFirst(let day):
            wanted = controller.users[name] == nil ? day : seen.expiry[name] ?? known ?? foreseen
        case .unchanged:
            let isOwed = seen.users[name] == nil || (known == nil && seen.expiry[name] == nil)
            wanted = isOwed ? known ?? foreseen : nil
        }
        return seen.expiry[name] == wanted ? nil : wanted
    }
}

/// One thing to do on one machine.
package enum AccountStep: Sendable, Equatable {
    /// Writes the lines, if those about these names and uids are still what the plan was made from.
    case record([ManagedRecord], replacing: [String])
    case create(DesiredAccount)
    /// Full name and shell.
    case change(DesiredAccount)
    case join(UserName, groups: [String])
    /// shadow(5): from that day on nobody signs in as this account.
    case expire(UserName, ExpiryDay)
    case makeHome(DesiredAccount)
    /// Slurm associations, and that slurmctld knows the uid of them.
    case associate(DesiredAccount)
    /// What ~/.ssh lacks.
    case authorize(DesiredAccount, SSHNeed)
    /// Nothing of ~/.ssh can be done, and why; the step fails and says it.
    case blocked(DesiredAccount, reason: String)
    case makeScratch(DesiredAccount, ClusterSetup.Scratch)
    /// All lines of ours in the machine's ssh_known_hosts.
    case knownHosts([String])

    var isRecord: Bool {
        if case .record = self { true } else { false }
    }

    var isAssociation: Bool {
        if case .associate = self { true } else { false }
    }

    /// For people and `--dry-run`.
    package var summary: String {
        switch self {
        case .record(let records, _):
            "record "
                + records.map { "\($0.user) uid \($0.uid) \($0.state.rawValue) revision \($0.revision)" }
                .joined(separator: ", ")
        case .create(let account): "create \(account.name) uid \(account.uid)"
        case .change(let account): "change \(account.name)"
        case .join(let name, let groups): "add \(name) to \(groups.joined(separator: ", "))"
        case .expire(let name, let day): "let \(name) expire on day \(day.days) since 1970"
        case .makeHome(let account): "make \(account.home)"
        case .associate(let account):
            "associate \(account.name) with \(account.accounts.map(\.rawValue).joined(separator: ", "))"
        case .authorize(let account, let need): "give \(account.name) \(need.summary)"
        case .blocked(let account, let reason): "nothing for \(account.name): \(reason)"
        case .makeScratch(let account, let scratch):
            "make \(scratch.folder(of: account.name))" + (scratch.link(of: account.name).map { " and \($0)" } ?? "")
        case .knownHosts(let lines): "write \(lines.count) lines of known hosts"
        }
    }
}
