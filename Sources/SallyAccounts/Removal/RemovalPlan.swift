// SPDX-License-Identifier: Apache-2.0

package import SallyKeepProtocol
package import SallyModel

/// What is done to users of a cluster that are there already.
package enum RemovalAct: String, Sendable {
    case lock
    case unlock
    case remove
}

/// What becomes of a removed user's files.
package enum Leavings: Sendable, Equatable {
    case keep
    /// The home `HOMES/USER`, and the folder and the link on each machine's own disk.
    case delete(homes: String, scratch: ClusterSetup.Scratch?)
}

/// Whom an act is about, and on which machines. Pure.
package struct RemovalPlan: Sendable, Equatable {
    package let act: RemovalAct
    /// The record's newest line of everybody that the act is about.
    package internal(set) var users: [ManagedRecord] = []
    /// Who has an account there. A machine that was not looked at is missing.
    package internal(set) var present: [NodeName: [UserName]] = [:]
    /// Why a user is left alone on every machine.
    package internal(set) var conflicts: [AccountConflict] = []
    /// All lines of the record about these users, oldest first.
    var lines: [ManagedRecord] = []
    /// Homes by user, on the machine that serves them.
    var homes: [UserName: String] = [:]

    init(_ act: RemovalAct) { self.act = act }

    /// - Parameters:
    ///   - names: nil for all of the record.
    ///   - observed: what the machines said that were reached; the controller is one of them.
    static func make(
        _ act: RemovalAct, of names: [UserName]?, leavings: Leavings, observed: [NodeName: UsersObservation],
        layout: ClusterLayout
    ) -> RemovalPlan {
        var plan = RemovalPlan(act)
        guard let controller = observed[layout.controller] else { return plan }
        for name in names.map({ Set($0).sorted() }) ?? Set(controller.records.map(\.user)).sorted() {
            guard let record = controller.record(of: name) else {
                let there = controller.users[name.rawValue].map { "; \(name) with uid \($0.uid) is somebody else's" }
                plan.conflicts.append(
                    AccountConflict(
                        user: name, node: layout.controller,
                        reason: "\(name) is not in the managed record of the cluster\(there ?? "")"))
                continue
            }
            // Whoever is not asked for by name is not in the way.
            if names == nil, record.origin != .created { continue }
            if names == nil, record.state == .removed, act != .remove { continue }
            let conflicts = plan.conflicts(
                with: record, leavings: leavings, observed: observed, layout: layout, controller)
            if conflicts.isEmpty { plan.add(record, observed: observed, layout: layout) }
            plan.conflicts += conflicts
        }
        let users = Set(plan.users.map(\.user))
        let uids = Set(plan.users.map(\.uid))
        plan.lines = controller.records.filter { users.contains($0.user) || uids.contains($0.uid) }
        return plan
    }

    private mutating func add(
        _ record: ManagedRecord, observed: [NodeName: UsersObservation], layout: ClusterLayout
    ) {
        users.append(record)
        for node in layout.accountNodes {
            guard let entry = observed[node]?.users[record.user.rawValue] else { continue }
            // What the record says was unlocked, and a machine did not hear of, is expired there as a lock does it.
            let isLocked = record.state == .locked || observed[node]?.expiry[record.user.rawValue] == 1
            if act == .unlock, !isLocked { continue }
            present[node, default: []].append(record.user)
            if node == layout.homeServer { homes[record.user] = entry.home }
        }
    }

    private func conflicts(
        with record: ManagedRecord, leavings: Leavings, observed: [NodeName: UsersObservation],
        layout: ClusterLayout, _ controller: UsersObservation
    ) -> [AccountConflict] {
        let name = record.user
        let uid = record.uid.rawValue
        var reasons: [(NodeName, String)] = []
        if record.origin != .created {
            reasons.append(
                (
                    layout.controller,
                    "\(name) with uid \(uid) was there before Sallyport, which does not \(act.rawValue) it"
                )
            )
        }
        if record.state == .removed, act == .unlock {
            reasons.append((layout.controller, "\(name) was removed; make the account again instead"))
        }
        if let other = controller.records.last(where: { $0.uid == record.uid && $0.user != name }) {
            reasons.append((layout.controller, "uid \(uid) is that of \(other.user) as well in the managed record"))
        }
        for node in layout.accountNodes {
            guard let seen = observed[node] else { continue }
            if let entry = seen.users[name.rawValue], entry.uid != uid {
                reasons.append((node, "\(name) has uid \(entry.uid) there and uid \(uid) in the managed record"))
            }
            if let owner = seen.owners[uid], owner.name != name.rawValue {
                reasons.append((node, "uid \(uid) belongs to \(owner.name) there and to \(name) in the managed record"))
            }
            if case .delete(let homes, _) = leavings, act == .remove, node == layout.homeServer,
                let home = seen.users[name.rawValue]?.home, home != "\(homes)/\(name)"
            {
                reasons.append((node, "the home of \(name) is \(quoted(home)) there, not \(homes)/\(name)"))
            }
        }
        return reasons.map { AccountConflict(user: name, node: $0.0, reason: $0.1) }
    }

    func rows(on node: NodeName, in layout: ClusterLayout) -> [RemovalScript.Row] {
        let here = Set(present[node] ?? [])
        return users.filter { here.contains($0.user) }.map {
            RemovalScript.Row(
                user: $0.user, uid: $0.uid, home: node == layout.homeServer ? homes[$0.user] : nil)
        }
    }

    func rows(of names: Set<UserName>) -> [RemovalScript.Row] {
        users.filter { names.contains($0.user) }.map { RemovalScript.Row(user: $0.user, uid: $0.uid, home: nil) }
    }

    /// Lines that say a new state of `names`, for those that have another.
    mutating func record(_ state: ManagedRecord.State, of names: Set<UserName>) -> (
        lines: [ManagedRecord], before: [String]
    ) {
        var written: [ManagedRecord] = []
        for index in users.indices where names.contains(users[index].user) {
            guard users[index].state != state else { continue }
            users[index].state = state
            users[index].revision += 1
            written.append(users[index])
        }
        let named = Set(written.map(\.user))
        let uids = Set(written.map(\.uid))
        let before = lines.filter { named.contains($0.user) || uids.contains($0.uid) }.map(\.line)
        lines += written
        return (written, before)
    }

    /// For people and `--dry-run`: what is done on each machine.
    package var summaries: [(node: NodeName, text: String)] {
        present.sorted { $0.key < $1.key }.map { node, names in
            (node, "\(act.rawValue) \(names.map(\.rawValue).joined(separator: ", "))")
        }
    }
}
