// SPDX-License-Identifier: Apache-2.0

package import Logging
package import SallyModel
import SallyPolicy
import SallyStore
import SallyWire
import ServiceLifecycle

/// Finds out what became of submissions whose answer was lost: at the start, then again and again, and when somebody
/// asks with the same idempotency key.
///
/// A job that carries the submission's marker settles it. That there is none settles it only when no token for it can
/// be alive any more; until then nothing is submitted a second time.
package struct Reconciler: Service {
    let cluster: ClusterName
    let book: any SubmissionBook
    let queue: any SlurmQueue
    let keeper: QueueKeeper
    let access: ServiceAccess
    let runner: SubmissionRunner
    let markers: SubmissionMarker.Maker
    let clock: any WallClock
    let interval: Duration
    let log: Logger

    /// Of a token for submitting (DESIGN: 15 s), with what clocks may differ and slurmctld may take.
    private static let tokenLife = Duration.seconds(15 + 30)

    package init(
        cluster: ClusterName, book: some SubmissionBook, queue: some SlurmQueue, keeper: QueueKeeper,
        access: ServiceAccess, runner: SubmissionRunner, markers: SubmissionMarker.Maker, clock: some WallClock,
        interval: Duration, log: Logger
    ) {
        self.cluster = cluster
        self.book = book
        self.queue = queue
        self.keeper = keeper
        self.access = access
        self.runner = runner
        self.markers = markers
        self.clock = clock
        self.interval = interval
        self.log = log
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.settleAll()
                guard (try? await Task.sleep(for: self.interval)) != nil else { return }  // stopping
            }
        }
    }

    /// One look at everything that is open.
    func settleAll() async {
        do {
            for submission in try await book.withoutOutcome(cluster: cluster) {
                guard !runner.isUnderWay(submission.id) else { continue }
                _ = try await settle(submission)
            }
        } catch {
            guard !Task.isCancelled else { return }
            log.warning(
                "open submissions were not settled", metadata: ["cluster": "\(cluster)", "cause": "\(error)"])
        }
    }

    /// What is known now of one submission; records it where it became certain.
    ///
    /// - Parameter isAwaited: somebody asks. Where Slurm's answer was lost the token was minted before that, so what is
    ///   recorded as unknown is over one token's life later, whatever preparing could have taken.
    /// - Returns: the job; `.failed` where there is certainly none; nil while that is not known.
    func settle(_ submission: Submission, isAwaited: Bool = false) async throws -> SubmissionOutcome? {
        guard !runner.isUnderWay(submission.id), let key = submission.idempotencyKey else { return nil }
        let marker = markers.marker(person: submission.person, cluster: cluster, key: key)
        // Looked at before the reads: what is missing in a read that began after the end was never there.
        let lost = isAwaited && submission.state == .unknown ? submission.finished : nil
        let lastMint = lost ?? submission.created + SubmissionSteps.preparation
        let isOver = lastMint + Reconciler.tokenLife < clock.now
        if let job = try await find(marker, submission) {
            return try await record(.submitted(job), submission)
        }
        guard isOver else { return nil }
        return try await record(.failed("no job carries the submission's marker"), submission)
    }

    private func find(_ marker: SubmissionMarker, _ submission: Submission) async throws -> JobID? {
        let snapshot = try await keeper.snapshot(readAfter: .now, within: .seconds(30))
        if let job = match(snapshot.jobs(of: submission.user), marker, submission) { return job }
        let wanted = FinishedJobs(
            user: submission.user, job: nil, since: submission.created - .seconds(60), limit: 10_000)
        let finished = try await access.read(.readAccounting(cluster)) { read, token in
            try await queue.finished(wanted, read, token: token)
        }
        return match(finished, marker, submission)
    }

    /// A key may come back after a day; only a job from this submission on is meant.
    private func match(_ jobs: [QueuedJob], _ marker: SubmissionMarker, _ submission: Submission) -> JobID? {
        let earliest = submission.created - .seconds(60)
        return jobs.first { job in
            job.marker == marker && job.owner == submission.user && (job.view.submitted ?? earliest) >= earliest
        }.map { $0.array ?? $0.view.job }
    }

    /// - Returns: nil when somebody was quicker: the caller asks again.
    private func record(_ outcome: SubmissionOutcome, _ submission: Submission) async throws -> SubmissionOutcome? {
        do {
            _ = try await book.recordOutcome(
                reservation: submission.id, decidedAt: submission.position, outcome: outcome, request: nil)
        } catch let error as SallyError where error.code == .conflict {
            log.info("a submission was settled meanwhile", metadata: ["reservation": "\(submission.id)"])
            return nil
        }
        log.info(
            "a submission was settled",
            metadata: [
                "cluster": "\(cluster)", "reservation": "\(submission.id)", "outcome": "\(outcome.word)",
            ])
        return outcome
    }
}
