// SPDX-License-Identifier: Apache-2.0

package import SallyModel
import StrictJSON

/// One line of `GET /slurm/VERSION/jobs/state/` (Slurm 24.05): a job, or one task of an array, and its states. What has
/// ended is listed as long as slurmctld remembers it (MinJobAge), as in the queue itself.
package struct JobStateEntry: Sendable, Hashable {
    /// The record's own: a task that has started has another than its array (24.11.5, observed).
    package var job: JobID
    /// What follows the number: `_3` for a task, `+1` for a component of a heterogeneous job, else empty.
    package var part: String
    package var states: [JobState]

    package init(job: JobID, part: String, states: [JobState]) {
        self.job = job
        self.part = part
        self.states = states
    }
}

extension SlurmReply {
    /// - Throws: `Malformed` if any row is none: half a queue is none.
    package func jobStates() throws(Malformed) -> [JobStateEntry] {
        var entries: [JobStateEntry] = []
        for row in try list("jobs") {
            guard let text = row["job_id"]?.string, let states = row["state"]?.array?.compactMap(\.string),
                !states.isEmpty
            else { throw Malformed("a job's state without job_id or state") }
            let digits = text.utf8.prefix { $0 >= 0x30 && $0 <= 0x39 }
            guard let number = UInt32(String(Substring(digits))), let job = JobID(rawValue: number) else {
                throw Malformed("job_id \(quoted(text)) begins with no number")
            }
            entries.append(
                JobStateEntry(
                    job: job, part: String(text.dropFirst(digits.count)), states: states.map { JobState($0) }))
        }
        return entries
    }
}
