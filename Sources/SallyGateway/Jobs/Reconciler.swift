// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyKeepProtocol
import SallyModel
import SallyNetwork
import SallyPolicy
import SallyStore
import ServiceLifecycle
import Synchronization

/// Finds out what became of submissions whose answer was lost: at the start, then again and again, and when somebody
/// asks with the same idempotency key. `Settlement` says what a look means.
///
/// All that is open is looked up together: one read of the queue and one of accounting for each person, however many ask.
/// What is asked of whom is `OutcomeEvidence`.
package final class Reconciler: Service {
    private let cluster: ClusterName
    private let book: any SubmissionBook
    private let keeper: QueueKeeper
    private let evidence: OutcomeEvidence
    private let runner: SubmissionRunner
    private let words: LastWords
    private let records: Settlement.Records
    private let metrics: Metrics
    private let clock: any WallClock
    private let interval: Duration
    private let patience: Duration
    private let log: Logger
    private let bell = Doorbell()
    private let state = Mutex(State())

    /// What is told of a submission while it is being checked.
    struct Standing: Sendable, Equatable {
        /// When it is known, if Slurm answers then; nil where nobody can say.
        var until: Timestamp?
        /// What is in the way.
        var obstacle: String?
    }

    private struct State {
        var waiting: [AsyncStream<Void>.Continuation] = []
        var callers = 0
        /// By reservation, since the last look.
        var standings: [Int64: Standing] = [:]
        /// What accounting could not tell is asked again at these times, seldom and more seldom.
        var patience: [Int64: (next: ContinuousClock.Instant, pause: Duration)] = [:]
        var purged: ContinuousClock.Instant?
        /// When slurmctld was last seen to have told slurmdbd everything.
        var accountingToldAt: ContinuousClock.Instant?
        var trouble: String?

        mutating func takeWaiting() -> [AsyncStream<Void>.Continuation] {
            defer { waiting = [] }
            return waiting
        }

        mutating func forget(allBut open: [Submission]) {
            let ids = Set(open.map(\.id))
            standings = standings.filter { ids.contains($0.key) }
            patience = patience.filter { ids.contains($0.key) }
        }
    }

    private static let firstPause = Duration.seconds(10)
    private static let longestPause = Duration.seconds(600)
    private static let purgePause = Duration.seconds(600)

    /// - Parameter patience: how long a look waits for the queue at least.
    init(
        cluster: ClusterName, book: some SubmissionBook, queue: some SlurmQueue, keeper: QueueKeeper,
        access: ServiceAccess, signer: some TokenMinter, runner: SubmissionRunner, words: LastWords,
        markers: SubmissionMarker.Maker, records: Settlement.Records, metrics: Metrics, clock: some WallClock,
        interval: Duration, patience: Duration, log: Logger
    ) {
        self.cluster = cluster
        self.book = book
        self.keeper = keeper
        self.runner = runner
        self.words = words
        evidence = OutcomeEvidence(
            cluster: cluster, book: book, queue: queue, access: access, signer: signer, markers: markers,
            slurmClock: SlurmClock(cluster: cluster, queue: queue, access: access, metrics: metrics, clock: clock),
            log: log)
        self.records = records
        self.metrics = metrics
        self.clock = clock
        self.interval = interval
        self.patience = patience
        self.log = log
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.purge()
                await self.lookAtAll()
                await self.bell.wait(upTo: self.interval)
            }
        }
        finish(state.withLock { $0.takeWaiting() })
    }

    /// Returns when a look that began after this call has ended, or after `limit`.
    func look(within limit: Duration) async {
        let (ends, end) = AsyncStream<Void>.makeStream()
        state.withLock { state in
            state.waiting.append(end)
            state.callers += 1
        }
        defer { state.withLock { $0.callers -= 1 } }
        bell.ring()
        _ = try? await withDeadline(limit) { await ends.first { _ in true } }  // what is known then is in the store
    }

    /// How many callers are waiting.
    var callers: Int { state.withLock { $0.callers } }

    func standing(of reservation: Int64) -> Standing? { state.withLock { $0.standings[reservation] } }

    /// One look at everything that is open.
    private func lookAtAll() async {
        let waiting = state.withLock { $0.takeWaiting() }
        defer { finish(waiting) }
        do {
            let open = try await book.withoutOutcome(cluster: cluster)
                .filter { !runner.isUnderWay($0.id) && $0.idempotencyKey != nil }
            state.withLock { $0.forget(allBut: open) }
            metrics.open(cluster, open.count)
            if !open.isEmpty { try await settle(open) }
            state.withLock { $0.trouble = nil }
        } catch {
            guard !Task.isCancelled else { return }
            let problem = asSallyError(error)
            let isNew = state.withLock { state in
                for reservation in state.standings.keys {
                    state.standings[reservation]?.obstacle = problem.message
                }
                defer { state.trouble = problem.message }
                return state.trouble != problem.message
            }
            guard isNew else { return }
            log.warning(
                "open submissions were not settled",
                metadata: [
                    "cluster": "\(cluster)", "message": "\(problem.message)", "cause": "\(problem.cause ?? "")",
                ])
        }
    }

    private func settle(_ open: [Submission]) async throws {
        let began = clock.now
        for submission in open {
            state.withLock { state in
                state.standings[submission.id] = state.standings[submission.id] ?? Standing()
            }
        }
        let snapshot = try await keeper.snapshot(readAfter: .now, within: keeper.patience(patience))
        let nobodys = snapshot.jobs.filter { $0.owner == nil }
        var missing: [Submission] = []
        for submission in open {
            // What is there needs no clock.
            if let job = try await evidence.job(of: submission, in: snapshot.jobs(of: submission.user)) {
                await record(.submitted(job), submission)
            } else if let job = evidence.marked(for: submission, in: nobodys) {
                await act(on: .undecidable("job \(job) may be it, and Slurm cannot name its user just now"), submission)
            } else {
                missing.append(submission)
            }
        }
        guard !missing.isEmpty else { return }
        let (skew, backlog) = try await evidence.slurmClock.measured()
        let settlement = Settlement(
            began: began, ended: clock.now, skew: skew, records: records, accountingLag: lag(backlog))
        var left: [Submission] = []
        for submission in missing {
            switch settlement.absence(of: submission, minted: await evidence.minted(submission)) {
            case .askAccounting: left.append(submission)
            case let verdict: await act(on: verdict, submission)
            }
        }
        try await settleByAccounting(left, settlement)
    }

    /// How long ago slurmctld was last seen to have told slurmdbd everything; nil where that was never seen.
    private func lag(_ backlog: Int64) -> Duration? {
        state.withLock { state in
            guard backlog > 0 else {
                state.accountingToldAt = .now
                return .zero
            }
            return state.accountingToldAt?.duration(to: .now)
        }
    }

    /// One read for each person. What one cannot tell holds up no other.
    private func settleByAccounting(_ left: [Submission], _ settlement: Settlement) async throws {
        let now = ContinuousClock.now
        let due = left.filter { submission in
            state.withLock { $0.patience[submission.id].map { $0.next <= now } ?? true }
        }
        var failure: (any Error)?
        for (user, submissions) in Dictionary(grouping: due, by: \.user) {
            guard let since = submissions.map(settlement.since).min() else { continue }
            do {
                let accounting = try await evidence.finished(user, since: since)
                for submission in submissions {
                    // The marker says of which cluster it is.
                    if let job = try await evidence.job(of: submission, in: accounting.jobs + accounting.elsewhere) {
                        await record(.submitted(job), submission)
                        continue
                    }
                    let doubtful = settlement.doubtful(for: submission, in: accounting)
                    let others = try await evidence.others(doubtful, than: submission)
                    await act(
                        on: settlement.absence(of: submission, fromAccounting: accounting, others: others), submission)
                }
            } catch {
                failure = error
                for submission in submissions { postpone(submission) }
            }
        }
        if let failure { throw failure }
    }

    private func act(on verdict: Settlement.Verdict, _ submission: Submission) async {
        switch verdict {
        case .none:
            let word = words.take(submission.id)
            await record(
                word.map { .refused($0) } ?? .failed("no job carries the submission's marker"), submission)
        case .waiting(let until):
            state.withLock { $0.standings[submission.id] = Standing(until: until) }
        case .askAccounting: break
        case .undecidable(let why):
            postpone(submission)
            let isNew = state.withLock { state in
                defer { state.standings[submission.id] = Standing(obstacle: why) }
                return state.standings[submission.id]?.obstacle != why
            }
            guard isNew else { return }
            log.warning(
                "what became of a submission cannot be told",
                metadata: ["cluster": "\(cluster)", "reservation": "\(submission.id)", "why": "\(why)"])
        }
    }

    private func postpone(_ submission: Submission) {
        state.withLock { state in
            let last = state.patience[submission.id]?.pause
            let pause = min(last.map { $0 * 2 } ?? Reconciler.firstPause, Reconciler.longestPause)
            state.patience[submission.id] = (.now + pause, pause)
        }
    }

    private func record(_ outcome: SubmissionOutcome, _ submission: Submission) async {
        do {
            _ = try await book.recordOutcome(
                reservation: submission.id, decidedAt: submission.position, outcome: outcome, request: nil)
            log.info(
                "a submission was settled",
                metadata: [
                    "cluster": "\(cluster)", "reservation": "\(submission.id)", "outcome": "\(outcome.word)",
                ])
        } catch let error as SallyError where error.code == .conflict {
            log.info("a submission was settled meanwhile", metadata: ["reservation": "\(submission.id)"])
        } catch {
            log.error(
                "a submission's outcome was not recorded",
                metadata: ["cluster": "\(cluster)", "reservation": "\(submission.id)", "cause": "\(error)"])
        }
    }

    /// Takes away keys whose day is over, now and then.
    private func purge() async {
        let isDue = state.withLock { state in
            guard state.purged.map({ $0.duration(to: .now) >= Reconciler.purgePause }) ?? true else { return false }
            state.purged = .now
            return true
        }
        guard isDue else { return }
        do {
            let count = try await book.purgeKeys(cluster: cluster)
            guard count > 0 else { return }
            log.info("idempotency keys expired", metadata: ["cluster": "\(cluster)", "keys": "\(count)"])
        } catch {
            guard !Task.isCancelled else { return }
            log.warning("idempotency keys were not purged", metadata: ["cluster": "\(cluster)", "cause": "\(error)"])
        }
    }

    private func finish(_ waiting: [AsyncStream<Void>.Continuation]) {
        for end in waiting { end.finish() }
    }
}
