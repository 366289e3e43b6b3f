// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import SallyWire
import SlurmModel

/// A person's own jobs on one cluster: list, show, cancel.
struct JobService: Sendable {
    let cluster: ClusterName
    let gate: Gate
    let keeper: QueueKeeper
    let signer: any TokenMinter
    let finder: JobFinder
    let ending: JobEnding
    let clock: any WallClock
    /// What was read longer ago is not shown.
    let staleLimit: Duration

    /// The most finished jobs in one list.
    static let finishedLimit = 1000

    /// A page of the own jobs.
    func list(
        _ query: JobQuery, for principal: Principal, request: OpaqueID
    ) async throws -> (page: JobPage, freshness: Freshness) {
        let user = principal.account.name
        _ = try await gate.authorize(
            ReadOwnJobs(cluster: cluster, owner: user), by: principal, request: request.rawValue)
        let snapshot = try shown()
        let page: JobPage
        if query == .own, snapshot.isAsRead(for: user) {
            page = snapshot.index.page(of: user) { JobPage(snapshot.jobs(of: user).filter { !$0.isFinished }, query) }
        } else {
            let (jobs, omitted) = try await jobs(query, of: user, snapshot)
            page = JobPage(jobs, query, omitted: omitted)
        }
        return (page, keeper.freshness(of: snapshot))
    }

    /// Of accounting's jobs what ended before the time that is asked for is left out: accounting is asked for more. What is in the queue
    /// is shown whenever it ended. Of a job that has ended its end is known, but where accounting has none, and so lists it whatever time it is asked for: then it is shown.
    ///
    /// - Returns: how many of accounting's jobs are not among them, too: those that were too large to be read, and those older than
    ///   the newest `finishedLimit` of what accounting was asked for.
    private func jobs(
        _ query: JobQuery, of user: UserName, _ snapshot: QueueSnapshot
    ) async throws -> (jobs: [QueuedJob], omitted: Int) {
        var filter = query.filter
        filter.owner = user
        // Who asks for a state of those that have ended means them.
        filter.isAlive = query.scope == .queued && filter.states.isEmpty
        let queued = snapshot.jobs(filter)
        guard case .all(let since) = query.scope else { return (queued, 0) }
        let now = clock.now
        let start = max(since ?? now - .seconds(86400), now - JobFinder.reach)
        let wanted = FinishedJobs(
            user: user, job: nil, since: FinishedJobs.asked(since: start, now: now), limit: JobService.finishedLimit)
        let known = Set(snapshot.jobs(of: user).map(\.view.displayID))
        let listing = try await finder.finished.listing(wanted)
        let finished = listing.jobs.filter {
            $0.isFinished && !known.contains($0.view.displayID) && filter.admits($0)
                && $0.view.ended.map { $0 >= start } ?? true
        }
        let jobs = (queued + finished).sorted { ($0.id, $0.view.displayID) < ($1.id, $1.view.displayID) }
        return (jobs, listing.passedOver + listing.older)
    }

    /// - Parameter sessions: reads the principal again before anything is told.
    /// - Throws: as `list`; once it has begun nothing is thrown for what ends it.
    func watch(
        _ job: JobID?, after last: String?, for principal: Principal, sessions: any SessionReader, request: OpaqueID
    ) async throws -> JobWatch {
        _ = try await gate.authorize(
            ReadOwnJobs(cluster: cluster, owner: principal.account.name), by: principal, request: request.rawValue)
        _ = try shown()
        return JobWatch(
            cluster: cluster, gate: gate, sessions: sessions, keeper: keeper, staleLimit: staleLimit,
            principal: principal, request: request, job: job, last: last)
    }

    /// From the shared view, or else from accounting, of which no age is said. Where the view is too old to be shown, only what it
    /// does not have and has ended: how it ended stays as it is.
    func show(_ name: JobName, for principal: Principal, request: OpaqueID) async throws -> Shown<JobView> {
        let user = principal.account.name
        _ = try await gate.authorize(
            ReadOwnJobs(cluster: cluster, owner: user), by: principal, request: request.rawValue)
        let snapshot: QueueSnapshot
        do {
            snapshot = try shown()
        } catch {
            // Whatever accounting says of another, or why it says nothing: that the queue is too old comes first.
            guard let ended = try? await finder.ended(name, of: user) else { throw error }  // see above
            return Shown(value: ended.view, freshness: nil)
        }
        let found = try await finder.job(name, of: user)
        return Shown(value: found.job.view, freshness: found.isQueued ? keeper.freshness(of: snapshot) : nil)
    }

    /// Ends a job or a part of one, or sends it a signal: see `JobEnding`.
    func cancel(_ which: JobTarget, signal: String?, for principal: Principal, request: OpaqueID) async throws {
        try await ending.end(JobEnding.Order(which: which, signal: signal), for: principal, request: request)
    }

    /// The snapshot that may be shown.
    /// - Throws: while the cluster has never been read, or was read too long ago.
    func shown() throws -> QueueSnapshot {
        let snapshot = keeper.snapshot
        guard snapshot.readAt != nil else {
            throw keeper.failure ?? keeper.unread
        }
        guard !snapshot.isOlder(than: staleLimit) else {
            let why = keeper.failure
            throw SallyError(
                .unavailable, "cluster \(cluster) was last read \(snapshot.age) seconds ago: that is too old to show",
                hint: "jobs run on; try again in a minute", cause: why?.message)
        }
        return snapshot
    }
}
