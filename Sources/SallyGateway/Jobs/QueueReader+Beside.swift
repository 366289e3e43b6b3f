// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import SlurmModel

/// A whole list that is read while states are followed: of ten thousand jobs it takes seconds, and nobody waits that long to see
/// that a job has started.
extension QueueReader {
    /// A list to be read, and what was known when it was ordered.
    struct Order: Sendable {
        let at: ContinuousClock.Instant
        /// As they were read before: what changes while the list is made differs from them.
        let states: [JobID: Set<JobStateEntry>]
        /// Changes since then are enough; nil where the list has to come.
        let since: Timestamp?
        /// Whether an empty list is believed only when it comes twice.
        let expectsJobs: Bool
        /// Numbers that were asked for since: what was said of them is newer than the list.
        var answered: Set<JobID> = []
    }

    /// What became of it.
    enum Delivery: Sendable {
        case listed(QueueListing, took: Duration)
        case unchanged
        case failed(SallyError, took: Duration)
    }

    /// - Throws: `CancellationError` alone.
    func deliver(_ order: Order) async throws -> Delivery {
        let start = ContinuousClock.now
        do {
            return try await access.read(.readQueue(cluster)) { read, token in
                var listing = try await queue.jobs(changedSince: order.since, read, token: token)
                guard listing.jobs.isEmpty else { return .listed(listing, took: start.duration(to: .now)) }
                guard order.since == nil else { return .unchanged }
                if order.expectsJobs { listing = try await queue.jobs(changedSince: nil, read, token: token) }
                return .listed(listing, took: start.duration(to: .now))
            }
        } catch {
            guard !(error is CancellationError), !Task.isCancelled else { throw CancellationError() }
            access.forget()
            return .failed(asSallyError(error), took: start.duration(to: .now))
        }
    }
}

extension QueueReader.Memory {
    /// Orders a list that is read beside; until it comes no other is.
    mutating func placeOrder(_ states: [JobID: Set<JobStateEntry>], since: Timestamp?) {
        let now = ContinuousClock.now
        order = QueueReader.Order(at: now, states: states, since: since, expectsJobs: !jobs.isEmpty)
        wholeAt = now
        listProblem = nil
    }

    /// Puts what was said since the list was ordered onto the list. What the list has of other jobs is as old as the order, and so
    /// are their states here: the next look at states shows what has changed.
    mutating func receive(_ delivery: QueueReader.Delivery) {
        guard let order else { return }
        self.order = nil
        switch delivery {
        case .unchanged: break
        case .failed(let problem, let took):
            // The next one comes no sooner for it, and what is known has its states.
            wholeTook = max(wholeTook, took)
            listProblem = problem
        case .listed(let listing, let took):
            let isNewer = { (job: QueuedJob) in
                order.answered.contains(job.id) || order.answered.contains(job.base)
                    || job.heterogeneous.map { order.answered.contains($0.job) } ?? false
            }
            let listed = shared(listing.jobs.filter { !isNewer($0) })
            let numbers = Set(listed.map(\.id))
            // What came since was no part of the list; what was there then and is not in it is gone.
            let kept = jobs.filter {
                !numbers.contains($0.id) && (isNewer($0) || order.states[$0.id] == nil && order.states[$0.base] == nil)
            }
            jobs = listed + kept
            var now = order.states
            for number in order.answered { now[number] = states?[number] }
            unlisted = Set(QueueChange(of: jobs, before: now, now: now).unknown)
            states = now
            wholeTook = took
            listedAt = order.at
            changesSince = listing.readAt
            lacksClock = listing.readAt == nil
        }
    }

    /// The same jobs, those that are as they were in the place where they are kept already.
    func shared(_ others: [QueuedJob]) -> [QueuedJob] {
        let kept = Dictionary(jobs.map { ($0.id, $0) }) { first, _ in first }
        return others.map { job in
            if let old = kept[job.id], old == job { old } else { job }
        }
    }
}
