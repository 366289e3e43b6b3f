// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
package import SallyModel

/// Why an account cannot be as desired. Nothing is changed for it anywhere.
package struct AccountConflict: Sendable, Equatable {
    package var user: UserName
    package var node: NodeName
    /// Names both owners.
    package var reason: String

    package init(user: UserName, node: NodeName, reason: String) {
        self.user = user
        self.node = node
        self.reason = reason
    }

    /// Everything that stands in the way of `account` on `nodes`.
    static func find(
        _ account: DesiredAccount, on nodes: [NodeName], observed: [NodeName: NodeObservation], layout: ClusterLayout
    ) -> [AccountConflict] {
        let record = observed[layout.controller]?.record(of: account.name)
        return nodes.flatMap { node -> [AccountConflict] in
            guard let seen = observed[node] else {
                return [AccountConflict(user: account.name, node: node, reason: "node \(node) was not looked at")]
            }
            var reasons = slurmReasons(account, seen) + recordReasons(account, seen, record)
            if layout.mode == .none { reasons += entryReasons(account, seen) }
            if layout.accountNodes.contains(node) {
                reasons += ownership(account, seen, record, layout)
                reasons += groupReasons(account, seen, layout)
                if node == layout.homeServer, layout.mode != .directory {
                    reasons += homeReasons(account, seen, record)
                }
            }
            return reasons.map { AccountConflict(user: account.name, node: node, reason: $0) }
        }
    }

    private static func ownership(
        _ account: DesiredAccount, _ seen: NodeObservation, _ record: ManagedRecord?, _ layout: ClusterLayout
    ) -> [String] {
        let name = account.name
        let uid = account.uid.rawValue
        var reasons: [String] = []
        if let entry = seen.users[name.rawValue] {
            if entry.uid != uid {
                reasons.append("\(name) has uid \(entry.uid) there and uid \(uid) in the ledger")
            } else if record == nil, layout.mode != .directory {
                reasons.append("\(name) with uid \(uid) was made by somebody else; an administrator can adopt it")
            } else if entry.gid != uid, layout.mode != .directory {
                reasons.append("\(name) has primary group \(entry.gid) there, not \(uid)")
            } else if entry.home != account.home, layout.mode != .directory {
                reasons.append("\(name) has home \(quoted(entry.home)) there, not \(account.home)")
            }
        } else if layout.mode == .directory {
            reasons.append("the directory does not know \(name)")
        }
        if let owner = seen.owners[uid], owner.name != name.rawValue {
            reasons.append("uid \(uid) belongs to \(owner.name) there and to \(name) in the ledger")
        }
        if layout.mode != .directory { reasons += containerReasons(account, seen) }
        if layout.mode != .directory, seen.users[name.rawValue] == nil {
            if let owner = seen.groupNames[uid], owner != name.rawValue {
                reasons.append("gid \(uid) belongs to group \(owner) there")
            }
            if let gid = seen.groupIDs[name.rawValue], gid != uid {
                reasons.append("group \(name) has gid \(gid) there, not \(uid)")
            }
        }
        return reasons
    }

    /// Who is there already stays: the range was given away later.
    private static func containerReasons(_ account: DesiredAccount, _ seen: NodeObservation) -> [String] {
        guard seen.users[account.name.rawValue] == nil,
            let range = seen.subordinate.first(where: { $0.ids.contains(account.uid.rawValue) })
        else { return [] }
        return [
            "uid \(account.uid) of \(account.name) belongs to containers of \(range.owner) there (/etc/subuid, /etc/subgid)"
        ]
    }

    /// Where no machine knows people, one that does means somebody else.
    private static func entryReasons(_ account: DesiredAccount, _ seen: NodeObservation) -> [String] {
        var reasons: [String] = []
        if let entry = seen.users[account.name.rawValue] {
            reasons.append("\(account.name) has uid \(entry.uid) there, on a cluster that knows no people")
        }
        if let owner = seen.owners[account.uid.rawValue] {
            reasons.append("uid \(account.uid) belongs to \(owner.name) there, on a cluster that knows no people")
        }
        if let group = seen.groupNames[account.uid.rawValue] {
            reasons.append("gid \(account.uid) belongs to group \(group) there, on a cluster that knows no people")
        }
        return reasons + containerReasons(account, seen)
    }

    private static func recordReasons(
        _ account: DesiredAccount, _ seen: NodeObservation, _ record: ManagedRecord?
    ) -> [String] {
        let name = account.name
        let uid = account.uid.rawValue
        var reasons: [String] = []
        for other in seen.records where other.uid == account.uid && other.user != name {
            reasons.append("uid \(uid) was given to \(other.user), for ever")
            break
        }
        if let record, record.uid != account.uid {
            reasons.append("\(name) was given uid \(record.uid), for ever")
        }
        if let record, record.state == .locked { reasons.append("\(name) is locked; an administrator can unlock it") }
        return reasons
    }

    private static func groupReasons(
        _ account: DesiredAccount, _ seen: NodeObservation, _ layout: ClusterLayout
    ) -> [String] {
        var reasons = membershipReasons(account.name, seen)
        guard layout.mode != .directory else { return reasons }
        for group in account.groups {
            guard let gid = seen.groupIDs[group] else {
                reasons.append("group \(group) of profile \(account.profile) does not exist there")
                continue
            }
            if gid < UserID.permitted.lowerBound { reasons.append("group \(group) has gid \(gid) there, below 1000") }
        }
        return reasons
    }

    private static func homeReasons(
        _ account: DesiredAccount, _ seen: NodeObservation, _ record: ManagedRecord?
    ) -> [String] {
        var reasons: [String] = []
        switch seen.homes[account.home] {
        case nil: break
        case .folder(let owner) where owner == account.uid.rawValue:
            if record == nil, seen.users[account.name.rawValue] == nil, !account.adoptsHome {
                reasons.append("\(account.home) exists already and belongs to uid \(owner)")
            }
        case .folder(let owner): reasons.append("\(account.home) belongs to uid \(owner), not to \(account.uid)")
        case .other(let kind): reasons.append("\(account.home) is a \(kind), not a folder")
        }
        if record == nil, let stray = seen.strayHomes[account.uid.rawValue]?.first {
            reasons.append("\(quoted(stray)) belongs to uid \(account.uid), which therefore had another owner")
        }
        return reasons
    }

    private static func slurmReasons(_ account: DesiredAccount, _ seen: NodeObservation) -> [String] {
        if let daemon = seen.daemons.sorted(by: { $0.key < $1.key }).first(where: {
            $0.key == account.name.rawValue || $0.value == account.uid.rawValue
        }) {
            return ["Slurm itself runs as \(daemon.key) with uid \(daemon.value), which nobody may have"]
        }
        return levelReasons(account.name, seen)
    }

    /// Why somebody has more power than a managed account may have.
    static func powers(of user: UserName, _ seen: NodeObservation) -> [String] {
        levelReasons(user, seen) + membershipReasons(user, seen)
    }

    private static func levelReasons(_ user: UserName, _ seen: NodeObservation) -> [String] {
        guard let level = seen.adminLevels[user.rawValue], level != "None", !level.isEmpty else { return [] }
        return ["\(user) has AdminLevel \(level) in Slurm; administrators of Slurm are no managed accounts"]
    }

    private static func membershipReasons(_ user: UserName, _ seen: NodeObservation) -> [String] {
        var reasons: [String] = []
        for group in seen.memberships[user.rawValue, default: []]
        where PrivilegedGroups.names.contains(group.name) || group.gid < UserID.permitted.lowerBound {
            if group.name == "users", group.gid == 100 { continue }  // Debian's own for people, without rights
            reasons.append("\(user) is in group \(group.name) (\(group.gid)) there, which is privileged")
        }
        return reasons
    }
}
