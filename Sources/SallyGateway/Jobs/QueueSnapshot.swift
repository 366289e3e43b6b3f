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
    /// When the read that it comes from began; nil before the first. What is known is as it was then.
    package let readAt: ContinuousClock.Instant?
    /// When the last read began that had every job: what is not here was not there then.
    let completeAt: ContinuousClock.Instant?
    private let deeds: QueueDeeds

    package static let empty = QueueSnapshot(jobs: [], partitions: [], nodes: [], readAt: nil)

    init(jobs: [QueuedJob], partitions: [Partition], nodes: [Node], readAt: ContinuousClock.Instant?) {
        self.init(
            index: QueueIndex(jobs), partitions: partitions, nodes: nodes, readAt: readAt, completeAt: readAt,
            deeds: QueueDeeds())
    }

    init(
        index: QueueIndex, partitions: [Partition], nodes: [Node], readAt: ContinuousClock.Instant?,
        completeAt: ContinuousClock.Instant?, deeds: QueueDeeds
    ) {
        self.index = index
        self.partitions = partitions
        self.nodes = nodes
        self.readAt = readAt
        self.completeAt = completeAt
        self.deeds = deeds
    }

    func with(_ deeds: QueueDeeds) -> QueueSnapshot {
        QueueSnapshot(
            index: index, partitions: partitions, nodes: nodes, readAt: readAt, completeAt: completeAt, deeds: deeds)
    }

    /// In the order of job ids.
    package var jobs: [QueuedJob] {
        deeds.isEmpty ? index.jobs : put(deeds.all, onto: index.jobs) { _ in true }
    }

    func jobs(of user: UserName) -> [QueuedJob] {
        let read = index.jobs(of: user)
        guard let own = deeds.of(user) else { return read }
        return put([own], onto: read) { _ in true }
    }

    /// The job, or the records that it consists of: an array's, or the components of a heterogeneous job, as slurmctld lists them
    /// when it is asked for the number (src/slurmctld/job_mgr.c, `pack_one_job`). A component's own number brings that alone.
    func records(_ job: JobID) -> [QueuedJob] {
        var records = numbered(job)
        guard records.count == 1, records[0].heterogeneous?.job == job else { return records }
        // They follow each other.
        var next = JobID(rawValue: job.rawValue + 1)
        while let number = next, let component = numbered(number).first(where: { $0.heterogeneous?.job == job }) {
            records.append(component)
            next = JobID(rawValue: number.rawValue + 1)
        }
        return records
    }

    /// What has the number, or is of the array that has it.
    private func numbered(_ job: JobID) -> [QueuedJob] {
        let read = index.records(job)
        guard !deeds.isEmpty else { return read }
        let whose = read.isEmpty ? deeds.all : Set(read.compactMap(\.owner)).compactMap { deeds.of($0) }
        return put(whose, onto: read) { $0.id == job || $0.base == job }
    }

    func jobs(_ filter: JobFilter) -> [QueuedJob] {
        if let owner = filter.owner, !isAsRead(for: owner) { return jobs(of: owner).filter(filter.admits) }
        guard filter.owner != nil || deeds.isEmpty else { return jobs.filter(filter.admits) }
        return index.jobs(filter)
    }

    /// Whether nothing that we did since concerns the person's jobs.
    func isAsRead(for user: UserName) -> Bool { deeds.of(user) == nil }

    /// Seconds since it was read; 0 before the first.
    var age: Int { Freshness.age(since: readAt) }

    /// Whether it was read longer ago than that, or never.
    func isOlder(than limit: Duration) -> Bool { readAt.map { $0.duration(to: .now) > limit } ?? true }

    /// What was read as it is since, with what has come since and is meant.
    private func put(
        _ deeds: [QueueDeeds.Own], onto read: [QueuedJob], _ isMeant: (QueuedJob) -> Bool
    ) -> [QueuedJob] {
        var jobs = read.map { asWeKnow($0) }
        var numbers = Set(read.map(\.id))
        for own in deeds {
            for job in own.told.values where isMeant(job) && numbers.insert(job.id).inserted { jobs.append(job) }
            for job in own.submitted where isMeant(job) && !index.has(job.id) && numbers.insert(job.id).inserted {
                jobs.append(asWeKnow(job))
            }
        }
        return jobs.sorted { $0.id < $1.id }
    }

    private func asWeKnow(_ job: QueuedJob) -> QueuedJob {
        guard let owner = job.owner, let own = deeds.of(owner) else { return job }
        return own.asKnown(job)
    }
}
