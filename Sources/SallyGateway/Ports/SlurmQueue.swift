// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyPolicy
package import SallyWire
package import SlurmModel

/// One cluster's slurmrestd, as the gateway needs it. It takes only what was authorized. `SlurmQueueClient` is it.
package protocol SlurmQueue: Sendable {
    /// - Precondition: `token` was minted for this decision.
    func submit(_ submit: Authorized<Submit>, token: Secret<String>) async -> SubmitResult
    /// Returns when Slurm confirmed it.
    func cancel(_ cancel: Authorized<Cancel>, token: Secret<String>) async throws
    /// The whole queue: an error-free, authenticated, full read, or an error.
    func jobs(_ read: Authorized<SystemAction>, token: Secret<String>) async throws -> [QueuedJob]
    /// One job, or every record of an array; none when Slurm does not know it any more.
    func job(_ job: JobID, _ read: Authorized<SystemAction>, token: Secret<String>) async throws -> [QueuedJob]
    /// The states of all jobs; nil where they are not served by themselves.
    func states(_ read: Authorized<SystemAction>, token: Secret<String>) async throws -> [JobStateEntry]?
    /// slurmctld's clock, by which tokens live and end.
    func clock(_ read: Authorized<SystemAction>, token: Secret<String>) async throws -> Timestamp
    func partitions(_ read: Authorized<SystemAction>, token: Secret<String>) async throws -> [Partition]
    func nodes(_ read: Authorized<SystemAction>, token: Secret<String>) async throws -> [Node]
    /// From accounting.
    func finished(
        _ wanted: FinishedJobs, _ read: Authorized<SystemAction>, token: Secret<String>
    ) async throws -> [QueuedJob]
    /// Cancels or holds a leaver's pending job, as the action says.
    func endLeaverJob(_ action: Authorized<SystemAction>, token: Secret<String>) async throws
}

/// Which jobs of accounting.
package struct FinishedJobs: Sendable, Equatable {
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

/// What became of a job that was sent to Slurm. Only `refused` and `notSent` are certain to have left no job behind.
package enum SubmitResult: Sendable {
    case accepted(JobID, messages: [String])
    case refused(SlurmRefusal)
    /// It certainly never reached slurmctld.
    case notSent(SallyError)
    /// It was sent and no answer came that can be believed.
    case unknown(SallyError)
}

/// A job as the gateway knows it: what its owner sees, and what only the gateway looks at.
package struct QueuedJob: Sendable, Equatable {
    /// Without our marker.
    package var view: JobView
    /// Who owns it; nil for a uid that Slurm cannot name.
    package var owner: UserName?
    /// The array that it is a task of.
    package var array: JobID?
    /// Of the submission that made it, if the gateway did.
    package var marker: SubmissionMarker?
    /// Whether Slurm reports a comment of it, whatever it says.
    package var isCommented = false
    /// Its states are newer than the rest, or the rest is what we know of our own submission.
    package var isStale = false

    package init(view: JobView, owner: UserName?, array: JobID?, marker: SubmissionMarker?) {
        self.view = view
        self.owner = owner
        self.array = array
        self.marker = marker
    }

    private var states: [JobState] { view.states.map { JobState($0) } }

    var isPending: Bool { states.isPending }
    var isFinished: Bool { states.isFinished }
    /// Ended, or on its way there.
    var isEnding: Bool { states.isFinished || states.contains(.completing) }
}
