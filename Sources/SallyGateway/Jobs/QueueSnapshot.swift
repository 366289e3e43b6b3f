// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire
package import SlurmModel

/// One cluster's queue at one moment, with what we did since and no read has seen yet. Immutable: everybody's view is cut out
/// of the same value.
package struct QueueSnapshot: Sendable {
    let index: QueueIndex
    package let partitions: [Partition]
    package let nodes: [Node]
    /// When the read that it comes from began; nil before the first.
    package let readAt: ContinuousClock.Instant?
    private let deeds: Deeds

    /// What we did ourselves, by whose it is: what one person does costs the view of another nothing.
    struct Deeds: Sendable {
        var submitted: [UserName: [QueuedJob]] = [:]
        var cancelled: [UserName: Set<JobID>] = [:]

        var isEmpty: Bool { submitted.isEmpty && cancelled.isEmpty }
        var people: Set<UserName> { Set(submitted.keys).union(cancelled.keys) }
    }

    package static let empty = QueueSnapshot(jobs: [], partitions: [], nodes: [], readAt: nil)

    init(jobs: [QueuedJob], partitions: [Partition], nodes: [Node], readAt: ContinuousClock.Instant?) {
        self.init(index: QueueIndex(jobs), partitions: partitions, nodes: nodes, readAt: readAt, deeds: Deeds())
    }

    init(
        index: QueueIndex, partitions: [Partition], nodes: [Node], readAt: ContinuousClock.Instant?, deeds: Deeds
    ) {
        self.index = index
        self.partitions = partitions
        self.nodes = nodes
        self.readAt = readAt
        self.deeds = deeds
    }

    func with(_ deeds: Deeds) -> QueueSnapshot {
        QueueSnapshot(index: index, partitions: partitions, nodes: nodes, readAt: readAt, deeds: deeds)
    }

    /// In the order of job ids.
    package var jobs: [QueuedJob] {
        guard !deeds.isEmpty else { return index.jobs }
        let added = deeds.submitted.values.joined().filter { !index.has($0.id) }
        return (index.jobs + added).map(asWeKnow).sorted { $0.id < $1.id }
    }

    func jobs(of user: UserName) -> [QueuedJob] {
        let read = index.jobs(of: user)
        guard !isAsRead(for: user) else { return read }
        let added = deeds.submitted[user, default: []].filter { !index.has($0.id) }
        return (read + added).map(asWeKnow).sorted { $0.id < $1.id }
    }

    /// The job, or for an array the records that it consists of.
    func records(_ job: JobID) -> [QueuedJob] {
        let read = index.records(job)
        guard !deeds.isEmpty else { return read }
        guard read.isEmpty else { return read.map(asWeKnow) }
        return deeds.submitted.values.joined().filter { $0.id == job }.map(asWeKnow)
    }

    func jobs(_ filter: JobFilter) -> [QueuedJob] {
        if let owner = filter.owner, !isAsRead(for: owner) { return jobs(of: owner).filter(filter.admits) }
        guard filter.owner != nil || deeds.isEmpty else { return jobs.filter(filter.admits) }
        return index.jobs(filter)
    }

    /// Whether nothing that we did since concerns the person's jobs.
    func isAsRead(for user: UserName) -> Bool { deeds.submitted[user] == nil && deeds.cancelled[user] == nil }

    /// Seconds since it was read; 0 before the first.
    var age: Int { readAt.map { Int(max(0, $0.duration(to: .now) / .seconds(1))) } ?? 0 }

    /// Whether it was read longer ago than that, or never.
    func isOlder(than limit: Duration) -> Bool { readAt.map { $0.duration(to: .now) > limit } ?? true }

    private func asWeKnow(_ job: QueuedJob) -> QueuedJob {
        guard let owner = job.owner, let cancelled = deeds.cancelled[owner], !job.isFinished,
            cancelled.contains(job.id) || cancelled.contains(job.base)
        else { return job }
        var job = job
        job.view.states = ["CANCELLED"]
        return job
    }
}
