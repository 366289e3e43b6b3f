// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
package import SallyKeepProtocol
package import SallyModel
import SallySocket
import Synchronization

extension Steward {
    /// Locks the account in every sense, starting with the steward's own record. What fails is in the report, and does
    /// not keep the rest from being done; asking again tries it again. Where the steward made or adopted none, whoever
    /// has that name there is left alone, and no account is made until unlock.
    package func lock(_ request: LockRequest) async throws -> KeeperReport {
        let keep = try found(request.cluster)
        return try await change(request.user, on: request.cluster) { place in
            guard let uid = record.uid(of: request.user),
                record.state(request.user, on: request.cluster)?.isOurs == true
            else {
                try await record.write([.state(place, .barred)])
                return [
                    step("account", request.cluster.rawValue, .skipped, "\(request.user) never had an account here")
                ]
            }
            try await record.write([.state(place, .locked)])
            return await perform(.lock, request.user, uid, keep, to: .locked)
        }
    }

    package func unlock(cluster: ClusterName, user: UserName) async throws -> KeeperReport {
        let keep = try found(cluster)
        return try await change(user, on: cluster) { place in
            if record.state(user, on: cluster) == .barred {
                try await record.write([.state(place, .absent)])
                return [step("account", cluster.rawValue, .skipped, "\(user) never had an account here")]
            }
            guard let uid = record.uid(of: user), record.state(user, on: cluster) == .locked else {
                throw SallyError(.conflict, "\(user) is not locked on cluster \(cluster)")
            }
            let steps = await perform(.unlock, user, uid, keep, to: .active)
            if !steps.contains(where: { $0.outcome == .failed }) { try await record.write([.state(place, .active)]) }
            return steps
        }
    }

    /// Takes an account that is there already into the managed record, with the uid that the controller gives it.
    package func adopt(cluster: ClusterName, user: UserName) async throws -> KeeperReport {
        let keep = try found(cluster)
        return try await change(user, on: cluster) { place in
            let seen = try await keep.engine.probe([.init(name: user, uid: nil, home: nil)], groups: [])
            guard let entry = seen[keep.settings.layout.controller]?.users[user.rawValue] else {
                throw SallyError(.notFound, "the controller of cluster \(cluster) knows no account \(user)")
            }
            guard let uid = UserID(rawValue: entry.uid) else {
                throw SallyError(.denied, "uid \(entry.uid) of \(user) is not a person's")
            }
            let account = try desired(user, uid, keep.settings.adoptionProfile, keep.settings)
            try record.book.check(user, uid)
            let steps = try await keep.engine.adopt(account)
            try await record.write([.bind(user, uid), .state(place, .active)])
            return steps
        }
    }

    /// Removes a locked account that Sallyport made. Home, uid and the line in the record stay.
    package func remove(cluster: ClusterName, user: UserName) async throws -> KeeperReport {
        let keep = try found(cluster)
        return try await change(user, on: cluster) { _ in
            guard let uid = record.uid(of: user), record.state(user, on: cluster) == .locked else {
                throw SallyError(
                    .conflict, "\(user) is not locked on cluster \(cluster)", hint: "lock the account first")
            }
            let known = try await keep.engine.records(of: user, uid)
            guard known.last(where: { $0.user == user })?.origin == .created else {
                throw SallyError(
                    .denied, "Sallyport did not make \(user) on cluster \(cluster) and does not remove it",
                    hint: "remove an adopted account by hand")
            }
            return await perform(.remove, user, uid, keep, to: .removed)
        }
    }

    private func change(
        _ user: UserName, on cluster: ClusterName,
        _ body: @Sendable (StewardBook.Place) async throws -> [KeeperReport.Step]
    ) async throws -> KeeperReport {
        let place = StewardBook.Place(cluster: cluster, user: user)
        ensured.accounts.withLock { $0[place] = nil }
        return try await turns.withLock(place) {
            defer { ensured.accounts.withLock { $0[place] = nil } }
            return KeeperReport(steps: try await body(place))
        }
    }

    /// - Precondition: the steward's own record says that the account is ours on that cluster.
    /// - Parameter state: what the managed record says afterwards. Where the record has no line of the account there is
    ///   none of ours, and only Slurm is told.
    private func perform(
        _ act: LockScript.Act, _ user: UserName, _ uid: UserID, _ keep: Keep, to state: ManagedRecord.State
    ) async -> [KeeperReport.Step] {
        let lines: [ManagedRecord]?
        do {
            lines = try await keep.engine.records(of: user, uid)
        } catch {
            // The steward's own record says that the account is ours there, so it may be locked; the line is written by the next try.
            lines = nil
        }
        let cluster = keep.settings.name.rawValue
        var home: String?
        var line: (String, [String])?
        var scope = LockScope.everywhere
        if let known = lines?.last(where: { $0.user == user }) {
            home = keep.settings.profiles[known.profile].map { "\($0.homes)/\(user)" }
            var next = known
            next.state = known.state == .removed ? .removed : state
            next.revision += 1
            if next.state != known.state { line = (next.line, lines?.map(\.line) ?? []) }
        } else if lines != nil {
            scope = .slurm
        } else {
            home = keep.settings.profiles[keep.settings.adoptionProfile].map { "\($0.homes)/\(user)" }
        }
        var steps = await keep.engine.perform(act, user: user, uid: uid, home: home, record: line, scope: scope)
        if lines == nil {
            steps.append(step("record", cluster, .failed, "the managed record could not be read; ask again"))
        }
        return steps
    }
}
