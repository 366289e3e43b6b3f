// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel

/// What the signer knows of people: the write-once list and the deny list. Pure; `Signer` keeps it on the disk.
struct SignerBook: Sendable {
    private var accounts: [Key: ManagedAccount] = [:]
    private var uids: [UserName: UserID] = [:]
    private var names: [UserID: UserName] = [:]
    private(set) var denied: Set<UserName> = []
    private var withdrawn: Set<Key> = []

    private struct Key: Hashable {
        var cluster: ClusterName
        var user: UserName
    }

    enum Change: Equatable {
        case written
        case unchanged
    }

    /// Writes the account down. Name and uid stay together for ever, on every cluster, and so does the primary group on one
    /// cluster once it was recorded; the rest may change.
    ///
    /// - Throws: `SallyError(.conflict)` that names both owners, or both groups.
    mutating func register(_ account: ManagedAccount) throws -> Change {
        if let uid = uids[account.user], uid != account.uid {
            throw SallyError(.conflict, "\(account.user) has uid \(uid) for ever, not \(account.uid)")
        }
        if let name = names[account.uid], name != account.user {
            throw SallyError(.conflict, "uid \(account.uid) belongs to \(name) for ever, not to \(account.user)")
        }
        let key = Key(cluster: account.cluster, user: account.user)
        if let gid = accounts[key]?.gid, gid != account.gid {
            throw SallyError(
                .conflict,
                "\(account.user) has primary group \(gid) on cluster \(account.cluster) for ever, not \(account.gid ?? account.uid.rawValue)"
            )
        }
        guard accounts[key] != account else { return .unchanged }
        accounts[key] = account
        uids[account.user] = account.uid
        names[account.uid] = account.user
        return .written
    }

    mutating func deny(_ user: UserName) -> Change { denied.insert(user).inserted ? .written : .unchanged }
    mutating func allow(_ user: UserName) -> Change { denied.remove(user) == nil ? .unchanged : .written }

    /// Takes an account out of use on one cluster, until `restore`.
    mutating func withdraw(_ user: UserName, on cluster: ClusterName) -> Change {
        withdrawn.insert(Key(cluster: cluster, user: user)).inserted ? .written : .unchanged
    }

    mutating func restore(_ user: UserName, on cluster: ClusterName) -> Change {
        withdrawn.remove(Key(cluster: cluster, user: user)) == nil ? .unchanged : .written
    }

    /// The account that a token may name.
    ///
    /// - Throws: `SallyError(.denied)` when the name is denied, not managed on this cluster or withdrawn, or has another uid.
    func account(_ user: UserName, _ uid: UserID, on cluster: ClusterName) throws -> ManagedAccount {
        guard !denied.contains(user) else {
            throw SallyError(
                .denied, "\(user) is on the signer's deny list", hint: "an administrator can take the name off")
        }
        guard !withdrawn.contains(Key(cluster: cluster, user: user)) else {
            throw SallyError(
                .denied, "the steward has withdrawn \(user) on cluster \(cluster)",
                hint: "people who administer Slurm or the machines get no tokens")
        }
        guard let account = accounts[Key(cluster: cluster, user: user)] else {
            throw SallyError(.denied, "\(user) is not a managed account of cluster \(cluster)")
        }
        guard account.uid == uid else {
            throw SallyError(.denied, "\(user) does not have uid \(uid) on cluster \(cluster)")
        }
        return account
    }

    var list: SignerList {
        SignerList(
            accounts: accounts.values.sorted { ($0.cluster, $0.user) < ($1.cluster, $1.user) }, denied: denied.sorted())
    }
}
