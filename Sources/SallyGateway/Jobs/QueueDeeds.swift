// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire
import SlurmModel

/// What we did ourselves and no read has seen yet, by whose it is: what one person does costs the view of another nothing.
struct QueueDeeds: Sendable {
    private var log: [(deed: Deed, owner: UserName, at: ContinuousClock.Instant)] = []
    private var people: [UserName: Own] = [:]

    fileprivate enum Deed: Sendable {
        case submitted(QueuedJob)
        case ended(JobTarget, told: [QueuedJob])
    }

    /// One person's.
    struct Own: Sendable {
        fileprivate(set) var submitted: [QueuedJob] = []
        /// What Slurm said of jobs once it had ended them or a part of them.
        fileprivate(set) var told: [JobID: QueuedJob] = [:]
        /// What was ended, by the number that it has or is a part of.
        private var ended: [JobID: Set<JobTarget>] = [:]

        /// The job as it is since; `job` is as it was read.
        func asKnown(_ job: QueuedJob) -> QueuedJob {
            if let told = told[job.id] { return told }
            guard !ended.isEmpty else { return job }
            // What Slurm told nothing of any more.
            var targets = (ended[job.id] ?? []).union(ended[job.base] ?? [])
            if let whole = job.heterogeneous?.job { targets.formUnion(ended[whole] ?? []) }
            return targets.reduce(job) { $0.ended(by: $1) }
        }

        fileprivate mutating func add(_ deed: Deed) {
            switch deed {
            case .submitted(let job): submitted.append(job)
            case .ended(let which, let jobs):
                ended[which.number, default: []].insert(which)
                told = told.mapValues { $0.ended(by: which) }
                for job in jobs { told[job.id] = job.ended(by: which) }
            }
        }
    }

    var isEmpty: Bool { log.isEmpty }

    /// Whose jobs they concern.
    var owners: Set<UserName> { Set(people.keys) }

    /// Everybody's who did something.
    var all: [Own] { Array(people.values) }

    func of(_ user: UserName) -> Own? { people[user] }

    /// What was submitted before that.
    func submitted(before moment: ContinuousClock.Instant) -> [QueuedJob] {
        log.compactMap { entry -> QueuedJob? in
            if entry.at < moment, case .submitted(let job) = entry.deed { job } else { nil }
        }
    }

    mutating func submit(_ job: QueuedJob, of owner: UserName, at moment: ContinuousClock.Instant) {
        add(.submitted(job), owner, moment)
    }

    /// - Parameter told: what Slurm said afterwards of the job that it is or belongs to; nothing of what it has forgotten.
    mutating func end(
        _ which: JobTarget, of owner: UserName, told: [QueuedJob], at moment: ContinuousClock.Instant
    ) {
        add(.ended(which, told: told.filter { $0.owner == owner }), owner, moment)
    }

    /// A read that began then has seen what was done before.
    mutating func forget(before moment: ContinuousClock.Instant) {
        guard log.contains(where: { $0.at < moment }) else { return }
        let left = log.filter { $0.at >= moment }
        self = QueueDeeds()
        for entry in left { add(entry.deed, entry.owner, entry.at) }
    }

    private mutating func add(_ deed: Deed, _ owner: UserName, _ moment: ContinuousClock.Instant) {
        log.append((deed, owner, moment))
        people[owner, default: Own()].add(deed)
    }
}

extension JobTarget {
    /// The number that jobs are looked for by. Components follow each other, each a job of its own.
    var number: JobID {
        guard case .component(let offset) = part else { return job }
        return UInt32(exactly: Int(job.rawValue) + offset).flatMap(JobID.init(rawValue:)) ?? job
    }
}

extension QueuedJob {
    /// The job after `which` was ended: Slurm took the order, whatever it still says.
    fileprivate func ended(by which: JobTarget) -> QueuedJob {
        guard !isFinished, isWithin(which) else { return self }
        var job = self
        job.view.states = ["CANCELLED"]
        return job
    }

    /// Whether all of it is `which`, or a part of that.
    private func isWithin(_ which: JobTarget) -> Bool {
        switch which.part {
        case nil: id == which.job || base == which.job || heterogeneous?.job == which.job
        // The waiting rest that has the task as a part goes on without it.
        case .task: view.displayID == which.description
        case .component(let offset): heterogeneous.map { $0.job == which.job && $0.offset == offset } ?? false
        case .waiting: base == which.job && isPending
        }
    }
}
