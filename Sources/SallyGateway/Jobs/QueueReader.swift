// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import SallyWire
import SlurmModel

/// Reads one cluster's queue as cheaply as its slurmrestd lets it be read.
///
/// Where states alone are served (Slurm 24.05 and later) they tell what changed; a few jobs are then read one by one. The whole
/// list, which costs slurmctld its job lock and slurmrestd eight kilobytes for every job, is read at the first time, when too
/// many jobs have changed, and now and then for what states do not show, such as a reason; `QueuePace` says how soon. Until
/// then some of them are read at each look. A list that takes more than a second is read beside the states, by whoever serves
/// `Memory.order`. Everywhere the list is asked for with the moment of the one before: where nothing
/// has changed since, slurmrestd answers with an empty list.
struct QueueReader: Sendable {
    let cluster: ClusterName
    let queue: any SlurmQueue
    let access: ServiceAccess
    /// A list that takes longer is read beside the states.
    var longestInLine = Duration.seconds(1)

    /// At most so many jobs are read one by one, and no more once so many of them could not be.
    static let mostSingly = 50
    private static let mostProblems = 3
    /// Nobody's word is taken for "nothing has changed" for longer.
    static let longestTrust = Duration.seconds(120)

    /// What is known of the queue between two reads.
    struct Memory: Sendable {
        var jobs: [QueuedJob] = []
        /// As they were read last; nil where they are not served, or were never read.
        var states: [JobID: Set<JobStateEntry>]?
        /// When the last list was asked for, and how long the last one took that came.
        var wholeAt: ContinuousClock.Instant?
        var wholeTook = Duration.zero
        /// When the last list came that was no "nothing has changed", and the moment to ask for changes since: of slurmctld's
        /// clock, never of ours, which may be minutes ahead. Nil where it is not known.
        var listedAt: ContinuousClock.Instant?
        var changesSince: Timestamp?
        /// Whether lists come without slurmctld's clock (v0.0.38), so that it has to be asked for.
        var lacksClock = false
        /// Whether `jobs` has every job of the last read.
        var isComplete = true
        /// Numbers that had a state and were not in the list after it: another list for them alone would not have them either.
        var unlisted: Set<JobID> = []
        /// Why the last list did not come, while states did; nil where it came.
        var listProblem: SallyError?
        /// The list that is read beside.
        var order: Order?

        /// How long to pause after a read that began at `start` and took so long. Where states are served the whole list is
        /// read seldom by a rule of its own, and what it took holds nobody up afterwards.
        func pace(of took: Duration, since start: ContinuousClock.Instant) -> Duration {
            // Without any states the list is read each time.
            guard let states, !states.isEmpty else { return took * 5 }
            guard order == nil, let wholeAt, wholeAt >= start else { return took * 2 }
            return max(.zero, took - wholeTook) * 2
        }
    }

    /// How sure a read has to be.
    enum Care: Sendable {
        case usual
        /// Somebody waits to hear that a job is not there: "nothing has changed" is no answer.
        case certain
    }

    /// - Parameter isServed: whether somebody reads what is ordered, so that a list that takes its time is read beside.
    /// - Throws: what the read throws; the memory then stays as it was.
    func read(after memory: Memory, _ care: Care, isServed: Bool = false) async throws -> Memory {
        try await access.read(.readQueue(cluster)) { read, token in
            guard memory.wholeAt != nil, let states = try await states(read, token), !states.isEmpty else {
                return try await whole(memory, care, read, token)
            }
            let change = QueueChange(of: memory.jobs, before: memory.states ?? [:], now: states)
            let missing = change.unknown.filter { !memory.unlisted.contains($0) }
            var memory = memory
            if isTime(memory, for: QueuePace.ListNeed(missing: missing.count, stale: change.stale.count)) {
                // What the states say has changed did so, whatever else is said.
                let isQuiet =
                    change.unknown.isEmpty && change.stale.isEmpty && change.jobs.count == memory.jobs.count
                let care = isQuiet ? care : .certain
                let start = ContinuousClock.now
                if isServed, memory.wholeTook > longestInLine {
                    memory.placeOrder(states, since: trusted(memory, care, start))
                } else {
                    do {
                        return try await whole(memory, care, read, token)
                    } catch let late as LateList {
                        // The next one comes no sooner for it, and what is known has its states.
                        memory.wholeAt = start
                        memory.wholeTook = max(memory.wholeTook, start.duration(to: .now))
                        memory.listProblem = late.problem
                    }
                }
            }
            memory.unlisted.formIntersection(change.unknown)
            let wanted = (missing + change.stale + memory.unlisted.sorted()).prefix(QueueReader.mostSingly)
            let (found, answered) = try await singly(wanted, read, token)
            memory.jobs = change.jobs.filter { !answered.contains($0.id) } + found
            memory.states = states
            memory.order?.answered.formUnion(answered)
            memory.isComplete = change.unknown.allSatisfy(answered.contains)
            return memory
        }
    }

    /// The records of some jobs, read one by one, and the numbers that were answered for. What does not come is asked for again at
    /// the next look: one lost answer in fifty costs one job, and one that can never be read holds up no other, nor the states, which
    /// have come.
    ///
    /// - Throws: where slurmctld is asked too often.
    private func singly(
        _ wanted: some Sequence<JobID>, _ read: Authorized<SystemAction>, _ token: Secret<String>
    ) async throws -> (found: [QueuedJob], answered: Set<JobID>) {
        var found: [QueuedJob] = []
        var answered: Set<JobID> = []
        var problems = 0
        for job in wanted where !answered.contains(job) {
            let told: [QueuedJob]
            do {
                told = try await queue.job(job, read, token: token)
            } catch let problem as SallyError where problem.slurm?.number != QueuePace.tooOften {
                problems += 1
                if problem.code == .timeout || problems == QueueReader.mostProblems { break }
                continue
            }
            // An array's number brings all of its tasks, that of a heterogeneous job its components. An answer about
            // another job says nothing of this one.
            let records = told.filter {
                ($0.id == job || $0.base == job || $0.heterogeneous?.job == job) && !answered.contains($0.id)
            }
            guard !records.isEmpty else { continue }
            found += records
            answered.formUnion(records.map(\.id))
            answered.insert(job)
        }
        return (found, answered)
    }

    private func isTime(_ memory: Memory, for need: QueuePace.ListNeed) -> Bool {
        guard memory.order == nil else { return false }
        guard let last = memory.wholeAt else { return true }
        return last.duration(to: .now) >= QueuePace.listInterval(after: memory.wholeTook, need)
    }

    /// The whole list. An empty one after a full one is asked for twice: slurmrestd answers with an empty list for more than
    /// one reason.
    private func whole(
        _ memory: Memory, _ care: Care, _ read: Authorized<SystemAction>, _ token: Secret<String>
    ) async throws -> Memory {
        // Before the list, so that what changes meanwhile differs at the next look.
        let states = try await states(read, token)
        let start = ContinuousClock.now
        let moment = memory.lacksClock ? await slurmsClock(read, token) : nil
        var next = memory
        next.states = states
        next.wholeAt = start
        next.listProblem = nil
        if let since = trusted(memory, care, start) {
            let listing = try await list(changedSince: since, read, token)
            // Nothing has changed: what is known, states included, is how it is. A list that comes will take as long as it did.
            if listing.jobs.isEmpty { return next }
            return listed(listing, next, start, moment)
        }
        var listing = try await list(changedSince: nil, read, token)
        if listing.jobs.isEmpty, !memory.jobs.isEmpty { listing = try await list(changedSince: nil, read, token) }
        return listed(listing, next, start, moment)
    }

    /// That a whole list did not come in time, which says more than that something else did not.
    struct LateList: Error {
        let problem: SallyError
    }

    /// - Throws: `LateList`; what else the read throws.
    private func list(
        changedSince moment: Timestamp?, _ read: Authorized<SystemAction>, _ token: Secret<String>
    ) async throws -> QueueListing {
        do {
            return try await queue.jobs(changedSince: moment, read, token: token)
        } catch let problem as SallyError where problem.code == .timeout {
            throw LateList(problem: problem)
        }
    }

    /// The moment since which changes may be asked for; nil where the list has to be read whatever is said.
    private func trusted(_ memory: Memory, _ care: Care, _ now: ContinuousClock.Instant) -> Timestamp? {
        guard care == .usual, memory.isComplete, !memory.jobs.isEmpty, let listed = memory.listedAt,
            listed.duration(to: now) < QueueReader.longestTrust
        else { return nil }
        return memory.changesSince
    }

    private func listed(
        _ listing: QueueListing, _ memory: Memory, _ start: ContinuousClock.Instant, _ moment: Timestamp?
    ) -> Memory {
        var next = memory
        next.jobs = memory.shared(listing.jobs)
        next.wholeTook = start.duration(to: .now)
        next.listedAt = start
        next.changesSince = listing.readAt ?? moment
        next.lacksClock = listing.readAt == nil
        next.isComplete = true
        next.unlisted = Set(next.states.map { QueueChange(of: next.jobs, before: $0, now: $0).unknown } ?? [])
        return next
    }

    /// Asked before the list, so that what changes while it is made has changed since. Where the clock is not told, the next list is
    /// read whatever has changed.
    private func slurmsClock(_ read: Authorized<SystemAction>, _ token: Secret<String>) async -> Timestamp? {
        try? await queue.diagnosis(read, token: token).time  // nothing depends on it but what the next list costs
    }

    /// Nil where they are not served.
    ///
    /// What is a part of something stands under its own number, with the task or component after it: component 1 of job 20 is
    /// `21+1` (slurmrestd's data_parser, v0.0.41 to v0.0.45). Several components under one number would be counted from the
    /// first one's: then only the whole list tells.
    private func states(
        _ read: Authorized<SystemAction>, _ token: Secret<String>
    ) async throws -> [JobID: Set<JobStateEntry>]? {
        guard let entries = try await queue.states(read, token: token) else { return nil }
        let states = Dictionary(grouping: entries, by: \.job).mapValues { Set($0) }
        guard !states.values.contains(where: \.hasSeveralComponents) else { return nil }
        return states
    }
}

extension Set<JobStateEntry> {
    fileprivate var hasSeveralComponents: Bool { count > 1 && filter { $0.part.first == "+" }.count > 1 }
}
