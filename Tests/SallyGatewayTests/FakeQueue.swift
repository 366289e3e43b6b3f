// SPDX-License-Identifier: Apache-2.0

import SallyIdentity
import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallyWire
import SlurmClient
import SlurmModel
import StrictJSON
import Synchronization

@testable import SallyGateway

final class FakeQueue: SlurmQueue {
    struct State {
        var jobs: [QueuedJob] = []
        var finished: [QueuedJob] = []
        /// In the same slurmdbd, of another cluster.
        var finishedElsewhere: [QueuedJob] = []
        /// Records that were too large to be read, and whether lists came without steps for that.
        var passedOver = 0
        var lacksSteps = false
        var partitions: [Partition] = []
        var nodes: [Node] = []
        var next: UInt32 = 100
        var submits: [(user: UserName, comment: String?, position: AuditPosition?)] = []
        var folders: [String?] = []
        var tokens: [String] = []
        var cancelled: [JobID] = []
        /// What was ended, as it is spelled, and the number that Slurm would take for it.
        var cancels: [String] = []
        var flags: [String] = []
        var signals: [String] = []
        var leavers: [SystemAction] = []
        var reads = 0
        /// Reads of the queue that may have to wait for anybody's.
        var sharedReads: [String] = []
        /// slurmctld's clock, as far from the gateway's as a test says.
        var clock: TestClock?
        var skew: Int64 = 0
        /// What slurmctld has not told slurmdbd yet.
        var backlog: Int64 = 0
        var accountingReads = 0
        var asked: [FinishedJobs] = []
        var accountingFailure: SallyError?
        /// How often newer API versions were looked for.
        var versionLooks = 0
        /// Whether states are served by themselves, and how often they and single jobs were read.
        var servesStates = false
        /// What is said of states, instead of those of `jobs`.
        var states: [JobStateEntry]?
        var stateReads = 0
        var jobReads: [JobID] = []
        /// Jobs that are not found when they are asked for one by one.
        var hidden: Set<JobID> = []
        var failure: SallyError?
        /// Of `partitions` or `nodes` alone, and how often each were read.
        var shapeFailures: [String: SallyError] = [:]
        var shapeReads: [String: Int] = [:]
        /// What reads of single jobs get in place of an answer, by their number, counted from 1.
        var jobFailures: [Int: SallyError] = [:]
        /// What reads of single jobs get in place of their records.
        var jobAnswers: [JobID: [QueuedJob]] = [:]
        /// Of the whole list alone.
        var listFailure: SallyError?
        var answer: SubmitResult?
        /// Whether the job is there although the answer is lost.
        var losesAnswer = false
        var blocksSubmit: Latch?
        var blocksReads: Latch?
        /// What the next reads of the queue say, instead of `jobs`.
        var lists: [[QueuedJob]] = []
        /// What slurmctld's clock says in a list; nil where it is not said.
        var listedAt: Timestamp?
        /// The moments since which changes were asked for; `saysUnchanged` answers them with nothing.
        var changesAsked: [Timestamp?] = []
        var saysUnchanged = false
        /// When something changed last, by slurmctld's clock: what was asked for since a later moment is answered with nothing.
        var changedAt: Timestamp?
        /// Whether slurmctld does not tell its clock when it is asked.
        var hidesClock = false
        var blocksFinished: Latch?
        var cancelsNothing = false
        var blocksCancels: Latch?
        /// What is listed beside the queue.
        var records: [SlurmListing: [SlurmRecord]] = [:]
        var listed: [SlurmListing] = []
        var updates: [(job: JobID, body: JSONValue)] = []
        var updateResult = UpdateResult.done
        var blocksUpdates: Latch?
        var blocksLists: Latch?
    }

    private final class Shared: Sendable { let state = Mutex(State()) }
    private let shared: Shared
    private let isKeepers: Bool

    init(keepersOf queue: FakeQueue? = nil) {
        shared = queue?.shared ?? Shared()
        isKeepers = queue != nil
    }

    var forKeeper: any SlurmQueue { FakeQueue(keepersOf: self) }

    var now: State { shared.state.withLock { $0 } }
    func change(_ body: (inout sending State) -> Void) { shared.state.withLock { body(&$0) } }

    private func noteRead(_ what: String) {
        if !isKeepers { change { $0.sharedReads.append(what) } }
    }

    func submit(_ submit: Authorized<Submit>, token: Secret<String>) async -> SubmitResult {
        let latch = shared.state.withLock { state in
            state.submits.append(
                (
                    submit.account?.name ?? UserName(unchecked: "nobody"), submit.action.job.request.comment,
                    submit.position
                ))
            state.tokens.append(token.reveal())
            state.folders.append(submit.action.job.request.workingDirectory)
            return state.blocksSubmit
        }
        await latch?.wait()
        return shared.state.withLock { state in
            if let answer = state.answer { return answer }
            let id = JobID(rawValue: state.next)!  // a small number
            state.next += 1
            let user = submit.account!.name  // a person submits
            state.jobs.append(
                makeJob(
                    id.rawValue, user, comment: submit.action.job.request.comment, cluster: submit.action.clusterName))
            if state.losesAnswer { return .unknown(SallyError(.timeout, "no answer")) }
            return .accepted(id, messages: ["pending for a reason"])
        }
    }

    func cancel(_ cancel: Authorized<Cancel>, token: Secret<String>) async throws {
        let which = cancel.action.which
        change { state in
            state.cancelled.append(which.job)
            state.cancels.append("\(which) \(cancel.action.number.map { "\($0)" } ?? "-")")
        }
        await now.blocksCancels?.wait()
        change { state in
            if let signal = cancel.action.signal { state.signals.append(signal) }
            state.flags += cancel.action.flags.map(\.rawValue).sorted()
            guard !state.cancelsNothing else { return }
            state.jobs.removeAll { job in
                switch which.part {
                case nil: job.isListed(under: which.job)
                case .task: job.view.displayID == which.description
                case .component, .waiting: job.isNamed(by: which)
                }
            }
            guard case .task(let task) = which.part else { return }
            for (place, job) in state.jobs.enumerated() where job.isNamed(by: which) {
                let left = (job.waitingTasks?.indexes ?? []).subtracting([task]).sorted().map(String.init)
                state.jobs[place].view.displayID = "\(which.job)_[\(left.joined(separator: ","))]"
            }
        }
    }

    func jobs(
        changedSince moment: Timestamp?, _ read: Authorized<SystemAction>, token: Secret<String>
    ) async throws -> QueueListing {
        noteRead("jobs")
        await now.blocksReads?.wait()
        return try shared.state.withLock { state in
            state.reads += 1
            state.changesAsked.append(moment)
            if let failure = state.failure ?? state.listFailure { throw failure }
            if moment != nil, state.saysUnchanged { return QueueListing(jobs: [], readAt: state.listedAt) }
            // slurmctld, proc_req.c: `(last_update - 1) >= last_job_update`.
            if let moment, let changedAt = state.changedAt, moment.rawValue - 1 >= changedAt.rawValue {
                return QueueListing(jobs: [], readAt: nil)
            }
            return QueueListing(
                jobs: state.lists.isEmpty ? state.jobs : state.lists.removeFirst(), readAt: state.listedAt)
        }
    }

    func job(_ job: JobID, _ read: Authorized<SystemAction>, token: Secret<String>) async throws -> [QueuedJob] {
        noteRead("job")
        return try shared.state.withLock { state in
            state.jobReads.append(job)
            if let failure = state.failure { throw failure }
            if let failure = state.jobFailures[state.jobReads.count] { throw failure }
            if let said = state.jobAnswers[job] { return said }
            return state.jobs.filter { $0.isListed(under: job) && !state.hidden.contains(job) }
        }
    }

    func states(_ read: Authorized<SystemAction>, token: Secret<String>) async throws -> [JobStateEntry]? {
        noteRead("states")
        return try shared.state.withLock { state in
            state.stateReads += 1
            if let failure = state.failure { throw failure }
            guard state.servesStates else { return nil }
            if let said = state.states { return said }
            return state.jobs.map { job in
                let task = job.array == nil ? "" : String(job.view.displayID.drop { $0 != "_" })
                let part = job.heterogeneous.map { "+\($0.offset)" } ?? task
                return JobStateEntry(job: job.view.job, part: part, states: job.view.states.map { JobState($0) })
            }
        }
    }

    func diagnosis(
        _ read: Authorized<SystemAction>, token: Secret<String>
    ) async throws -> SlurmReply.Diagnosis {
        try shared.state.withLock { state in
            if let failure = state.failure { throw failure }
            if state.hidesClock { throw SallyError(.unsupported, "no clock") }
            return SlurmReply.Diagnosis(
                time: Timestamp((state.clock ?? TestClock()).now.rawValue + state.skew),
                accountingBacklog: state.backlog)
        }
    }

    func partitions(_ read: Authorized<SystemAction>, token: Secret<String>) async throws -> [Partition] {
        try shape("partitions").partitions
    }

    func nodes(_ read: Authorized<SystemAction>, token: Secret<String>) async throws -> [Node] {
        try shape("nodes").nodes
    }

    private func shape(_ what: String) throws -> State {
        noteRead(what)
        change { $0.shapeReads[what, default: 0] += 1 }
        let state = now
        if let failure = state.shapeFailures[what] { throw failure }
        return state
    }

    func finished(
        _ wanted: FinishedJobs, _ read: Authorized<SystemAction>, token: Secret<String>
    ) async throws -> FinishedListing {
        change {
            $0.accountingReads += 1
            $0.asked.append(wanted)
        }
        await now.blocksFinished?.wait()
        if let failure = now.accountingFailure ?? now.failure { throw failure }
        func isWanted(_ job: QueuedJob) -> Bool {
            job.owner == wanted.user && wanted.job.map { job.isListed(under: $0) } ?? true
        }
        let state = now
        let jobs = state.finished.filter(isWanted)
        return FinishedListing(
            jobs: jobs.suffix(wanted.limit), elsewhere: state.finishedElsewhere.filter(isWanted),
            passedOver: state.passedOver, older: max(0, jobs.count - wanted.limit))
    }

    func endLeaverJob(_ action: Authorized<SystemAction>, token: Secret<String>) async throws {
        shared.state.withLock { $0.leavers.append(action.action) }
    }
}

extension FakeQueue: SlurmUpdater {
    func update(_ update: Authorized<UpdateJob>, token: Secret<String>) async -> UpdateResult {
        let body: JSONValue
        do {
            body = try update.action.update.json(version: APIVersion(rawValue: 42), now: Timestamp(0))
        } catch {
            return .refused(asSallyError(error))
        }
        change {
            $0.updates.append((job: update.action.job, body: body))
            $0.tokens.append(token.reveal())
        }
        await now.blocksUpdates?.wait()
        return now.updateResult
    }
}

extension FakeQueue: SlurmLister {
    func records<Element: Sendable>(
        _ listing: SlurmListing, _ read: Authorized<SystemAction>, token: Secret<String>,
        _ make: @Sendable @escaping (SlurmRecord) -> Element?
    ) async throws -> ListedRecords<Element> {
        change { $0.listed.append(listing) }
        await now.blocksLists?.wait()
        if let failure = now.failure { throw failure }
        let state = now
        let records: [SlurmRecord]?
        switch listing {
        // Whatever moment is asked for.
        case .jobs(let user, _): records = state.records[.jobs(of: user, since: Timestamp(0))]
        case .partitions, .nodes, .reservations, .users, .associations, .accounts, .qos, .job:
            records = state.records[listing]
        }
        return ListedRecords(
            (records ?? []).compactMap(make), passedOver: state.passedOver, lacksSteps: state.lacksSteps)
    }
}
