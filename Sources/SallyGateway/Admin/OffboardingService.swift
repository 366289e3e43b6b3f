// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyConfig
import SallyIdentity
import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallyWire

/// Ends what a person can do, in the order that leaves no gap: no token for the name any more, then no session and no
/// sign-in, then on every cluster no new job, the account locked, and the pending jobs. Running jobs run on.
///
/// A step that fails does not stop the others; the report says so, and the same again finishes the work.
struct OffboardingService: Sendable {
    let gate: Gate
    let signer: any TokenMinter
    let steward: any AccountKeeper
    let identities: any IdentityStore
    let book: any AuditBook
    let clusters: ClusterTable
    let log: Logger

    /// - Parameter pendingJobs: nil does as each cluster is configured.
    func offboard(
        _ user: UserName, pendingJobs: LeaverJobs?, for requester: Requester, request: OpaqueID
    ) async throws -> OffboardReport {
        let start = ContinuousClock.now
        let recorded = pendingJobs ?? clusters.all.first?.config.pendingJobsOnOffboarding ?? .leave
        let authorized = try await requester.authorize(
            .offboard(user, pendingJobs: recorded), at: gate, request: request)
        guard try await identities.person(named: user) != nil else {
            throw SallyError(
                .notFound, "nobody has the user name \(user)", hint: "`sally admin identities` lists everybody")
        }
        var steps = Steps(start: start)
        await steps.take("no more tokens", at: "signer") {
            try await signer.deny(user)
            return ("done", "the name is on the deny list")
        }
        await steps.take("no session, no sign-in", at: "gateway") {
            let ended = try await identities.offboard(user, by: authorized.actor)
            return ("done", ended == 1 ? "1 session ended" : "\(ended) sessions ended")
        }
        for part in await onClusters(user, pendingJobs, start) { steps.all += part }
        let failed = steps.all.filter { $0.outcome == KeeperReport.Outcome.failed.rawValue }
        await record(user, authorized.actor, steps.all, failed.isEmpty, request)
        return OffboardReport(user: user, steps: steps.all, complete: failed.isEmpty)
    }

    /// All clusters at once; in the report one after the other.
    private func onClusters(
        _ user: UserName, _ pendingJobs: LeaverJobs?, _ start: ContinuousClock.Instant
    ) async -> [[OffboardReport.Step]] {
        await withTaskGroup(of: (Int, [OffboardReport.Step]).self) { group in
            for (place, cluster) in clusters.all.enumerated() {
                group.addTask {
                    var steps = Steps(start: start)
                    await lock(user, on: cluster, &steps)
                    await endPending(user, pendingJobs ?? cluster.config.pendingJobsOnOffboarding, on: cluster, &steps)
                    return (place, steps.all)
                }
            }
            var parts: [(Int, [OffboardReport.Step])] = []
            for await part in group { parts.append(part) }
            return parts.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func lock(_ user: UserName, on cluster: ClusterGateway, _ steps: inout Steps) async {
        let name = cluster.config.name
        do {
            let report = try await steward.lock(LockRequest(cluster: name, user: user))
            for step in report.steps {
                // Several clusters have a node of one name; the steward's own steps are about the cluster.
                let place = step.place == name.rawValue ? step.place : "\(name)/\(step.place)"
                steps.add(step.name, at: place, step.outcome.rawValue, step.detail)
            }
        } catch let error as SallyError where error.code == .notFound {
            steps.add("account", at: name.rawValue, "skipped", "there is no account on this cluster")
        } catch {
            steps.add("account", at: name.rawValue, "failed", asSallyError(error).description)
        }
    }

    private func endPending(
        _ user: UserName, _ wish: LeaverJobs, on cluster: ClusterGateway, _ steps: inout Steps
    ) async {
        let name = cluster.config.name
        guard wish != .leave else {
            steps.add("pending jobs", at: name.rawValue, "skipped", "left as configured")
            return
        }
        let pending: [JobID]
        do {
            let snapshot = try await cluster.keeper.snapshot(readAfter: .now, within: cluster.patience)
            pending = snapshot.jobs(of: user).filter(\.isPending).map(\.view.job)
        } catch {
            steps.add("pending jobs", at: name.rawValue, "failed", asSallyError(error).description)
            return
        }
        guard !pending.isEmpty else {
            steps.add("pending jobs", at: name.rawValue, "unchanged", "there are none")
            return
        }
        for job in Set(pending).sorted() {
            await steps.take("pending job \(job)", at: name.rawValue) {
                let action: SystemAction =
                    switch wish {
                    case .cancel, .leave: .cancelLeaverJob(name, job, user)
                    case .hold: .holdLeaverJob(name, job, user)
                    }
                try await cluster.access.change(action) { authorized, token in
                    try await cluster.queue.endLeaverJob(authorized, token: token)
                }
                return ("done", wish == .hold ? "held" : "cancelled")
            }
        }
    }

    private func record(
        _ user: UserName, _ actor: Actor, _ steps: [OffboardReport.Step], _ complete: Bool, _ request: OpaqueID
    ) async {
        let details = steps.prefix(100).map {
            AuditEvent.Detail("\($0.place): \($0.name)", "\($0.outcome): \(String($0.detail.prefix(200)))")
        }
        do {
            _ = try await book.append(
                AuditDraft(
                    actor: actor.label, action: "admin.offboard", target: user.rawValue,
                    outcome: complete ? .completed : .failed, request: request.rawValue, details: details))
        } catch {
            log.error(
                "the steps of an offboarding were not recorded", metadata: ["user": "\(user)", "cause": "\(error)"])
        }
    }
}

/// The report as it grows.
private struct Steps {
    let start: ContinuousClock.Instant
    var all: [OffboardReport.Step] = []

    init(start: ContinuousClock.Instant) { self.start = start }

    mutating func add(_ name: String, at place: String, _ outcome: String, _ detail: String) {
        all.append(
            OffboardReport.Step(
                name: name, place: place, outcome: outcome, detail: detail,
                milliseconds: Int(start.duration(to: .now) / .milliseconds(1))))
    }

    mutating func take(
        _ name: String, at place: String, _ body: () async throws -> (outcome: String, detail: String)
    ) async {
        do {
            let result = try await body()
            add(name, at: place, result.outcome, result.detail)
        } catch {
            add(name, at: place, "failed", asSallyError(error).description)
        }
    }
}
