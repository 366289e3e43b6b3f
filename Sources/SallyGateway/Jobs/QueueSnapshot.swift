// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire
package import SlurmModel

/// One cluster's queue at one moment. Immutable: everybody's view is cut out of the same value.
package struct QueueSnapshot: Sendable {
    /// In the order of job ids.
    package let jobs: [QueuedJob]
    package let partitions: [Partition]
    package let nodes: [Node]
    /// When the read that it comes from began; nil before the first.
    package let readAt: ContinuousClock.Instant?
    private let places: [JobID: [Int]]
    private let own: [UserName: [Int]]

    package static let empty = QueueSnapshot(jobs: [], partitions: [], nodes: [], readAt: nil)

    init(jobs: [QueuedJob], partitions: [Partition], nodes: [Node], readAt: ContinuousClock.Instant?) {
        self.jobs = jobs.sorted { $0.view.job < $1.view.job }
        self.partitions = partitions
        self.nodes = nodes
        self.readAt = readAt
        var places: [JobID: [Int]] = [:]
        var own: [UserName: [Int]] = [:]
        for (index, job) in self.jobs.enumerated() {
            places[job.view.job, default: []].append(index)
            if let array = job.array, array != job.view.job { places[array, default: []].append(index) }
            if let owner = job.owner { own[owner, default: []].append(index) }
        }
        self.places = places
        self.own = own
    }

    func jobs(of user: UserName) -> [QueuedJob] { own[user, default: []].map { jobs[$0] } }

    /// The job, or for an array the records that it consists of.
    func records(_ job: JobID) -> [QueuedJob] { places[job, default: []].map { jobs[$0] } }

    /// Seconds since it was read; 0 before the first.
    var age: Int { readAt.map { Int(max(0, $0.duration(to: .now) / .seconds(1))) } ?? 0 }
}
