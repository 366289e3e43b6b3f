// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallyStore
import SallyWire
import SlurmModel

/// What Slurm, the signer and the store can say of a submission whose outcome is not known: whose job has its marker, when its
/// last token was made, how the clocks stand, what accounting has. `Reconciler` asks for it, `Settlement` says what it means.
struct OutcomeEvidence: Sendable {
    let cluster: ClusterName
    let book: any SubmissionBook
    let queue: any SlurmQueue
    let access: ServiceAccess
    let signer: any TokenMinter
    let markers: SubmissionMarker.Maker
    let slurmClock: SlurmClock
    let log: Logger

    /// Its job among these, if it is there.
    func job(of submission: Submission, in jobs: [QueuedJob]) async throws -> JobID? {
        let marker = marker(submission)
        let marked = jobs.filter { $0.marker == marker }
        return Settlement.job(of: submission, marker, in: jobs, others: try await others(marked, than: submission))
    }

    /// A job with its marker, whoever owns it.
    func marked(for submission: Submission, in jobs: [QueuedJob]) -> JobID? {
        let marker = marker(submission)
        return jobs.first { $0.marker == marker }?.base
    }

    /// Those of these jobs that are known to be another submission's. Slurm gives numbers again, after MaxJobId or where its
    /// state was lost: a job from after that submission's end is not its job, unless it was requeued, which makes the time of its
    /// submission anew (sacct(1)).
    func others(_ jobs: [QueuedJob], than submission: Submission) async throws -> Set<JobID> {
        var others: Set<JobID> = []
        for (job, parts) in Dictionary(grouping: jobs, by: \.base) {
            guard let known = try await book.submission(job: job, cluster: cluster), known.id != submission.id
            else { continue }
            guard !parts.contains(where: { isLater($0, than: known) }) else { continue }
            others.insert(job)
        }
        return others
    }

    /// Whether the job was submitted after the submission had ended, whatever the clocks say that differ no more than they may.
    private func isLater(_ job: QueuedJob, than submission: Submission) -> Bool {
        guard !job.isRequeued, let submitted = job.view.submitted, let finished = submission.finished else {
            return false
        }
        return submitted > finished + .seconds(ClockSkew.limit)
    }

    /// The person's jobs in accounting, and whether they are all.
    ///
    /// - Parameter since: by slurmctld's clock.
    func finished(_ user: UserName, since: Timestamp) async throws -> FinishedListing {
        let wanted = FinishedJobs(user: user, job: nil, since: since, limit: .max)
        return try await access.read(.readAccounting(cluster)) { read, token in
            try await queue.finished(wanted, read, token: token)
        }
    }

    /// When the signer made the last token for it. Nil where it made none, or cannot be asked: then more time has to pass.
    func minted(_ submission: Submission) async -> Timestamp? {
        do {
            return try await signer.records(after: submission.position.sequence - 1, limit: 1).mints
                .filter { $0.position == submission.position }.map(\.time).max()
        } catch {
            log.debug("the signer did not say what it minted", metadata: ["cause": "\(error)"])
            return nil
        }
    }

    private func marker(_ submission: Submission) -> SubmissionMarker {
        markers.marker(
            person: submission.person, cluster: cluster, operation: submission.operation,
            key: submission.idempotencyKey ?? "")
    }
}
