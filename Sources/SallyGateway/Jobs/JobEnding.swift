// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallyWire
import SlurmModel

/// Ends jobs of one's own, or parts of them, or signals them.
///
/// Slurm is asked for the job itself before: the shared view of the queue is seconds old, or minutes while Slurm is away, and
/// Slurm gives numbers again. Whose job it is Slurm tells, never the caller.
struct JobEnding: Sendable {
    let cluster: ClusterName
    let gate: Gate
    let keeper: QueueKeeper
    let queue: any SlurmQueue
    let access: ServiceAccess
    let signer: any TokenMinter
    let finder: JobFinder

    /// How long a cancelled job may take until the queue says so.
    var confirmation = Duration.seconds(15)

    struct Order: Sendable {
        var which: JobTarget
        /// Nil ends it.
        var signal: String?
        var flags: Set<CancelFlag> = []
        /// Which records are meant; nil are all that `which` names. Where none is left, nothing happens.
        var filter: (@Sendable (QueuedJob) -> Bool)?
    }

    /// Returns when the queue shows that it is ending; a signal, when Slurm took it. slurmrestd's own answer says 200 even
    /// where slurmctld refused (Slurm 24.11).
    func end(_ order: Order, for principal: Principal, request: OpaqueID) async throws {
        let user = principal.account.name
        let (open, number) = try await present(order.which, of: user)
        let meant = if let filter = order.filter { open.filter(filter) } else { open }
        guard !meant.isEmpty else { return }
        guard meant.count == open.count else {
            throw SallyError(
                .conflict, "only some of job \(order.which) is meant, and it changed meanwhile", hint: "try again")
        }
        let cancel = try await gate.authorize(
            Cancel(
                cluster: cluster, ending: order.which, number: number, owner: user, signal: order.signal,
                flags: order.flags),
            by: principal, request: request.rawValue)
        guard let position = cancel.position else {
            throw SallyError(.internal, "a cancel was authorized without a recorded decision")
        }
        let minted = try await signer.mint(
            MintRequest(
                cluster: cluster, user: user, uid: principal.account.uid, purpose: .cancel, position: position))
        try await queue.cancel(cancel, token: Secret(minted.token))
        guard order.signal == nil else { return }
        let told = try await confirm(order.which)
        keeper.showEnded(order.which, of: user, told: told)
    }

    /// The records of it that have not ended, as Slurm tells them now, and the number that stands for it alone.
    ///
    /// - Throws: `.notFound` for somebody else's, exactly as for none, and for a part that is not among what the queue has of the
    ///   job; `.conflict` for what has ended, and for any part of a job that Slurm has forgotten.
    private func present(
        _ which: JobTarget, of user: UserName
    ) async throws -> (open: [QueuedJob], number: JobID?) {
        // What is known to be somebody else's costs Slurm no question.
        guard keeper.snapshot.records(which.job).allSatisfy({ $0.owner == user }) else {
            throw finder.missing(which.job)
        }
        let records = try await records(which)
        guard !records.isEmpty else {
            // Slurm has forgotten it: whoever had it hears that it has ended.
            try await finder.check(which.job, belongsTo: user)
            throw finished(which)
        }
        guard records.allSatisfy({ $0.owner == user }) else { throw finder.missing(which.job) }
        let named = records.filter { $0.isNamed(by: which) }
        guard !named.isEmpty else { throw missing(which) }
        let open = named.filter { !$0.isFinished }
        guard !open.isEmpty else { throw finished(which) }
        return (open, number(which, records.filter { !$0.isFinished }))
    }

    /// What Slurm says of the job at this moment; an answer about another job says nothing of this one.
    private func records(_ which: JobTarget) async throws -> [QueuedJob] {
        // Components follow each other; some versions list all of them under the first one's number.
        var numbers = [which.job]
        if which.number != which.job { numbers.append(which.number) }
        return try await access.read(.readQueue(cluster)) { [queue, numbers] read, token -> [QueuedJob] in
            var found: [QueuedJob] = []
            for number in numbers {
                found += try await queue.job(number, read, token: token).filter {
                    $0.id == which.job || $0.base == which.job || $0.heterogeneous?.job == which.job
                }
                if found.contains(where: { $0.isNamed(by: which) }) { break }
            }
            return found
        }
    }

    /// The number that Slurm takes for `which` and for nothing else of all that has not ended, for those Slurms that know
    /// nothing but numbers: an array's is that of all its tasks.
    private func number(_ which: JobTarget, _ unfinished: [QueuedJob]) -> JobID? {
        switch which.part {
        case nil: return which.job
        case .task:
            guard let task = unfinished.first(where: { $0.view.displayID == which.description }) else { return nil }
            return task.id != which.job || unfinished.count == 1 ? task.id : nil
        case .waiting: return unfinished.allSatisfy(\.isPending) ? which.job : nil
        case .component: return nil
        }
    }

    /// Asks for the job alone: what one person ends costs Slurm no list of everybody's jobs.
    ///
    /// - Returns: what Slurm says of the job that `which` is or belongs to, now that it is ending.
    private func confirm(_ which: JobTarget) async throws -> [QueuedJob] {
        let end = ContinuousClock.now + confirmation
        while ContinuousClock.now < end {
            let told = try await records(which)
            let left = told.filter { !$0.isEnding && $0.isNamed(by: which) }
            // Where the list of what waits is cut short, Slurm's word has to do.
            if left.allSatisfy({ which.part != nil && $0.isWaitingRest && $0.waitingTasks == nil }) { return told }
            try await Task.sleep(for: .milliseconds(200))
        }
        throw SallyError(
            .timeout, "Slurm took the cancel of job \(which), but the job is still there",
            hint: "look again with `sally job \(shown(which))`, then try again")
    }

    /// Of a job of one's own that has other parts, or none.
    func missing(_ which: JobTarget) -> SallyError {
        guard let part = which.part else { return finder.missing(which.job) }
        let name =
            switch part {
            case .task(let index): "task \(index)"
            case .component(let offset): "component \(offset)"
            case .waiting: "task that waits"
            }
        return SallyError(
            .notFound, "your job \(which.job) on cluster \(cluster) has no \(name) in the queue",
            hint: "`sally jobs -M \(cluster)` lists what of it is in the queue")
    }

    func finished(_ which: JobTarget) -> SallyError {
        SallyError(
            .conflict, "job \(which) has already finished", hint: "`sally job \(shown(which))` shows how it ended")
    }

    /// By what name it can be asked for.
    private func shown(_ which: JobTarget) -> JobTarget { which.part == .waiting ? JobTarget(job: which.job) : which }
}
