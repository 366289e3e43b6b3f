// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
package import SallyModel
package import SallyStore
import SallyWire

/// What one look at Slurm says of a submission whose outcome is not known: pure.
///
/// A job of the person's with the submission's marker settles it, whenever it is seen. That there is none is said only when no
/// token for it can be alive any more by slurmctld's own clock, of reads that began after that, of the queue and of accounting.
package struct Settlement: Sendable {
    /// The gateway's clock before the reads began.
    package let began: Timestamp
    /// And after they ended.
    package let ended: Timestamp
    package let skew: ClockSkew
    package let records: Records
    /// How long ago slurmctld was last seen to have told slurmdbd everything: zero in this look, after the queue was read; nil
    /// where that was never seen.
    package let accountingLag: Duration?

    /// What the cluster remembers of jobs that have ended.
    package struct Records: Sendable, Equatable {
        /// Whether there is accounting to ask.
        package var accounting: Bool
        /// How long the queue shows a job after its end: slurm.conf's MinJobAge.
        package var queueKeeps: Duration

        package init(accounting: Bool, queueKeeps: Duration) {
            self.accounting = accounting
            self.queueKeeps = queueKeeps
        }
    }

    /// Of a token for submitting: the signer makes none that lives longer.
    package static let tokenLife = Duration.seconds(15)
    /// For a request that slurmctld has let in at the last moment and not yet carried out.
    package static let grace = Duration.seconds(15)
    /// slurmctld's times and ours are compared with so much to spare.
    private static let margin = Duration.seconds(60)

    package init(
        began: Timestamp, ended: Timestamp, skew: ClockSkew, records: Records, accountingLag: Duration?
    ) {
        self.began = began
        self.ended = ended
        self.skew = skew
        self.records = records
        self.accountingLag = accountingLag
    }

    package enum Verdict: Sendable, Equatable {
        /// There is certainly none.
        case none
        /// Not before then can anything be said.
        case waiting(until: Timestamp)
        /// The queue does not have it, and that alone is not enough.
        case askAccounting
        /// Nothing that Slurm keeps can tell.
        case undecidable(String)
    }

    /// The submission's job. A key may come back after a day with the same marker: the earlier submission's job is not meant. The
    /// marker alone is no proof: everybody may see and copy it.
    ///
    /// - Parameter others: jobs that are the outcome of other submissions.
    package static func job(
        of submission: Submission, _ marker: SubmissionMarker, in jobs: [QueuedJob], others: Set<JobID>
    ) -> JobID? {
        jobs.first { $0.marker == marker && $0.owner == submission.user && !others.contains($0.base) }?.base
    }

    /// What it means that the queue does not show its job.
    ///
    /// - Parameter minted: when the signer made the last token for it, by the signer's record; nil where it has none, or was not
    ///   asked.
    package func absence(of submission: Submission, minted: Timestamp?) -> Verdict {
        let certain = Settlement.certain(Settlement.lastTokenEnds(submission, minted: minted), skew)
        guard certain < began else { return .waiting(until: certain) }
        guard !records.accounting else { return .askAccounting }
        return queueIsEnough(for: submission)
            ? .none
            : .undecidable("the cluster has no accounting, and its queue has forgotten jobs that have ended since")
    }

    /// What it means that accounting does not show its job either.
    ///
    /// slurmctld forgets ended jobs. Accounting learns of them when slurmdbd answers; until then slurmctld keeps the messages. And
    /// accounting keeps comments only where the cluster's slurm.conf says so (AccountingStoreFlags has job_comment): a job without
    /// any comment from that time might be the one, unless jobs of that cluster with one show that they are kept. What could not be
    /// read might be the one, too.
    package func absence(
        of submission: Submission, fromAccounting accounting: FinishedListing, others: Set<JobID>
    ) -> Verdict {
        guard !queueIsEnough(for: submission) else { return .none }
        guard accountingIsComplete else {
            return .undecidable(
                "slurmctld has messages that slurmdbd has not got yet: accounting may lack a job that ended")
        }
        guard accounting.passedOver == 0 else {
            return .undecidable(
                "accounting has \(accounting.passedOver) records that are too large to be read: one may be its job")
        }
        guard !accounting.jobs.contains(where: \.isCommented),
            let doubtful = doubtful(for: submission, in: accounting).first(where: { !others.contains($0.base) })
        else { return .none }
        return .undecidable(
            "accounting keeps no comments (AccountingStoreFlags lacks job_comment), and job \(doubtful.base) may be it")
    }

    /// When the last token ends with which it could still reach Slurm, by the gateway's clock.
    ///
    /// Without a record of the signer's: an outcome that was written down as unknown came after its token; of a reservation
    /// alone nothing is known but until when a token may be asked for, and made by a signer whose clock is behind.
    package static func lastTokenEnds(_ submission: Submission, minted: Timestamp?) -> Timestamp {
        let lost = submission.state == .unknown ? submission.finished : nil
        let asked = submission.mintBy ?? submission.created + SubmissionSteps.preparation
        return (minted ?? lost ?? asked + MintRequest.clockLeeway) + tokenLife
    }

    /// From when on a read that finds nothing means that there is nothing.
    package static func certain(_ tokenEnds: Timestamp, _ skew: ClockSkew) -> Timestamp {
        tokenEnds + .seconds(skew.behind) + grace
    }

    /// From when on accounting is asked for jobs, by slurmctld's clock.
    package func since(_ submission: Submission) -> Timestamp {
        submission.created - .seconds(skew.behind) - Settlement.margin
    }

    /// Jobs without a comment that might be it, also those that `clusters[].slurm_name` says are elsewhere: it may be set wrong.
    package func doubtful(for submission: Submission, in accounting: FinishedListing) -> [QueuedJob] {
        (accounting.jobs + accounting.elsewhere).filter { isDoubtful($0, submission) }
    }

    /// Whether accounting was told the end of every job that had left the queue when that was read. A job leaves it MinJobAge after
    /// its end: slurmctld had nothing left to tell at a time in between.
    private var accountingIsComplete: Bool {
        guard let accountingLag else { return false }
        return accountingLag == .zero || accountingLag + Settlement.margin < records.queueKeeps
    }

    /// Whether no job of it, however short, can have left the queue before it was read.
    private func queueIsEnough(for submission: Submission) -> Bool {
        ended + .seconds(skew.behind + skew.ahead) + Settlement.margin < submission.created + records.queueKeeps
    }

    private func isDoubtful(_ job: QueuedJob, _ submission: Submission) -> Bool {
        guard !job.isCommented, job.owner == submission.user else { return false }
        guard let submitted = job.view.submitted else { return true }
        return submitted >= since(submission) && submitted <= began + .seconds(skew.ahead)
    }
}
