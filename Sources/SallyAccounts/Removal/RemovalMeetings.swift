// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel

/// The points at which the conversations of one removal meet.
struct RemovalMeetings: Sendable {
    /// What a machine knows when everybody is locked there.
    struct Locked: Sendable {
        var users: [ManagedRecord]
        /// Whose lock failed there in a way that forbids to go on.
        var held: Set<String> = []
        /// Only from the controller: jobs that have not ended.
        var jobs: [UserID: [JobID]]?

        init(users: [ManagedRecord]) { self.users = users }
    }

    /// Who may be removed, and who has jobs.
    struct Release: Sendable {
        var released: Set<UserName> = []
        var waiting: [UserName: [JobID]] = [:]
    }

    /// Who has to say that something was done.
    enum Confirmation: Sendable {
        case reached
        /// Those that are down or broke off as well: without them it was not.
        case all
    }

    /// The controller has said whom it is about.
    let records: Rendezvous<[ManagedRecord], [ManagedRecord]>
    let plans: Rendezvous<UsersObservation, RemovalPlan>
    /// The controller has written the managed record. Others pass when it has.
    let recorded: Rendezvous<Void, Void>
    let locked: Rendezvous<Locked, Release>
    /// Of whom no machine has said anything else.
    let acted: Rendezvous<Set<UserName>, Set<UserName>>

    init(
        nodes: [NodeName], controller: NodeName, confirmed by: Confirmation,
        plan: @escaping @Sendable ([NodeName: UsersObservation]) throws -> RemovalPlan
    ) {
        let missing = SallyError(
            .unavailable, "\(controller), the controller, cannot be looked at", hint: "nothing was changed")
        records = Rendezvous(of: [controller]) { found in
            guard let lines = found[controller] else { throw missing }
            var newest: [UserName: ManagedRecord] = [:]
            for line in lines { newest[line.user] = line }
            return newest.values.sorted { $0.user < $1.user }
        }
        plans = Rendezvous(of: nodes) { found in
            guard found[controller] != nil else { throw missing }
            return try plan(found)
        }
        recorded = Rendezvous(of: [controller]) { found in
            guard found[controller] != nil else {
                throw SallyError(
                    .unavailable, "the managed record on \(controller) was not written", hint: "nothing was changed")
            }
        }
        locked = Rendezvous(of: nodes) { found in try RemovalMeetings.release(found, controller) }
        acted = Rendezvous(of: nodes) { found in
            if by == .all, found.count < nodes.count { return [] }
            guard found[controller] != nil else {
                throw SallyError(.unavailable, "\(controller), the controller, did not finish", hint: "ask again")
            }
            return found.values.dropFirst().reduce(found.values.first ?? []) { $0.intersection($1) }
        }
    }

    static func release(_ found: [NodeName: Locked], _ controller: NodeName) throws -> Release {
        guard let users = found[controller]?.users, let jobs = found[controller]?.jobs ?? (users.isEmpty ? [:] : nil)
        else {
            throw SallyError(
                .unavailable, "\(controller), the controller, did not lock everybody", hint: "nobody was removed; ask again")
        }
        let held = found.values.reduce(into: Set<String>()) { $0.formUnion($1.held) }
        var release = Release()
        for user in users {
            if let left = jobs[user.uid] {
                release.waiting[user.user] = left.sorted()
            } else if !held.contains(user.user.rawValue) {
                release.released.insert(user.user)
            }
        }
        return release
    }

    func leave(_ node: NodeName) async {
        await records.leave(node)
        await plans.leave(node)
        await recorded.leave(node)
        await locked.leave(node)
        await acted.leave(node)
    }
}
