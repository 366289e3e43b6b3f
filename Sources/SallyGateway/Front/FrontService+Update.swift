// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import SallyConfig
import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallyWire
import SlurmModel
import StrictJSON

extension FrontService {
    /// Changes one of the person's jobs, if policy would let the person submit the job that it becomes. Of an array each
    /// record is judged: those of its tasks may differ.
    func update(_ wanted: FrontJob, _ call: FrontCall, _ request: Request) async throws -> FrontReply {
        guard wanted.task == nil else {
            throw SallyError(
                .unsupported, "a task of an array is not changed by itself", hint: "name the whole array: \(wanted.job)"
            )
        }
        let body = try await request.bytes(limit: 1 << 20)
        var update: JobUpdate
        do {
            update = try JobUpdate(from: try JSONValue(parsing: body), version: call.version)
        } catch let error as JSONError {
            throw SallyError(.invalidRequest, "\(error)")
        }
        try await lookAtOwnJobs(call)
        let records = try await present(wanted.job, call)
        let marker = records.compactMap(\.marker).first
        update.mapComment { comment in marker.map { $0.appended(to: comment) } ?? comment }
        let merged = try await judged(update, records, call)
        for other in merged.dropFirst() {
            let question = Question.submit(name, other.job, other.bounds)
            if case .refused(let refusal) = gate.explain(question, for: call.principal).decision {
                throw SallyError(.denied, refusal.message, hint: refusal.hint)
            }
        }
        let authorized = try await gate.authorize(
            UpdateJob(cluster: name, job: wanted.job, owner: call.user, update: update, merged: merged[0]),
            by: call.principal, request: call.request.rawValue)
        guard let position = authorized.position else {
            throw SallyError(.internal, "an update was authorized without a recorded decision")
        }
        let minted = try await cluster.jobs.signer.mint(
            MintRequest(
                cluster: name, user: call.user, uid: call.principal.account.uid, purpose: .update, position: position))
        try await cluster.updater.update(authorized, token: Secret(minted.token))
        var reply = FrontReply(("results", []))
        if call.version.rawValue < 42 {
            for key in ["job_id", "step_id", "job_submit_user_msg"] { reply.members.append((key, "")) }
        }
        return reply
    }

    /// What Slurm reports of the job at this moment: what is judged must not be older than need be.
    private func present(_ job: JobID, _ call: FrontCall) async throws -> [QueuedJob] {
        let records = try await cluster.access.read(.readQueue(name)) { [queue = cluster.queue] read, token in
            try await queue.job(job, read, token: token)
        }
        guard !records.isEmpty, records.allSatisfy({ $0.owner == call.user }) else { throw missing(job) }
        let open = records.filter { !$0.isFinished }
        guard !open.isEmpty else {
            throw SallyError(
                .conflict, "job \(job) has already finished", slurm: .alreadyDone)
        }
        return open
    }

    /// The jobs as they would be, each kind once; never empty.
    private func judged(
        _ update: JobUpdate, _ records: [QueuedJob], _ call: FrontCall
    ) async throws -> [JobUpdate.Merged] {
        let snapshot = cluster.keeper.latest
        let known = try? cluster.accounts.ifKnown(call.principal)  // only a home, which no update changes
        let defaults = ClusterDefaults(
            partitions: snapshot.partitions, nodes: snapshot.nodes,
            account: cluster.config.defaultAccount ?? known?.accounts.first, home: known?.home)
        var merged: [JobUpdate.Merged] = []
        for job in records {
            guard let record = SlurmRecord(packed: job.record) else {
                throw SallyError(.unavailable, "Slurm's record of job \(job.view.job) is not known", hint: "try again")
            }
            let next = try update.merged(
                with: record.json(APIVersion(rawValue: 42)), defaults: defaults, user: call.user)
            if !merged.contains(next) { merged.append(next) }
        }
        return merged
    }
}
