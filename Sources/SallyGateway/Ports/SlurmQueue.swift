// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyPolicy
package import SlurmModel

/// One cluster's slurmrestd, as the gateway needs it. It takes only what was authorized. `SlurmQueueClient` is it.
package protocol SlurmQueue: Sendable {
    /// The same one for the queue keeper, whose reads wait for nobody else's.
    var forKeeper: any SlurmQueue { get }
    /// - Precondition: `token` was minted for this decision.
    func submit(_ submit: Authorized<Submit>, token: Secret<String>) async -> SubmitResult
    /// Returns when Slurm confirmed it.
    func cancel(_ cancel: Authorized<Cancel>, token: Secret<String>) async throws
    /// The whole queue: an error-free, authenticated, full read, or an error.
    ///
    /// - Parameter moment: of slurmctld's clock. Where nothing has changed since, the list is empty, and nothing else tells
    ///   it from the list of an empty queue.
    func jobs(
        changedSince moment: Timestamp?, _ read: Authorized<SystemAction>, token: Secret<String>
    ) async throws -> QueueListing
    /// One job, or every record of an array; none when Slurm does not know it any more.
    func job(_ job: JobID, _ read: Authorized<SystemAction>, token: Secret<String>) async throws -> [QueuedJob]
    /// The states of all jobs; nil where they are not served by themselves.
    func states(_ read: Authorized<SystemAction>, token: Secret<String>) async throws -> [JobStateEntry]?
    /// slurmctld's clock, by which tokens live and end, and how much it has not told slurmdbd yet.
    func diagnosis(_ read: Authorized<SystemAction>, token: Secret<String>) async throws -> SlurmReply.Diagnosis
    func partitions(_ read: Authorized<SystemAction>, token: Secret<String>) async throws -> [Partition]
    func nodes(_ read: Authorized<SystemAction>, token: Secret<String>) async throws -> [Node]
    /// From accounting.
    func finished(
        _ wanted: FinishedJobs, _ read: Authorized<SystemAction>, token: Secret<String>
    ) async throws -> FinishedListing
    /// Cancels or holds a leaver's pending job, as the action says.
    func endLeaverJob(_ action: Authorized<SystemAction>, token: Secret<String>) async throws
}

/// The queue as it was listed.
package struct QueueListing: Sendable {
    package var jobs: [QueuedJob]
    /// When slurmctld read it, by its own clock; nil where it does not say so.
    package var readAt: Timestamp?

    package init(jobs: [QueuedJob], readAt: Timestamp? = nil) {
        self.jobs = jobs
        self.readAt = readAt
    }
}

/// Which jobs of accounting.
package struct FinishedJobs: Sendable, Hashable {
    package var user: UserName
    /// Nil asks for all of the time since.
    package var job: JobID?
    package var since: Timestamp
    /// The most that are wanted, the newest.
    package var limit: Int

    package init(user: UserName, job: JobID?, since: Timestamp, limit: Int) {
        self.user = user
        self.job = job
        self.since = since
        self.limit = limit
    }
}

extension FinishedJobs {
    /// What accounting is asked for: whole hours, further back whole days, so that who asks for other moments again and again
    /// asks Slurm the same. Never later than `since`, nor than now.
    static func asked(since: Timestamp, now: Timestamp) -> Timestamp {
        let since = min(since, now)
        let step: Int64 = now - since > .seconds(2 * 86400) ? 86400 : 3600
        return Timestamp(since.rawValue / step * step)
    }
}

/// What became of a job that was sent to Slurm. Only `refused` and `notSent` are certain to have left no job behind.
package enum SubmitResult: Sendable {
    case accepted(JobID, messages: SubmissionMessages)
    case refused(SlurmRefusal)
    /// It certainly never reached slurmctld.
    case notSent(SallyError)
    /// It was sent and no answer came that can be believed. Where one came, it stands beside: a refusal, if there is no job.
    case unknown(SallyError, SlurmRefusal? = nil)
}
