// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire
import SlurmModel

/// What states say of a queue that is known: pure.
struct QueueChange: Sendable {
    /// Those that are still there, with their new states.
    let jobs: [QueuedJob]
    /// In the states and not among the jobs, by number.
    let unknown: [JobID]
    /// Of whom more has changed than the state, by number.
    let stale: [JobID]

    init(
        of known: [QueuedJob], before: [JobID: Set<JobStateEntry>], now: [JobID: Set<JobStateEntry>]
    ) {
        var jobs: [QueuedJob] = []
        jobs.reserveCapacity(known.count)
        var stale: Set<JobID> = []
        for job in known {
            guard let entries = now[job.base] else { continue }
            var job = job
            if let states = QueueChange.states(of: job, entries), states != job.view.states {
                job.view.states = states
                job.isStale = true
            } else if let old = before[job.base], old != entries {
                job.isStale = true
            }
            if job.isStale { stale.insert(job.base) }
            jobs.append(job)
        }
        let known = Set(known.map(\.base))
        self.jobs = jobs
        self.stale = stale.sorted()
        unknown = now.keys.filter { !known.contains($0) }.sorted()
    }

    /// The states of this record; nil for the waiting rest of an array whose tasks differ.
    private static func states(of job: QueuedJob, _ entries: Set<JobStateEntry>) -> [String]? {
        let all = Set(entries.map(\.states))
        let own = entries.first { "\($0.job)\($0.part)" == job.view.displayID }?.states
        return (own ?? (all.count == 1 ? all.first : nil))?.map(\.description)
    }
}

extension QueuedJob {
    /// The number that states are listed under.
    var base: JobID { array ?? view.job }
}
