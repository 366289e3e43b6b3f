// SPDX-License-Identifier: Apache-2.0

package import Logging
package import SallyConfig
package import SallyModel
package import SallyPolicy
package import ServiceLifecycle

/// Everything that belongs to one cluster. A class: every request takes hold of it.
package final class ClusterGateway: Sendable {
    let config: ClusterConfig
    let isDefault: Bool
    let keeper: QueueKeeper
    let queue: any SlurmQueue
    let access: ServiceAccess
    let accounts: AccountDoor
    let jobs: JobService
    let output: OutputService
    let submissions: SubmitService
    let canI: CanIService
    let partitions: PartitionService
    let nodes: NodeService
    /// What is listed beside the queue.
    let listings: FrontListings
    let updater: any SlurmUpdater
    let updates: UpdateTurns
    let slurmClock: SlurmClock
    /// How long a caller waits for what others do first: a submission, a read of the queue, a job's other changes.
    let patience: Duration
    /// What has to run: the queue's loop, the submissions, their reconciling, the forgetting of lists, the look for newer
    /// versions.
    package let services: [any Service]

    /// - Parameter silence: a read of the queue that takes longer counts as failed (`QueueKeeper`).
    package init(
        config: ClusterConfig, isDefault: Bool, queue: some SlurmQueue & SlurmLister & SlurmUpdater & SlurmVersions,
        gate: Gate, signer: some TokenMinter,
        steward: some AccountKeeper, submissions: some SubmissionBook, turns: some TurnBook,
        markers: SubmissionMarker.Maker, metrics: Metrics, clock: some WallClock,
        silence: Duration = .seconds(5), patience: Duration = .seconds(30), log: Logger
    ) {
        let name = config.name
        let access = ServiceAccess(cluster: name, gate: gate, signer: signer, clock: clock)
        let keeper = QueueKeeper(
            cluster: name, queue: queue, access: access, metrics: metrics, pause: .seconds(1), silence: silence,
            log: log)
        let accounts = AccountDoor(config: config, keeper: steward, clock: clock)
        let readTurns = ReadTurns()
        let listings = FrontListings(cluster: name, lister: queue, access: access, clock: clock, turns: readTurns)
        let words = LastWords()
        let steps = SubmissionSteps(
            cluster: name, accounts: accounts, signer: signer, queue: queue, keeper: keeper,
            limits: LimitFinder(
                slurmName: config.slurmName, hasAccounting: config.accounting, listings: listings, keeper: keeper),
            words: words, book: submissions, metrics: metrics, clock: clock, log: log)
        let runner = SubmissionRunner(cluster: name, steps: steps, log: log)
        let reconciler = Reconciler(
            cluster: name, book: submissions, queue: queue, keeper: keeper, access: access, signer: signer,
            runner: runner, words: words, markers: markers,
            records: Settlement.Records(accounting: config.accounting, queueKeeps: config.minJobAge), metrics: metrics,
            clock: clock, interval: .seconds(10), patience: patience, log: log)
        let finder = JobFinder(
            cluster: name, keeper: keeper,
            finished: FinishedJobsCache(cluster: name, queue: queue, access: access, turns: readTurns),
            book: submissions, clock: clock)
        let reader = JobReader(config: config, keeper: keeper, accounts: accounts, gate: gate)
        let versions = VersionWatch(cluster: name, versions: queue, keeper: keeper, access: access, log: log)
        self.config = config
        self.isDefault = isDefault
        self.keeper = keeper
        self.queue = queue
        self.access = access
        self.accounts = accounts
        jobs = JobService(
            cluster: name, gate: gate, keeper: keeper, signer: signer, finder: finder,
            ending: JobEnding(
                cluster: name, gate: gate, keeper: keeper, queue: queue, access: access, signer: signer,
                finder: finder),
            clock: clock, staleLimit: config.staleLimit)
        output = OutputService(config: config, gate: gate, steward: steward, finder: finder)
        self.submissions = SubmitService(
            cluster: name, reader: reader, gate: gate, book: submissions, runner: runner, reconciler: reconciler,
            markers: markers, clock: clock, patience: patience)
        canI = CanIService(reader: reader, gate: gate)
        partitions = PartitionService(config: config, gate: gate, keeper: keeper, accounts: accounts)
        nodes = NodeService(cluster: name, gate: gate, keeper: keeper, staleLimit: config.staleLimit)
        self.listings = listings
        updater = queue
        updates = UpdateTurns(cluster: name, book: turns, patience: patience, log: log)
        slurmClock = SlurmClock(cluster: name, queue: queue, access: access, metrics: metrics, clock: clock)
        self.patience = patience
        services = [keeper, runner, reconciler, listings, versions]
    }

    /// Whether an authenticated read answered lately; why not, otherwise.
    var problem: SallyError? { keeper.failure }
}

/// The clusters by name.
struct ClusterTable: Sendable {
    let all: [ClusterGateway]
    private let byName: [ClusterName: Int]

    init(_ clusters: [ClusterGateway]) {
        all = clusters
        byName = Dictionary(clusters.enumerated().map { ($1.config.name, $0) }) { first, _ in first }
    }

    /// - Throws: `.invalidRequest` for what is no name, `.notFound` for a cluster that is not configured.
    func named(_ context: GatewayContext) throws -> ClusterGateway {
        let name: ClusterName = try context.named("cluster")
        guard let place = byName[name] else {
            throw SallyError(
                .notFound, "there is no cluster \(name)",
                hint: "clusters: \(all.map(\.config.name.rawValue).joined(separator: ", "))")
        }
        return all[place]
    }
}
