// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import SallyConfig
import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallySocket
import SallyWire
import SlurmClient
import SlurmModel
import StrictJSON

extension FrontService {
    /// Changes one of the person's jobs, if policy would let the person submit the job that it becomes. Of an array each
    /// record is judged: those of its tasks may differ.
    func update(
        _ wanted: FrontJob, _ call: FrontCall, _ request: Request, _ context: GatewayContext
    ) async throws -> FrontReply {
        guard wanted.task == nil else {
            throw SallyError(
                .unsupported, "a task of an array is not changed by itself", hint: "name the whole array: \(wanted.job)"
            )
        }
        let body = try await request.bytes(limit: 1 << 20, context)
        let update: JobUpdate
        do {
            update = try await JobReader.parsed(body) { [version = call.version] in
                try JobUpdate(from: try JSONValue(parsing: body), version: version)
            }
        } catch let error as JSONError {
            throw SallyError(.invalidRequest, "\(error)")
        }
        try await lookAtOwnJobs(call)
        let line = try await line(of: wanted.job, call)
        var reply = FrontReply(("results", []))
        reply.warnings = try await cluster.updates.withTurn(line) { turn in
            try await settle(line, &turn)
            return try await change(wanted.job, update, call, &turn)
        }
        if call.version.rawValue < 42 {
            for key in ["job_id", "step_id", "job_submit_user_msg"] { reply.members.append((key, "")) }
        }
        return reply
    }

    /// How long slurmctld is asked for its clock: as long as any call of it takes.
    private static let clockLimit = Duration.seconds(15)

    /// - Throws: `.conflict` while an earlier change may still arrive: what this one would be put onto is not known.
    private func settle(_ line: JobID, _ turn: inout UpdateTurn) async throws {
        guard let tokenEnds = turn.tokenEnds else { return }
        // slurmctld alone looks at the token, by its own clock.
        let now = cluster.jobs.clock.now
        let certain = Settlement.certain(tokenEnds, try await cluster.slurmClock.skew(within: Self.clockLimit))
        guard certain < now else {
            throw SallyError(
                .conflict, "whether an earlier change of job \(line) reached Slurm is not known yet",
                hint: "try again in \(certain.rawValue - now.rawValue + 1) seconds: nothing was changed by this one")
        }
        turn.tokenEnds = nil
    }

    /// Reads the job, decides, sends. When it returns or throws, the next read shows what became of it, or the turn says that
    /// it is open.
    ///
    /// - Precondition: nobody else changes a job of this line meanwhile, and no change before is open.
    private func change(
        _ job: JobID, _ update: JobUpdate, _ call: FrontCall, _ turn: inout UpdateTurn
    ) async throws -> [SlurmWarningEntry] {
        let records = try await present(job, call)
        var update = update
        let marker = records.compactMap(\.marker).first
        update.mapComment { comment in marker.map { $0.appended(to: comment) } ?? comment }
        let authorized = try await gate.authorize(
            UpdateJob(
                cluster: name, job: job, owner: call.user, update: update,
                outcomes: try await outcomes(of: update, records, call)),
            by: call.principal, request: call.request.rawValue)
        guard let position = authorized.position else {
            throw SallyError(.internal, "an update was authorized without a recorded decision")
        }
        guard cluster.jobs.clock.now < turn.mintBy else {
            throw SallyError(
                .unavailable, "preparing the change of job \(job) took too long",
                hint: "try again: nothing was changed")
        }
        let minted = try await cluster.jobs.signer.mint(
            MintRequest(
                cluster: name, user: call.user, uid: call.principal.account.uid, purpose: .update, position: position,
                mintBy: turn.mintBy))
        switch await cluster.updater.update(authorized, token: Secret(minted.token)) {
        case .done: return []
        case .unsaid:
            return [
                SlurmWarningEntry(
                    description: "Slurm 22.05 does not say whether it changed every task of an array: look at the job",
                    source: "slurm_update_job()")
            ]
        case .refused(let problem): throw problem
        case .unknown(let problem):
            turn.tokenEnds = minted.expires
            // However the answer was lost: the change may be there.
            throw SallyError(
                .timeout, "whether Slurm changed job \(job) is not known: \(problem.message)",
                hint: "look at the job before you change it again", cause: problem.cause)
        }
    }

    /// What a job's changes wait in line by. It never changes for a job.
    private func line(of job: JobID, _ call: FrontCall) async throws -> JobID {
        let known = cluster.keeper.snapshot.records(job).first { $0.owner == call.user && !$0.isStale }
        if let known { return known.line }
        return try await present(job, call)[0].line  // never empty
    }

    /// What Slurm reports of the job at this moment: what is judged must not be older than need be. Never empty.
    private func present(_ job: JobID, _ call: FrontCall) async throws -> [QueuedJob] {
        let records = try await cluster.access.read(.readQueue(name)) { [queue = cluster.queue] read, token in
            try await queue.job(job, read, token: token)
        }
        guard !records.isEmpty, records.allSatisfy({ $0.owner == call.user }) else { throw missing(job) }
        let open = records.filter { !$0.isFinished }
        guard !open.isEmpty else {
            throw cluster.jobs.ending.finished(JobTarget(job: job)).saying(.alreadyDone, for: .conflict)
        }
        return open
    }

    /// What may become of the job, each once.
    private func outcomes(
        of update: JobUpdate, _ records: [QueuedJob], _ call: FrontCall
    ) async throws -> [JobUpdate.Outcome] {
        let snapshot = cluster.keeper.latest
        guard !snapshot.partitions.isEmpty else {
            throw SallyError(.unavailable, "the partitions of cluster \(name) are not known yet", hint: "try again")
        }
        let known = try? cluster.accounts.ifKnown(call.principal)  // only a home, which no update changes
        var defaults = ClusterDefaults(
            partitions: snapshot.partitions, nodes: snapshot.nodes,
            account: cluster.config.defaultAccount ?? known?.accounts.first, home: known?.home)
        defaults.take(cluster.config)
        if !update.fields.contains(.qos) { defaults.usualQOS = await usualQOS(call) }
        var outcomes: [JobUpdate.Outcome] = []
        for job in records {
            guard let record = SlurmRecord(packed: job.record) else {
                throw SallyError(.unavailable, "Slurm's record of job \(job.view.job) is not known", hint: "try again")
            }
            let next = try update.outcomes(
                of: record.json(APIVersion(rawValue: 42)), from: record.version, defaults: defaults, user: call.user)
            for outcome in next where !outcomes.contains(outcome) { outcomes.append(outcome) }
        }
        return outcomes
    }

    /// Nothing where accounting does not answer: then the QOS that a job has is judged as if it had been named.
    private func usualQOS(_ call: FrontCall) async -> [AccountName: QOSName] {
        guard cluster.config.accounting else { return [:] }
        guard let read = try? await cluster.listings.read(.associations) else { return [:] }  // see above
        return await besideLoops { [slurmName = cluster.config.slurmName, user = call.user] in
            let known = read.records(named: user.rawValue) + read.records(named: "")
            return UsualQOS(known.filter { $0.isOf(slurmName) }).names(of: user)
        }
    }
}

extension QueuedJob {
    /// The number that an array, or the first part of a heterogeneous job, was submitted under: changes of any part of it wait
    /// for each other.
    var line: JobID {
        let first = SlurmRecord(packed: record)?.count("het_job_id").flatMap { UInt32(exactly: $0) }
        return first.flatMap { JobID(rawValue: $0) } ?? base
    }
}
