// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallyWire

/// A person's own jobs on one cluster: list, show, cancel.
struct JobService: Sendable {
    let cluster: ClusterName
    let gate: Gate
    let keeper: QueueKeeper
    let queue: any SlurmQueue
    let access: ServiceAccess
    let signer: any TokenMinter
    let finder: JobFinder
    let clock: any WallClock

    /// The most finished jobs in one list.
    static let finishedLimit = 1000
    /// How long a cancelled job may take until the queue says so.
    private static let confirmation = Duration.seconds(15)

    enum Scope: Sendable, Equatable {
        case queued
        /// With those that ended since.
        case all(since: Timestamp?)
    }

    func list(_ scope: Scope, for principal: Principal, request: OpaqueID) async throws -> JobList {
        let user = principal.account.name
        _ = try await gate.authorize(
            ReadOwnJobs(cluster: cluster, owner: user), by: principal, request: request.rawValue)
        try checkRead()
        let snapshot = keeper.snapshot
        var jobs = snapshot.jobs(of: user)
        switch scope {
        case .queued: jobs.removeAll { $0.isFinished }
        case .all(let since):
            let earliest = clock.now - JobFinder.reach
            let wanted = FinishedJobs(
                user: user, job: nil, since: max(since ?? clock.now - .seconds(86400), earliest),
                limit: JobService.finishedLimit)
            let finished = try await access.read(.readAccounting(cluster)) { read, token in
                try await queue.finished(wanted, read, token: token)
            }
            let known = Set(jobs.map(\.view.displayID))
            jobs += finished.filter { $0.owner == user && $0.isFinished && !known.contains($0.view.displayID) }
            jobs.sort { ($0.view.job, $0.view.displayID) < ($1.view.job, $1.view.displayID) }
        }
        return JobList(jobs: jobs.map(\.view), age: snapshot.age)
    }

    func show(_ id: JobID, for principal: Principal, request: OpaqueID) async throws -> JobView {
        let user = principal.account.name
        _ = try await gate.authorize(
            ReadOwnJobs(cluster: cluster, owner: user), by: principal, request: request.rawValue)
        try checkRead()
        return try await finder.job(id, of: user).view
    }

    /// Ends a job, or sends it a signal. Returns when the queue shows that it is ending: slurmrestd's own answer says 200
    /// even where slurmctld refused (Slurm 24.11).
    func cancel(_ id: JobID, signal: String?, for principal: Principal, request: OpaqueID) async throws {
        let user = principal.account.name
        try await finder.check(id, belongsTo: user)
        let records = keeper.snapshot.records(id)
        if !records.isEmpty, records.allSatisfy(\.isFinished) { throw finished(id) }
        let cancel = try await gate.authorize(
            Cancel(cluster: cluster, job: id, owner: user, signal: signal), by: principal, request: request.rawValue)
        guard let position = cancel.position else {
            throw SallyError(.internal, "a cancel was authorized without a recorded decision")
        }
        let minted = try await signer.mint(
            MintRequest(
                cluster: cluster, user: user, uid: principal.account.uid, purpose: .cancel, position: position))
        try await queue.cancel(cancel, token: Secret(minted.token))
        guard signal == nil else { return }
        try await confirm(id)
        keeper.showCancelled(id)
    }

    private func confirm(_ id: JobID) async throws {
        let end = ContinuousClock.now + JobService.confirmation
        while ContinuousClock.now < end {
            let snapshot = try await keeper.snapshot(readAfter: .now, within: .seconds(10))
            let alive = snapshot.records(id).contains { !$0.isEnding }
            if !alive { return }
            try await Task.sleep(for: .milliseconds(200))
        }
        throw SallyError(
            .timeout, "Slurm took the cancel of job \(id), but the job is still there",
            hint: "look again with `sally job \(id)`, then try again")
    }

    private func finished(_ id: JobID) -> SallyError {
        SallyError(.conflict, "job \(id) has already finished", hint: "`sally job \(id)` shows how it ended")
    }

    /// - Throws: while the cluster has never been read.
    private func checkRead() throws {
        if keeper.snapshot.readAt == nil, let failure = keeper.failure { throw failure }
    }
}
