// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel

/// The points at which the conversations of one removal meet.
struct RemovalMeetings: Sendable {
    /// Who may be removed, and who has jobs.
    struct Release: Sendable, Equatable {
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
    /// All machines are through with locking; each brings those whose lock failed there in a way that forbids to go on.
    let locked: Rendezvous<Set<String>, Set<String>>
    /// The controller has asked, after that, which jobs are left.
    let released: Rendezvous<Release, Release>
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
        locked = Rendezvous(of: nodes) { found in found.values.reduce([]) { $0.union($1) } }
        released = Rendezvous(of: [controller]) { found in
            guard let release = found[controller] else {
                throw SallyError(
                    .unavailable, "\(controller), the controller, did not say which jobs are left",
                    hint: "nobody was removed; ask again")
            }
            return release
        }
        acted = Rendezvous(of: nodes) { found in
            if by == .all, found.count < nodes.count { return [] }
            guard found[controller] != nil else {
                throw SallyError(.unavailable, "\(controller), the controller, did not finish", hint: "ask again")
            }
            return found.values.dropFirst().reduce(found.values.first ?? []) { $0.intersection($1) }
        }
    }

    func leave(_ node: NodeName) async {
        await records.leave(node)
        await plans.leave(node)
        await recorded.leave(node)
        await locked.leave(node)
        await released.leave(node)
        await acted.leave(node)
    }
}
