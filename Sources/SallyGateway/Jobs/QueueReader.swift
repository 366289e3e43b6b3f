// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import SallyWire
import SlurmModel

/// Reads one cluster's queue as cheaply as its slurmrestd lets it be read.
///
/// Where states alone are served (Slurm 24.05 and later) they tell what changed; a few jobs are then read one by one. The whole
/// list, which costs slurmctld its job lock and slurmrestd ten kilobytes for every job, is read at the first time, when too
/// many jobs are new, and now and then for what states do not show, such as a reason.
struct QueueReader: Sendable {
    let cluster: ClusterName
    let queue: any SlurmQueue
    let access: ServiceAccess

    /// At most so many jobs are read one by one.
    static let mostSingly = 50
    /// The whole list is read at least so far apart while states are served, and this many times what it takes.
    private static let wholePause = Duration.seconds(30)
    private static let wholeShare = 30

    /// What is known of the queue between two reads.
    struct Memory: Sendable {
        var jobs: [QueuedJob] = []
        /// As they were read last; nil where they are not served, or were never read.
        var states: [JobID: Set<JobStateEntry>]?
        /// When the last whole list was asked for, and how long it took.
        var wholeAt: ContinuousClock.Instant?
        var wholeTook = Duration.zero
        /// Whether `jobs` has every job of the last read.
        var isComplete = true
    }

    /// - Throws: what the read throws; the memory then stays as it was.
    func read(after memory: Memory) async throws -> Memory {
        try await access.read(.readQueue(cluster)) { read, token in
            guard memory.wholeAt != nil, let states = try await states(read, token), !states.isEmpty else {
                return try await whole(memory, read, token)
            }
            let change = QueueChange(of: memory.jobs, before: memory.states ?? [:], now: states)
            if isTime(memory, isUrgent: change.unknown.count > QueueReader.mostSingly) {
                return try await whole(memory, read, token)
            }
            var memory = memory
            let wanted = (change.unknown + change.stale).prefix(QueueReader.mostSingly)
            var found: [QueuedJob] = []
            var answered: Set<JobID> = []
            for job in wanted where !answered.contains(job) {
                // An array's number brings all of its tasks. An answer about another job says nothing of this one.
                let records = try await queue.job(job, read, token: token).filter {
                    ($0.view.job == job || $0.base == job) && !answered.contains($0.view.job)
                }
                guard !records.isEmpty else { continue }
                found += records
                answered.formUnion(records.map(\.view.job))
                answered.insert(job)
            }
            memory.jobs = change.jobs.filter { !answered.contains($0.view.job) } + found
            memory.states = states
            memory.isComplete = change.unknown.allSatisfy(answered.contains)
            return memory
        }
    }

    private func isTime(_ memory: Memory, isUrgent: Bool) -> Bool {
        guard let last = memory.wholeAt else { return true }
        let since = last.duration(to: .now)
        return since >= memory.wholeTook * QueueReader.wholeShare && (isUrgent || since >= QueueReader.wholePause)
    }

    /// The whole list. An empty one after a full one is asked for twice: slurmrestd answers with an empty list for more than
    /// one reason.
    private func whole(
        _ memory: Memory, _ read: Authorized<SystemAction>, _ token: Secret<String>
    ) async throws -> Memory {
        // Before the list, so that what changes meanwhile differs at the next look.
        let states = try await states(read, token)
        let start = ContinuousClock.now
        var jobs = try await queue.jobs(read, token: token)
        if jobs.isEmpty, !memory.jobs.isEmpty { jobs = try await queue.jobs(read, token: token) }
        return Memory(jobs: jobs, states: states, wholeAt: start, wholeTook: start.duration(to: .now))
    }

    /// Nil where they are not served. The components of a heterogeneous job have numbers of their own in the queue and not
    /// here: then only the whole list tells.
    private func states(
        _ read: Authorized<SystemAction>, _ token: Secret<String>
    ) async throws -> [JobID: Set<JobStateEntry>]? {
        guard let entries = try await queue.states(read, token: token),
            !entries.contains(where: { $0.part.first == "+" })
        else { return nil }
        return Dictionary(grouping: entries, by: \.job).mapValues { Set($0) }
    }
}
