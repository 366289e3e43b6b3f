// SPDX-License-Identifier: Apache-2.0

package import Logging
package import SallyModel
import SallyPolicy
import SallyWire
import ServiceLifecycle
import SlurmModel
import Synchronization

/// Keeps one cluster's snapshot fresh, by one loop whoever reads. Readers never wait for it.
///
/// The pause between reads is at least two seconds and at least five times what a read takes, so that a slow cluster is
/// asked less. A read that failed leaves the snapshot as it was. An empty list takes the place of a full one only after a
/// second read said so too: slurmrestd answers with an empty list for more than one reason.
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
    private let state = Mutex(State())

    /// Partitions and nodes change seldom.
    private static let slowPause = Duration.seconds(30)
    private static let longestPause = Duration.seconds(60)

    private struct State {
        var snapshot = QueueSnapshot.empty
        var memory = QueueReader.Memory()
        /// What we did ourselves and no read has seen yet.
        var submitted: [(job: QueuedJob, at: ContinuousClock.Instant)] = []
        var cancelled: [(job: JobID, at: ContinuousClock.Instant)] = []
        /// Jobs read by themselves since.
        var wholes: [JobID: [QueuedJob]] = [:]
        var shapeReadAt: ContinuousClock.Instant?
        var failure: SallyError?
        var failures = 0
        var took = Duration.zero
        /// When the read began that is under way.
        var readingSince: ContinuousClock.Instant?
    }

    /// - Parameters:
    ///   - pause: the shortest pause between two reads.
    ///   - silence: a read that takes longer, and three times as long as any before it, counts as failed while it goes on.
    package init(
        cluster: ClusterName, queue: some SlurmQueue, access: ServiceAccess, metrics: Metrics, pause: Duration,
        silence: Duration = .seconds(5), log: Logger
    ) {
        self.cluster = cluster
        self.queue = queue
        self.access = access
        reader = QueueReader(cluster: cluster, queue: queue, access: access)
        self.metrics = metrics
        self.pause = pause
        self.silence = silence
        self.log = log
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.refresh()
                await self.bell.wait(upTo: self.nextPause)
            }
        }
    }

    /// The latest as it was read: enough for partitions and nodes, and for judging a job.
    var latest: QueueSnapshot { state.withLock { $0.snapshot } }

    /// The latest, with what we did since.
    package var snapshot: QueueSnapshot {
        state.withLock { state in
            guard !state.submitted.isEmpty || !state.cancelled.isEmpty else { return state.snapshot }
            return overlaid(state)
        }
    }

    /// Why the last read failed, or the one under way will; nil when it did not.
    package var failure: SallyError? {
        state.withLock { state in
            if let failure = state.failure { return failure }
            if let since = state.readingSince,
                since.duration(to: .now)
                    >= QueueKeeper.patience(silence, after: [state.took, state.memory.wholeTook])
            {
                return SallyError(
                    .unavailable, "cluster \(cluster) did not answer in time", hint: "try again in a moment")
            }
            return state.snapshot.readAt == nil
                ? SallyError(.unavailable, "cluster \(cluster) was not read yet", hint: "try again in a moment") : nil
        }
    }

    var isReading: Bool { state.withLock { $0.readingSince != nil } }

    /// A snapshot whose read began after `moment`.
    ///
    /// - Throws: why the reads since fail; `.timeout` after `limit`.
    func snapshot(readAfter moment: ContinuousClock.Instant, within limit: Duration) async throws -> QueueSnapshot {
        let end = ContinuousClock.now + limit
        let failuresBefore = state.withLock { $0.failures }
        bell.ring()
        while true {
            let (snapshot, failure, failures) = state.withLock { ($0.snapshot, $0.failure, $0.failures) }
            if let readAt = snapshot.readAt, readAt >= moment { return self.snapshot }
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
        state.withLock { $0.submitted.append((job, .now)) }
    }

    /// Shows a job as ended that Slurm just ended.
    func showCancelled(_ job: JobID) {
        state.withLock { $0.cancelled.append((job, .now)) }
    }

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
            let memory = try await reader.read(after: remembered(start))
            let shape = try await shape(start)
            let took = start.duration(to: .now)
            install(memory, shape, start, took)
            metrics.refreshed(cluster, jobs: memory.jobs.count, took: took)
            metrics.ready(cluster, true)
        } catch {
            guard !(error is CancellationError), !Task.isCancelled else { return }
            access.forget()
            let problem = asSallyError(error)
            let first = state.withLock { state in
                defer {
                    state.failure = problem
                    state.failures += 1
                }
                return state.failure == nil
            }
            metrics.ready(cluster, false)
            let metadata: Logger.Metadata = [
                "cluster": "\(cluster)", "message": "\(problem.message)", "cause": "\(problem.cause ?? "")",
            ]
            if first { log.warning("the queue could not be read", metadata: metadata) }
        }
    }

    /// What a read builds on: also what we submitted before it begins.
    private func remembered(_ start: ContinuousClock.Instant) -> QueueReader.Memory {
        state.withLock { state in
            var memory = state.memory
            let known = Set(memory.jobs.map(\.view.job))
            memory.jobs += state.submitted.filter { $0.at < start && !known.contains($0.job.view.job) }.map(\.job)
            return memory
        }
    }

    private typealias Shape = (partitions: [Partition], nodes: [Node])

    /// Partitions and nodes, when it is time; nil keeps those there are.
    private func shape(_ now: ContinuousClock.Instant) async throws -> Shape? {
        let last = state.withLock { $0.shapeReadAt }
        guard last.map({ $0.duration(to: now) >= QueueKeeper.slowPause }) ?? true else { return nil }
        return try await access.read(.readQueue(cluster)) { read, token in
            (
                try await queue.partitions(read, token: token),
                try await queue.nodes(read, token: token)
            )
        }
    }

    private func install(
        _ memory: QueueReader.Memory, _ shape: Shape?, _ start: ContinuousClock.Instant, _ took: Duration
    ) {
        let recovered = state.withLock { state in
            defer {
                state.memory = memory
                // While jobs are missing the snapshot is no newer than the read that had all.
                state.snapshot = QueueSnapshot(
                    jobs: memory.jobs, partitions: shape?.partitions ?? state.snapshot.partitions,
                    nodes: shape?.nodes ?? state.snapshot.nodes,
                    readAt: memory.isComplete ? start : state.snapshot.readAt)
                if shape != nil { state.shapeReadAt = start }
                state.submitted.removeAll { $0.at < start }
                state.cancelled.removeAll { $0.at < start }
                state.wholes = [:]
                state.failure = nil
                state.took = took
            }
            return state.failure != nil
        }
        if recovered { log.info("the queue is read again", metadata: ["cluster": "\(cluster)"]) }
    }

    private var nextPause: Duration {
        state.withLock { state in
            let adapted = max(pause, state.took * 5)
            guard state.failure != nil else { return min(adapted, QueueKeeper.longestPause) }
            return min(max(adapted, pause * 4), QueueKeeper.longestPause)
        }
    }

    /// So long a read may take before it counts as failed: a whole list of many jobs takes its time.
    static func patience(_ silence: Duration, after reads: [Duration]) -> Duration {
        reads.reduce(silence) { max($0, $1 * 3) }
    }

    private func overlaid(_ state: State) -> QueueSnapshot {
        let read = Set(state.snapshot.jobs.map(\.view.job))
        var jobs = state.snapshot.jobs + state.submitted.map(\.job).filter { !read.contains($0.view.job) }
        let cancelled = Set(state.cancelled.map(\.job))
        for index in jobs.indices where cancelled.contains(jobs[index].view.job) && !jobs[index].isFinished {
            jobs[index].view.states = ["CANCELLED"]
        }
        return QueueSnapshot(
            jobs: jobs, partitions: state.snapshot.partitions, nodes: state.snapshot.nodes,
            readAt: state.snapshot.readAt)
    }
}
