// SPDX-License-Identifier: Apache-2.0

package import Logging
package import SallyModel
import SallyPolicy
import SallyWire
import ServiceLifecycle
import SlurmModel
import Synchronization

/// Keeps one cluster's snapshot fresh, by one loop whoever reads. Readers never wait for it, and it does not wait for a list that
/// takes its time: a second loop brings that (`QueueReader.Order`).
///
/// A read that failed leaves the snapshot as it was. An empty list takes the place of a full one only after a second read said so
/// too: slurmrestd answers with an empty list for more than one reason. How often it reads says `QueuePace`; whom it tells,
/// `QueueWatchers`.
package final class QueueKeeper: Service {
    let cluster: ClusterName
    private let queue: any SlurmQueue
    private let access: ServiceAccess
    private let reader: QueueReader
    private let metrics: Metrics
    private let log: Logger
    private let pause: Duration
    private let silence: Duration
    private let bell = Doorbell()
    /// For the list that is read beside.
    private let listBell = Doorbell()
    private let watchers = QueueWatchers()
    private let state = Mutex(State())
    /// Partitions and nodes, by a loop of their own.
    let shapes: ShapeKeeper

    /// A list that is ordered is seen to after that at the latest.
    private static let listPause = Duration.seconds(30)

    /// - Parameters:
    ///   - pause: the shortest pause between two reads.
    ///   - silence: a read that takes longer, and three times as long as any before it, counts as failed while it goes on.
    ///   - longestInLine: a list that takes longer is read beside the states.
    package init(
        cluster: ClusterName, queue: some SlurmQueue, access: ServiceAccess, metrics: Metrics, pause: Duration,
        silence: Duration = .seconds(5), longestInLine: Duration = .seconds(1), log: Logger
    ) {
        self.cluster = cluster
        self.queue = queue
        self.access = access
        reader = QueueReader(cluster: cluster, queue: queue.forKeeper, access: access, longestInLine: longestInLine)
        shapes = ShapeKeeper(cluster: cluster, queue: queue.forKeeper, access: access, log: log)
        self.metrics = metrics
        self.pause = pause
        self.silence = silence
        self.log = log
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.bringLists() }
                group.addTask { await self.shapes.run() }
                while !Task.isCancelled {
                    await self.refresh()
                    let (rest, pause) = self.pauses
                    // However often the bell rings.
                    try? await Task.sleep(for: rest)  // ends early only when the loop ends
                    await self.bell.wait(upTo: pause - rest)
                }
            }
        }
    }

    private func bringLists() async {
        state.withLock { $0.isServed = true }
        while !Task.isCancelled {
            await listBell.wait(upTo: QueueKeeper.listPause)
            let order = state.withLock { $0.delivery == nil ? $0.memory.order : nil }
            guard let order, let delivery = try? await reader.deliver(order) else { continue }  // the loop ends
            state.withLock { state in
                state.delivery = delivery
                if case .failed(let problem, _) = delivery { state.pace.failed(problem, isLateList: false) }
            }
            bell.ring()
        }
    }

    /// The latest as it was read: enough for judging a job.
    var latest: QueueSnapshot { state.withLock { $0.snapshot } }

    /// The latest, with what we did since.
    package var snapshot: QueueSnapshot {
        state.withLock { $0.deeds.isEmpty ? $0.snapshot : $0.snapshot.with($0.deeds) }
    }

    /// Why the last read failed, or the one under way will; nil when it did not.
    package var failure: SallyError? {
        state.withLock { state in
            if let failure = state.failure { return failure }
            if let since = state.readingSince,
                since.duration(to: .now)
                    >= QueuePace.patience(silence, after: [state.pace.took, state.memory.wholeTook])
            {
                return SallyError(
                    .unavailable, "cluster \(cluster) did not answer in time", hint: "try again in a moment")
            }
            return state.snapshot.readAt == nil ? unread : nil
        }
    }

    /// What is said before the first read.
    var unread: SallyError {
        SallyError(.unavailable, "cluster \(cluster) was not read yet", hint: "try again in a moment")
    }

    /// How many reads have failed so far.
    var failureCount: Int { state.withLock { $0.failures } }

    var isReading: Bool { state.withLock { $0.readingSince != nil } }

    /// How long somebody waits for a newer snapshot who can wait.
    func patience(_ least: Duration) -> Duration {
        state.withLock { QueuePace.wait(least, after: [$0.pace.took, $0.memory.wholeTook]) }
    }

    /// A snapshot whose read began after `moment` and had every job.
    ///
    /// - Throws: why the reads since fail; `.timeout` after `limit`.
    func snapshot(readAfter moment: ContinuousClock.Instant, within limit: Duration) async throws -> QueueSnapshot {
        let end = ContinuousClock.now + limit
        let failuresBefore = state.withLock { state in
            state.wanted = max(state.wanted ?? moment, moment)
            return state.failures
        }
        bell.ring()
        while true {
            let (snapshot, failure, failures) = state.withLock { ($0.snapshot, $0.failure, $0.failures) }
            if let completeAt = snapshot.completeAt, completeAt >= moment { return self.snapshot }
            if let failure, failures > failuresBefore { throw failure }
            guard ContinuousClock.now < end else {
                throw SallyError(.timeout, "cluster \(cluster) was not read in time", hint: "try again in a moment")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Shows a job that Slurm just took. The queue is not read sooner for it: a burst of submissions costs Slurm no more
    /// reads than silence.
    func show(_ job: QueuedJob) {
        guard let owner = job.owner else { return }
        state.withLock { $0.deeds.submit(job, of: owner, at: .now) }
        watchers.tell([owner])
    }

    /// Shows as ended what Slurm just ended: a job or a part of one.
    ///
    /// - Parameter told: what Slurm said afterwards of the job that it is or belongs to.
    func showEnded(_ which: JobTarget, of owner: UserName, told: [QueuedJob]) {
        state.withLock { $0.deeds.end(which, of: owner, told: told, at: .now) }
        watchers.tell([owner])
    }

    /// Somebody who hears of it whenever something has changed for `user`.
    func watch(_ user: UserName) -> QueueWatcher { watchers.join(user) { [self] in snapshot } }

    /// How many are watching.
    var watcherCount: Int { watchers.count }

    /// The records of a job, read by itself if only their states are new, once between two reads of the queue; `[]` when
    /// Slurm has forgotten the job.
    func whole(_ job: JobID) async throws -> [QueuedJob] {
        let records = snapshot.records(job)
        guard records.contains(where: \.isStale) else { return records }
        if let read = state.withLock({ $0.wholes[job] }) { return read }
        let read = try await access.read(.readQueue(cluster)) { read, token in
            try await queue.job(job, read, token: token)
        }
        state.withLock { $0.wholes[job] = read }
        return read
    }

    /// One read.
    func refresh() async {
        let start = ContinuousClock.now
        state.withLock { $0.readingSince = start }
        defer { state.withLock { $0.readingSince = nil } }
        do {
            let basis = remembered(start)
            let memory = try await reader.read(after: basis.memory, basis.care, isServed: basis.isServed)
            // Without partitions no job can be judged: before they are known nothing is.
            let shape = try await shapes.known()
            let took = start.duration(to: .now)
            install(memory, shape, basis, start, took)
            metrics.refreshed(cluster, jobs: memory.jobs.count, took: took)
            metrics.ready(cluster, true)
        } catch {
            guard !(error is CancellationError), !Task.isCancelled else { return }
            access.forget()
            let late = error as? QueueReader.LateList
            let problem = late?.problem ?? asSallyError(error)
            let first = state.withLock { state in
                defer {
                    state.failure = problem
                    state.failures += 1
                    state.pace.failed(problem, isLateList: late != nil)
                }
                return state.failure == nil
            }
            if first { watchers.ringAll() }
            metrics.ready(cluster, false)
            let metadata: Logger.Metadata = [
                "cluster": "\(cluster)", "message": "\(problem.message)", "cause": "\(problem.cause ?? "")",
            ]
            if first { log.warning("the queue could not be read", metadata: metadata) }
        }
    }

    /// What a read builds on.
    private struct Basis {
        /// Also what we submitted before it begins, and the list that was brought since the one before.
        var memory: QueueReader.Memory
        var care: QueueReader.Care
        var isServed: Bool
        var hasDelivery: Bool
    }

    private func remembered(_ start: ContinuousClock.Instant) -> Basis {
        let (known, delivery) = state.withLock { ($0.memory, $0.delivery) }
        var memory = known
        // Outside of the lock: it may be a hundred thousand jobs.
        if let delivery { memory.receive(delivery) }
        return state.withLock { state in
            let submitted = state.deeds.submitted(before: start)
            if !submitted.isEmpty {
                let known = Set(memory.jobs.map(\.id))
                memory.jobs += submitted.filter { !known.contains($0.id) }
            }
            let last = state.snapshot.completeAt
            let isWanted = state.wanted.map { $0 <= start && $0 > last ?? $0 - .seconds(1) } ?? false
            return Basis(
                memory: memory, care: isWanted ? .certain : .usual, isServed: state.isServed,
                hasDelivery: delivery != nil)
        }
    }

    private func install(
        _ memory: QueueReader.Memory, _ shape: ShapeKeeper.Shape, _ basis: Basis, _ start: ContinuousClock.Instant,
        _ took: Duration
    ) {
        // Made outside of the lock: readers do not wait for it.
        let old = latest.index
        let index = old.jobs == memory.jobs ? old : QueueIndex(memory.jobs)
        var memory = memory
        memory.jobs = index.jobs
        let (recovered, listProblem, doers) = state.withLock { state in
            let (before, known) = (state.deeds, state.memory.listProblem)
            defer {
                state.memory = memory
                if basis.hasDelivery { state.delivery = nil }
                // While jobs are missing those that are known are as new as the read, and nobody may conclude that another is
                // not there.
                state.snapshot = QueueSnapshot(
                    index: index, partitions: shape.partitions, nodes: shape.nodes, readAt: start,
                    completeAt: memory.isComplete ? start : state.snapshot.completeAt, deeds: QueueDeeds())
                state.deeds.forget(before: start)
                state.wholes = [:]
                state.failure = nil
                state.pace.succeeded(after: took, memory.pace(of: took, since: start))
            }
            return (state.failure != nil, known == nil ? memory.listProblem : nil, before.owners)
        }
        if memory.order != nil { listBell.ring() }
        if let listProblem {
            log.warning(
                "the whole queue is not listed, and known by its states",
                metadata: ["cluster": "\(cluster)", "message": "\(listProblem.message)"])
        }
        if recovered {
            log.info("the queue is read again", metadata: ["cluster": "\(cluster)"])
            watchers.ringAll()
        }
        // Whoever did something sees what Slurm made of it, and others only what has changed for them.
        watchers.tell(index === old ? doers : doers.union(watchers.people.filter { !index.shows($0, asIn: old) }))
    }

    var pauses: (rest: Duration, pause: Duration) {
        state.withLock { $0.pace.pauses(shortest: pause, hasFailed: $0.failure != nil) }
    }
}
