// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
package import SallyModel

/// A user as an administrator asks for one on a cluster, without a uid: the cluster says which is free.
package struct UserRequest: Sendable, Equatable {
    package var name: UserName
    package var profile: ProfileName
    package var gecos: String
    package var home: String
    package var shell: String
    package var groups: [String]
    /// Slurm accounts, the default first.
    package var accounts: [AccountName]
    /// Whether a home that is there decides the uid (DesiredAccount).
    package var adoptsHome: Bool
    package var expiry: DesiredAccount.Expiry

    package init(
        name: UserName, profile: ProfileName, gecos: String, home: String, shell: String, groups: [String],
        accounts: [AccountName], adoptsHome: Bool, expiry: DesiredAccount.Expiry
    ) {
        self.name = name
        self.profile = profile
        self.gecos = gecos
        self.home = home
        self.shell = shell
        self.groups = groups
        self.accounts = accounts
        self.adoptsHome = adoptsHome
        self.expiry = expiry
    }

    func account(_ uid: UserID) -> DesiredAccount {
        var account = DesiredAccount(
            name: name, uid: uid, profile: profile, gecos: gecos, home: home, shell: shell, groups: groups,
            accounts: accounts)
        account.adoptsHome = adoptsHome
        account.expiry = expiry
        return account
    }
}

/// Which uid each user of a cluster gets. Pure.
enum UIDChoice {
    /// A name that the managed record or the controller has keeps its uid. Where its home is there and it may adopt it, it
    /// gets the home's: if that is somebody else's, planning finds the conflict. Any other gets the lowest of `range` that
    /// nobody has or had on any machine: no passwd or group entry, no line of the record, no owner of a home, and no range of
    /// subuid(5) or subgid(5).
    ///
    /// - Throws: `SallyError(.conflict)` when `range` is used up.
    static func make(
        _ users: [UserRequest], observed: [NodeName: NodeObservation], layout: ClusterLayout,
        range: ClosedRange<UInt32>
    ) throws -> [UserName: UserID] {
        let controller = observed[layout.controller]
        var taken: Set<UInt32> = []
        for seen in observed.values { taken.formUnion(seen.taken) }
        let subordinate = SubordinateIDs(observed.values.flatMap(\.subordinate).map(\.ids))
        func isFree(_ uid: UInt32) -> Bool { !taken.contains(uid) && !subordinate.contains(uid) }
        var chosen: [UserName: UserID] = [:]
        var adopted: Set<UserID> = []
        var next = range.lowerBound
        for user in users {
            let name = user.name
            if let known = controller?.record(of: name)?.uid {
                chosen[name] = known
            } else if let entry = controller?.users[name.rawValue], let uid = UserID(rawValue: entry.uid) {
                chosen[name] = uid
            } else if let uid = homeOwner(user, observed[layout.homeServer]), !adopted.contains(uid),
                !subordinate.contains(uid.rawValue)
            {
                // One uid for two names it never is: the second's home is a conflict then.
                adopted.insert(uid)
                taken.insert(uid.rawValue)
                chosen[name] = uid
            } else {
                while !isFree(next), next < range.upperBound { next += 1 }
                guard isFree(next), let uid = UserID(rawValue: next) else {
                    throw SallyError(
                        .conflict, "no uid is left of \(range.lowerBound) to \(range.upperBound) for \(name)",
                        hint: "uids are never given twice; choose a wider range")
                }
                taken.insert(next)
                chosen[name] = uid
            }
        }
        return chosen
    }

    private static func homeOwner(_ user: UserRequest, _ seen: NodeObservation?) -> UserID? {
        guard user.adoptsHome, case .folder(let owner) = seen?.homes[user.home] else { return nil }
        return UserID(rawValue: owner)
    }
}
