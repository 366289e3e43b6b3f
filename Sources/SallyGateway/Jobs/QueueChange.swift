// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire
import SlurmModel

/// What states say of a queue that is known: pure.
struct QueueChange: Sendable {
    /// Those that are still there, with their new states.
    let jobs: [QueuedJob]
    /// In the states and not among the jobs: numbers to ask for.
    let unknown: [JobID]
    /// Of whom more has changed than the state: numbers to ask for.
    let stale: [JobID]

    init(
        of known: [QueuedJob], before: [JobID: Set<JobStateEntry>], now: [JobID: Set<JobStateEntry>]
    ) {
        var jobs: [QueuedJob] = []
        jobs.reserveCapacity(known.count)
        var stale: Set<JobID> = []
        for job in known {
            guard let entries = QueueChange.entries(of: job, now) else { continue }
            var job = job
            if let states = QueueChange.states(of: job, entries), states != job.view.states {
                job.view.states = states
                job.isStale = true
            } else if let old = QueueChange.entries(of: job, before), old != entries {
                job.isStale = true
            }
            if job.isStale { stale.insert(job.id) }
            jobs.append(job)
        }
        let numbers = Set(known.map(\.id))
        let names = Set(known.map(\.view.displayID))
        self.jobs = jobs
        self.stale = stale.sorted()
        unknown = now.filter { number, entries in
            !numbers.contains(number) && entries.contains { !names.contains($0.name) }
        }.keys.sorted()
    }

    /// What is said of this record; nil when it is gone. A task that has started is listed under its own number (`4_0` of
    /// array 3; 24.11.5, observed), and would be known under the array's too.
    private static func entries(of job: QueuedJob, _ all: [JobID: Set<JobStateEntry>]) -> Set<JobStateEntry>? {
        if let own = all[job.id] { return own }
        let named = all[job.base]?.filter { $0.name == job.view.displayID }
        return named.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The states of this record; nil for the waiting rest of an array whose tasks differ.
    private static func states(of job: QueuedJob, _ entries: Set<JobStateEntry>) -> [String]? {
        let all = Set(entries.map(\.states))
        let own = entries.first { $0.name == job.view.displayID }?.states
        return (own ?? (all.count == 1 ? all.first : nil))?.map(\.description)
    }
}

extension JobStateEntry {
    fileprivate var name: String { "\(job)\(part)" }
}
