// SPDX-License-Identifier: Apache-2.0

import JWTKit
package import SallyKeepProtocol
package import SallyModel
import SallySocket
import Synchronization

/// Holds the clusters' signing keys and mints tokens for managed accounts and service accounts, for nobody else.
///
/// Every rule is checked here, on what the signer itself has written down; nothing is believed of the caller but that
/// it is the OS user it is.
package final class Signer: Sendable {
    private let settings: [ClusterName: SignerCluster]
    private let keys: [ClusterName: SlurmKey]
    private let state: Mutex<State>
    private let accountLog: DurableLog
    private let denyLog: DurableLog
    private let mints: MintLog
    private let countersigner: Countersigner
    private let clock: any WallClock
    package let singleUser: Bool

    private struct State {
        var book: SignerBook
        var people: MintLimiter
        var services: MintLimiter
        var fresh = FreshTokens()
    }

    /// Reads keys and state.
    ///
    /// - Throws: `SallyError(.misconfigured)` for keys or records that are missing, damaged or readable by others;
    ///   `.conflict` when another signer has the state folder.
    package init(_ settings: SignerSettings, clock: some WallClock) async throws {
        var clusters: [ClusterName: SignerCluster] = [:]
        var keys: [ClusterName: SlurmKey] = [:]
        for cluster in settings.clusters {
            guard clusters.updateValue(cluster, forKey: cluster.name) == nil else {
                throw SallyError(.misconfigured, "cluster \(cluster.name) is configured twice")
            }
            keys[cluster.name] = try await SlurmKey(cluster.key)
        }
        self.settings = clusters
        self.keys = keys
        self.clock = clock
        singleUser = settings.singleUser == .permitted
        let folder = settings.stateFolder
        try DurableFile.makeFolder(folder)
        var book = SignerBook()
        accountLog = try DurableLog(path: folder + "/accounts.log") { text, _ in
            _ = try book.register(KeepJSON.message(from: text))
        }
        denyLog = try DurableLog(path: folder + "/denials.log") { text, _ in try book.replay(text) }
        mints = try MintLog(path: folder + "/mints.log")
        countersigner = try Countersigner(folder: folder)
        state = Mutex(
            State(
                book: book, people: MintLimiter(perMinute: settings.mintsPerMinute),
                services: MintLimiter(perMinute: settings.serviceMintsPerMinute)))
    }

    /// A token for a managed account.
    ///
    /// - Throws: `SallyError(.denied)` for a name that is denied, not managed, or has another uid, and for a decision that is too
    ///   old or has paid for all its tokens; `.unavailable` where it comes too late (`MintRequest.mintBy`); `.rateLimited`;
    ///   `.notFound` for an unknown cluster; `.conflict` for a position that contradicts a countersigned head.
    package func mint(_ request: MintRequest) async throws -> MintedToken {
        let (cluster, key) = try found(request.cluster)
        let now = clock.now
        try check(request.position, at: now)
        try checkTime(request, at: now)
        let fresh = FreshTokens.Key(
            cluster: request.cluster, user: request.user, uid: request.uid, purpose: request.purpose)
        let (account, kept) = try state.withLock { state in
            let account = try state.book.account(request.user, request.uid, on: request.cluster)
            try AccountRules.check(account, uids: cluster.uids)
            try state.people.take(request.user.rawValue, at: now)
            return (account, state.fresh.token(fresh, at: now))
        }
        try mints.append(
            MintRecord(
                position: request.position, cluster: request.cluster, user: request.user.rawValue,
                purpose: request.purpose.rawValue, time: now))
        if let kept { return kept }
        let end = now + cluster.life(request.purpose)
        let minted = MintedToken(token: try await key.sign(SlurmClaims(account, from: now, to: end)), expires: end)
        state.withLock { $0.fresh.keep(minted, fresh, at: now) }
        return minted
    }

    /// A token for the service account, for one of the closed list of purposes. It is written down in either case: a change
    /// with the decision it is for, a read without one.
    package func mintService(_ request: MintServiceRequest) async throws -> MintedToken {
        let (cluster, key) = try found(request.cluster)
        let now = clock.now
        if let position = request.position { try check(position, at: now) }
        guard request.position != nil || !request.purpose.changesSomething else {
            throw SallyError(.invalidRequest, "a token to \(request.purpose.rawValue) needs the decision it is for")
        }
        guard request.position == nil || request.purpose.changesSomething else {
            throw SallyError(.invalidRequest, "no decision pays for a token to \(request.purpose.rawValue)")
        }
        try state.withLock { try $0.services.take("\(cluster.service.name) on \(cluster.name)", at: now) }
        if let position = request.position {
            try mints.append(
                MintRecord(
                    position: position, cluster: request.cluster, user: cluster.service.name,
                    purpose: request.purpose.rawValue, time: now))
        } else {
            try mints.append(request.purpose, by: cluster.service.name, on: cluster.name, at: now)
        }
        let end = now + cluster.serviceLife
        return MintedToken(token: try await key.sign(SlurmClaims(cluster.service, from: now, to: end)), expires: end)
    }

    /// No token for `user` from now on; durable when this returns.
    package func deny(_ user: UserName) async throws {
        try state.withLock { state in
            if state.book.deny(user) == .written { try denyLog.append("deny \(user)") }
            state.fresh.forget(user)
        }
        try await denyLog.sync()
    }

    /// Takes `user` off the deny list.
    package func allow(_ user: UserName) async throws {
        try state.withLock { state in
            guard state.book.denied.contains(user) else { return }
            try denyLog.append("allow \(user)")
            _ = state.book.allow(user)
        }
        try await denyLog.sync()
    }

    /// Writes an account onto the list; durable when this returns.
    package func register(_ account: ManagedAccount) async throws {
        let (cluster, _) = try found(account.cluster)
        try AccountRules.check(account, uids: cluster.uids)
        guard account.user.rawValue != cluster.service.name else {
            throw SallyError(.denied, "\(account.user) is the service account of cluster \(cluster.name)")
        }
        let text = try KeepJSON.text(account)
        try state.withLock { state in
            var book = state.book
            if try book.register(account) == .written {
                try accountLog.append(text)
                state.fresh.forget(account.user)
            }
            if book.restore(account.user, on: account.cluster) == .written {
                try denyLog.append("restore \(account.cluster) \(account.user)")
            }
            state.book = book
        }
        try await accountLog.sync()
        try await denyLog.sync()
    }

    /// No token for `user` on `cluster` until it is registered again; durable when this returns.
    ///
    /// - Returns: false when it was withdrawn already.
    package func withdraw(_ user: UserName, on name: ClusterName) async throws -> Bool {
        let (cluster, _) = try found(name)
        let changed = try state.withLock { state in
            state.fresh.forget(user)
            guard state.book.withdraw(user, on: cluster.name) == .written else { return false }
            try denyLog.append("withdraw \(cluster.name) \(user)")
            return true
        }
        try await denyLog.sync()
        return changed
    }

    /// Signs the chain's head once every mint so far is on the disk.
    package func countersign(_ position: AuditPosition) async throws -> Countersignature {
        guard position.isWellFormed else { throw malformed() }
        let now = clock.now
        return try await onOwnThread { [mints, countersigner] in
            try mints.syncBlocking()
            return try countersigner.countersign(position, at: now)
        }
    }

    /// - Parameter limit: at most `SignerRecords.mostPerPage` count.
    package func records(after: Int64, limit: Int) throws -> SignerRecords {
        guard limit > 0, after >= 0 else {
            throw SallyError(
                .invalidRequest, "records are asked for by a sequence of 0 or more and a limit of 1 or more")
        }
        let limit = min(limit, SignerRecords.mostPerPage)
        return SignerRecords(
            mints: try mints.records(after: after, limit: limit),
            heads: try countersigner.heads(after: after, limit: limit), serviceReads: mints.serviceReads,
            head: countersigner.head, publicKey: countersigner.publicKey)
    }

    package var list: SignerList { state.withLock { $0.book.list } }

    package var health: KeeperHealth { KeeperHealth(singleUser: singleUser, clusters: settings.keys.sorted()) }

    /// Brings mint records to the disk.
    func sync() async throws { try await mints.sync() }

    private func found(_ name: ClusterName) throws -> (SignerCluster, SlurmKey) {
        guard let cluster = settings[name], let key = keys[name] else {
            throw SallyError(
                .notFound, "the signer knows no cluster \(name)", hint: "see clusters in the signer's file")
        }
        return (cluster, key)
    }

    private func check(_ position: AuditPosition, at time: Timestamp) throws {
        guard position.isWellFormed else { throw malformed() }
        try countersigner.check(position, at: time)
    }

    /// A gateway that was frozen after it had decided to ask may find its submission settled without a job when it goes on: what
    /// it asked for then is not made. `now` is also the token's beginning, so that a signer that was frozen makes a dead one.
    private func checkTime(_ request: MintRequest, at now: Timestamp) throws {
        guard let mintBy = request.mintBy else {
            guard request.purpose != .submit else {
                throw SallyError(
                    .invalidRequest, "a token to submit was asked for without mintBy, the time by which it is wanted",
                    hint: "gateway and signer are of different versions: upgrade both, and restart them")
            }
            return
        }
        guard now < mintBy + MintRequest.clockLeeway else {
            throw SallyError(
                .unavailable, "the token for event \(request.position.sequence) was wanted before \(mintBy)",
                hint: "try again: nothing was sent to Slurm")
        }
    }

    private func malformed() -> SallyError {
        SallyError(.invalidRequest, "an audit position is a positive number and 64 hexadecimal digits")
    }
}

extension SignerBook {
    /// One line of the deny list's file.
    mutating func replay(_ text: String) throws {
        let words = text.split(separator: " ")
        switch (words.first, words.count) {
        case ("deny", 2): _ = deny(try UserName(String(words[1])))
        case ("allow", 2): _ = allow(try UserName(String(words[1])))
        case ("withdraw", 3): _ = withdraw(try UserName(String(words[2])), on: try ClusterName(String(words[1])))
        case ("restore", 3): _ = restore(try UserName(String(words[2])), on: try ClusterName(String(words[1])))
        default: throw SallyError(.misconfigured, "a line of the deny list cannot be read: \(quoted(text))")
        }
    }
}
