// SPDX-License-Identifier: Apache-2.0

package import Logging
import SallyAccounts
package import SallyKeepProtocol
package import SallyModel
import SallySocket
package import SallyTransport
import Synchronization

/// Holds the way onto the nodes: makes, locks and removes accounts, and reads output as its owner.
///
/// Name, uid and profile come from `serve`; everything else from the steward's own file, its own record, the managed
/// record on the controller, and Slurm. Work on one account of one cluster is done one piece at a time.
package struct Steward: Sendable {
    let clusters: [ClusterName: Keep]
    let record: StewardRecord
    let registry: any AccountRegistry
    let logger: Logger
    let singleUser: Bool
    let clock: any WallClock
    let outputLog: OutputLog
    let turns = KeyedLock<StewardBook.Place>()
    let ensured = Ensured()

    /// One cluster with the way onto it.
    struct Keep: Sendable {
        var settings: StewardCluster
        var engine: AccountEngine
        var transport: any Transport
    }

    /// Accounts that this process has made sure of, so that a second submission costs no call. After `recheckInterval`
    /// the next submission looks whether somebody gave them power meanwhile.
    final class Ensured: Sendable {
        let accounts = Mutex<[StewardBook.Place: Sure]>([:])
    }

    struct Sure {
        var request: EnsureRequest
        var account: EnsuredAccount
        var checked: Timestamp
    }

    /// The longest that an account is believed to have no power over Slurm or the machines.
    static let recheckInterval: Duration = .seconds(60)

    /// - Throws: `SallyError(.misconfigured)` for settings that contradict themselves or a damaged record.
    package init(
        _ settings: StewardSettings, transports: [ClusterName: any Transport], registry: some AccountRegistry,
        clock: some WallClock, logger: Logger
    ) throws {
        var clusters: [ClusterName: Keep] = [:]
        for cluster in settings.clusters {
            guard clusters[cluster.name] == nil else {
                throw SallyError(.misconfigured, "cluster \(cluster.name) is configured twice")
            }
            guard let transport = transports[cluster.name] else {
                throw SallyError(.misconfigured, "cluster \(cluster.name) has no transport")
            }
            guard cluster.profiles[cluster.adoptionProfile] != nil else {
                throw SallyError(.misconfigured, "cluster \(cluster.name) has no profile \(cluster.adoptionProfile)")
            }
            clusters[cluster.name] = Keep(
                settings: cluster, engine: Self.engine(cluster.layout, transport), transport: transport)
        }
        self.clusters = clusters
        self.registry = registry
        self.clock = clock
        self.logger = logger
        singleUser = settings.singleUser == .permitted
        record = try StewardRecord(folder: settings.stateFolder, now: clock.now)
        outputLog = try OutputLog(path: settings.stateFolder + "/reads.log")
        for (_, keep) in clusters {
            for name in keep.settings.profiles.keys.sorted() { try check(name, keep.settings) }
        }
    }

    private static func engine(_ layout: ClusterLayout, _ transport: some Transport) -> AccountEngine {
        AccountEngine(layout: layout, transport: transport)
    }

    private func check(_ profile: ProfileName, _ cluster: StewardCluster) throws {
        let uid = try UserID(max(cluster.uids.lowerBound, UserID.permitted.lowerBound))
        let sample = try desired(try UserName("sample"), uid, profile, cluster)
        guard !sample.accounts.isEmpty || cluster.layout.mode == .directory else {
            throw SallyError(
                .misconfigured, "profile \(profile) of cluster \(cluster.name) has no Slurm account",
                hint: "list at least one under accounts")
        }
    }

    /// Makes sure that the account exists and can run jobs, and that the signer knows it.
    ///
    /// - Throws: `SallyError`: `.notFound` for an unknown cluster or profile, `.denied` for a uid outside the range or a
    ///   locked account, `.conflict` when name or uid belong to somebody else or the account has power over Slurm or the
    ///   machines, `.unavailable` when a step failed.
    package func ensure(_ request: EnsureRequest) async throws -> EnsuredAccount {
        let place = StewardBook.Place(cluster: request.cluster, user: request.user)
        if let known = sure(request, place), isFresh(known) { return known.account }
        let keep = try found(request.cluster)
        let desired = try desired(request.user, request.uid, request.profile, keep.settings)
        return try await turns.withLock(place) {
            if let known = sure(request, place), isFresh(known) { return known.account }
            guard record.state(request.user, on: request.cluster)?.isLocked != true else {
                throw locked(request.user, request.cluster)
            }
            try record.book.check(request.user, request.uid)
            if let known = sure(request, place) {
                try await recheck(desired, keep)
                ensured.accounts.withLock { $0[place]?.checked = clock.now }
                return known.account
            }
            // Written when nothing stands in the way, and before anything is made: a lock reaches half an account too.
            let done: AccountEngine.Ensured
            do {
                done = try await keep.engine.ensure([desired]) {
                    try await record.write([.bind(request.user, request.uid), .state(place, .active)])
                }
            } catch let error as SallyError where error.code == .conflict {
                // Known from before this process began, perhaps.
                try await withdraw(place, error.message)
                throw error
            }
            let managed = try managedAccount(desired, keep.settings, done.observed)
            try await registry.register(managed)
            let changed = done.steps.contains { $0.outcome == .done }
            let account = EnsuredAccount(home: managed.home, accounts: desired.accounts, changed: changed)
            if changed {
                logger.info("account made", metadata: ["user": "\(request.user)", "cluster": "\(request.cluster)"])
            }
            let known = EnsuredAccount(home: managed.home, accounts: desired.accounts, changed: false)
            ensured.accounts.withLock { $0[place] = Sure(request: request, account: known, checked: clock.now) }
            return account
        }
    }

    private func sure(_ request: EnsureRequest, _ place: StewardBook.Place) -> Sure? {
        ensured.accounts.withLock { $0[place] }.flatMap { $0.request == request ? $0 : nil }
    }

    private func isFresh(_ sure: Sure) -> Bool {
        let age = clock.now.rawValue - sure.checked.rawValue
        return age >= 0 && age < Steward.recheckInterval.components.seconds
    }

    private func recheck(_ account: DesiredAccount, _ keep: Keep) async throws {
        guard let conflict = try await keep.engine.recheck(account).first else { return }
        try await withdraw(
            StewardBook.Place(cluster: keep.settings.name, user: account.name), conflict.reason)
        throw SallyError(.conflict, "\(conflict.reason) (node \(conflict.node))")
    }

    /// Tells the signer that there are no tokens for an account of ours, until it is ensured again.
    func withdraw(_ place: StewardBook.Place, _ reason: String) async throws {
        ensured.accounts.withLock { $0[place] = nil }
        guard record.state(place.user, on: place.cluster) == .active else { return }
        try await registry.withdraw(place.user, on: place.cluster)
        logger.warning(
            "account withdrawn",
            metadata: ["user": "\(place.user)", "cluster": "\(place.cluster)", "reason": "\(reason)"])
    }

    /// Withdraws those who have become administrators of Slurm, or members of a privileged group on the controller.
    ///
    /// - Throws: `SallyError` when the cluster or the signer does not answer.
    package func withdrawPowerful(_ cluster: ClusterName) async throws {
        let keep = try found(cluster)
        let users = record.book.users(on: cluster).filter { record.state($0, on: cluster) == .active }
        guard !users.isEmpty else { return }
        var failure: (any Error)?
        for (user, reason) in try await keep.engine.powerful(among: users).sorted(by: { $0.key < $1.key }) {
            let place = StewardBook.Place(cluster: cluster, user: user)
            do {
                // In turn with `ensure`, which would otherwise give back what it looked at before.
                try await turns.withLock(place) { try await withdraw(place, reason) }
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    package func list(cluster: ClusterName) async throws -> [ManagedRecord] { try await found(cluster).engine.list() }

    package var health: KeeperHealth { KeeperHealth(singleUser: singleUser, clusters: clusters.keys.sorted()) }

    func found(_ name: ClusterName) throws -> Keep {
        guard let keep = clusters[name] else {
            throw SallyError(
                .notFound, "the steward knows no cluster \(name)", hint: "see clusters in the steward's file")
        }
        return keep
    }

    func locked(_ user: UserName, _ cluster: ClusterName) -> SallyError {
        SallyError(.denied, "\(user) is locked on cluster \(cluster)", hint: "an administrator can unlock the account")
    }

    func desired(
        _ user: UserName, _ uid: UserID, _ name: ProfileName, _ cluster: StewardCluster
    ) throws -> DesiredAccount {
        guard let profile = cluster.profiles[name] else {
            throw SallyError(
                .notFound, "cluster \(cluster.name) has no profile \(name)", hint: "see profiles in the steward's file")
        }
        guard cluster.uids.contains(uid.rawValue) else {
            throw SallyError(
                .denied, "uid \(uid) is outside of \(cluster.uids.lowerBound) to \(cluster.uids.upperBound)",
                hint: "see uids of cluster \(cluster.name) in the steward's file")
        }
        let account = DesiredAccount(
            name: user, uid: uid, profile: name, gecos: "Sallyport \(user)", home: "\(profile.homes)/\(user)",
            shell: profile.shell, groups: profile.groups, accounts: profile.accounts)
        try account.check()
        return account
    }

    /// What the signer is told: where the directory has the accounts, what the directory says.
    private func managedAccount(
        _ account: DesiredAccount, _ cluster: StewardCluster, _ observed: [NodeName: NodeObservation]
    ) throws -> ManagedAccount {
        let seen = observed[cluster.layout.controller]
        var made = ManagedAccount(
            cluster: cluster.name, user: account.name, uid: account.uid, gid: account.uid.rawValue,
            gids: account.groups.compactMap { seen?.groupIDs[$0] }, gecos: account.gecos, home: account.home,
            shell: account.shell)
        guard cluster.layout.mode == .directory else { return made }
        guard let entry = seen?.users[account.name.rawValue] else {
            throw SallyError(.conflict, "the directory does not know \(account.name)")
        }
        let groups = seen?.memberships[account.name.rawValue] ?? []
        made.gid = entry.gid
        made.gids = groups.map(\.gid).filter { UserID(rawValue: $0) != nil && $0 != entry.gid }
        made.home = entry.home
        made.shell = entry.shell
        return made
    }

    func step(_ name: String, _ place: String, _ outcome: KeeperReport.Outcome, _ detail: String) -> KeeperReport.Step {
        KeeperReport.Step(name: name, place: place, outcome: outcome, detail: detail)
    }
}
