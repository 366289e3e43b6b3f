// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SlurmModel

/// Something that a person may ask for and that policy decides.
package protocol Action: Sendable {
    /// As in `AuditEvent.action`.
    static var name: String { get }
    /// The same for one action, where `name` stands for several.
    var verb: String { get }
    /// Whether a decision is a chained audit event, or only counted (own reads).
    static var recording: Recording { get }
    var cluster: ClusterName? { get }
    /// As in `AuditEvent.target`.
    var target: String? { get }
    var details: [AuditEvent.Detail] { get }
    /// What policy has to judge.
    var question: Question { get }
}

extension Action {
    package var verb: String { Self.name }
}

/// An action that needs no reservation. `Submit` is none, so that a job cannot be authorized without one.
package protocol DirectAction: Action {}

package enum Recording: Sendable {
    case chained
    case counted
}

/// The part of an action that policy looks at.
package enum Question: Sendable {
    /// A job, with everything that Slurm would fill in made explicit, and the most it can use.
    case submit(ClusterName, ResolvedJob, ResourceBounds)
    /// What may become of a job that is in the queue: each of these has to be allowed as if it were submitted.
    case become(ClusterName, [JobUpdate.Outcome])
    /// Something of the person's own on a cluster that some rule lets the person use.
    case own(ClusterName, owner: UserName)
    /// The cluster as a whole: partitions, nodes.
    case look(ClusterName)
    /// Something of the person's own at the gateway itself: sessions.
    case selfService
    /// Only an administrator.
    case administer
}

/// One job for the queue.
package struct Submit: Action {
    package static let name = "job.submit"
    package static let recording = Recording.chained
    package let clusterName: ClusterName
    package let job: ResolvedJob
    package let bounds: ResourceBounds
    /// The caller's `Idempotency-Key`, or one that the gateway made.
    package let idempotencyKey: String
    /// By which door it came: keys of one are not keys of another.
    package let operation: KeyedOperation
    /// Nobody asks for a token for it later than this; nil where nothing was said.
    package let mintBy: Timestamp?

    package init(
        cluster: ClusterName, job: ResolvedJob, bounds: ResourceBounds, idempotencyKey: String,
        operation: KeyedOperation = .submit, mintBy: Timestamp? = nil
    ) {
        clusterName = cluster
        self.job = job
        self.bounds = bounds
        self.idempotencyKey = idempotencyKey
        self.operation = operation
        self.mintBy = mintBy
    }

    package var cluster: ClusterName? { clusterName }
    package var target: String? { job.request.name }
    package var details: [AuditEvent.Detail] {
        [
            .init("partition", job.partitions.map(\.rawValue).joined(separator: ",")),
            .init("account", job.account.rawValue),
            .init("bounds", bounds.description),
        ]
    }
    package var question: Question { .submit(clusterName, job, bounds) }
}

/// Ending a job of one's own or a part of it, or sending it a signal.
package struct Cancel: DirectAction {
    package static let name = "job.cancel"
    package static let recording = Recording.chained
    package let clusterName: ClusterName
    package let which: JobTarget
    /// The number that Slurm takes for `which` and for nothing else; nil where there is none.
    package let number: JobID?
    package let owner: UserName
    /// As in `scancel --signal`; nil ends the job.
    package let signal: String?
    package let flags: Set<CancelFlag>

    /// A whole job.
    package init(cluster: ClusterName, job: JobID, owner: UserName, signal: String?) {
        self.init(
            cluster: cluster, ending: JobTarget(job: job), number: job, owner: owner, signal: signal, flags: [])
    }

    package init(
        cluster: ClusterName, ending which: JobTarget, number: JobID?, owner: UserName, signal: String?,
        flags: Set<CancelFlag>
    ) {
        clusterName = cluster
        self.which = which
        self.number = number
        self.owner = owner
        self.signal = signal
        self.flags = flags
    }

    package var job: JobID { which.job }
    package var cluster: ClusterName? { clusterName }
    package var target: String? { "\(which)" }
    package var details: [AuditEvent.Detail] {
        let words = flags.map(\.rawValue).sorted().joined(separator: ",")
        return (signal.map { [.init("signal", $0)] } ?? []) + (words.isEmpty ? [] : [.init("flags", words)])
    }
    package var question: Question { .own(clusterName, owner: owner) }
}

/// Which processes of a job a signal is for (slurmctld's KILL_JOB_BATCH and KILL_FULL_JOB, `flags` of slurmrestd's).
package enum CancelFlag: String, Sendable, CaseIterable {
    /// The batch shell alone (scancel(1) --batch).
    case batchJob = "BATCH_JOB"
    /// The batch shell and every step (scancel(1) --full).
    case fullJob = "FULL_JOB"
}

/// Reading what a job of one's own wrote.
package struct ReadOutput: DirectAction {
    package static let name = "output.read"
    package static let recording = Recording.chained
    package let clusterName: ClusterName
    package let job: JobID
    package let owner: UserName
    package let stream: OutputStream

    package init(cluster: ClusterName, job: JobID, owner: UserName, stream: OutputStream) {
        clusterName = cluster
        self.job = job
        self.owner = owner
        self.stream = stream
    }

    package var cluster: ClusterName? { clusterName }
    package var target: String? { "\(job)" }
    package var details: [AuditEvent.Detail] { [.init("stream", stream.rawValue)] }
    package var question: Question { .own(clusterName, owner: owner) }
}

/// Reading one's own jobs on a cluster.
package struct ReadOwnJobs: DirectAction {
    package static let name = "job.read"
    package static let recording = Recording.counted
    package let clusterName: ClusterName
    package let owner: UserName
    package init(cluster: ClusterName, owner: UserName) {
        clusterName = cluster
        self.owner = owner
    }
    package var cluster: ClusterName? { clusterName }
    package var target: String? { owner.rawValue }
    package var details: [AuditEvent.Detail] { [] }
    package var question: Question { .own(clusterName, owner: owner) }
}

/// Reading partitions and nodes.
package struct ReadCluster: DirectAction {
    package static let name = "cluster.read"
    package static let recording = Recording.counted
    package let clusterName: ClusterName
    package init(cluster: ClusterName) { clusterName = cluster }
    package var cluster: ClusterName? { clusterName }
    package var target: String? { nil }
    package var details: [AuditEvent.Detail] { [] }
    package var question: Question { .look(clusterName) }
}

/// What administrators do, as a closed list.
package enum Administer: DirectAction {
    case listIdentities
    case listSessions
    case revokeSessions(UserName)
    case offboard(UserName, pendingJobs: LeaverJobs)
    case readAudit
    case verifyAudit
    case grantAdministration(UserName)
    case withdrawAdministration(UserName)

    package static let name = "admin"
    package static let recording = Recording.chained
    package var cluster: ClusterName? { nil }

    /// The action name in the audit chain: `admin.offboard`.
    package var verb: String {
        switch self {
        case .listIdentities: "admin.identities"
        case .listSessions: "admin.sessions"
        case .revokeSessions: "admin.revoke"
        case .offboard: "admin.offboard"
        case .readAudit: "admin.audit"
        case .verifyAudit: "admin.audit-verify"
        case .grantAdministration: "admin.grant"
        case .withdrawAdministration: "admin.withdraw"
        }
    }

    package var target: String? {
        switch self {
        case .listIdentities, .listSessions, .readAudit, .verifyAudit: nil
        case .revokeSessions(let user), .offboard(let user, _), .grantAdministration(let user),
            .withdrawAdministration(let user):
            user.rawValue
        }
    }

    package var details: [AuditEvent.Detail] {
        guard case .offboard(_, let pendingJobs) = self else { return [] }
        return [.init("pending-jobs", pendingJobs.rawValue)]
    }

    package var question: Question { .administer }
}

/// What the gateway does by itself, as the service account: a closed list.
package enum SystemAction: Sendable, Equatable {
    /// The refresh loop's read of the queue, partitions, nodes.
    case readQueue(ClusterName)
    /// Reading finished jobs from accounting.
    case readAccounting(ClusterName)
    /// Whether slurmrestd answers an authenticated read.
    case checkReady(ClusterName)
    /// Cancelling a pending job of somebody who was offboarded.
    case cancelLeaverJob(ClusterName, JobID, UserName)
    /// Holding a pending job of somebody who was offboarded.
    case holdLeaverJob(ClusterName, JobID, UserName)

    package static let cancelLeaverJobName = "system.cancel-leaver-job"
    package static let holdLeaverJobName = "system.hold-leaver-job"

    package var cluster: ClusterName {
        switch self {
        case .readQueue(let name), .readAccounting(let name), .checkReady(let name): name
        case .cancelLeaverJob(let name, _, _), .holdLeaverJob(let name, _, _): name
        }
    }

    package var recording: Recording {
        switch self {
        case .readQueue, .readAccounting, .checkReady: .counted
        case .cancelLeaverJob, .holdLeaverJob: .chained
        }
    }

    package var name: String {
        switch self {
        case .readQueue: "system.read-queue"
        case .readAccounting: "system.read-accounting"
        case .checkReady: "system.check-ready"
        case .cancelLeaverJob: SystemAction.cancelLeaverJobName
        case .holdLeaverJob: SystemAction.holdLeaverJobName
        }
    }

    package var target: String? {
        switch self {
        case .readQueue, .readAccounting, .checkReady: nil
        case .cancelLeaverJob(_, let job, let user), .holdLeaverJob(_, let job, let user): "\(user)/\(job)"
        }
    }
}
