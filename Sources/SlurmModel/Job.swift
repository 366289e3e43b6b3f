// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// A job as Slurm reports it, from the queue or from accounting. What is not reported is nil.
package struct Job: Sendable, Equatable {
    package var id: JobID
    /// The array that this is a task of.
    package var arrayID: JobID?
    package var arrayTask: Int?
    /// The tasks of a pending array that are not jobs of their own yet: `0-99%5`.
    package var arrayTasks: String?
    package var name: String
    /// Empty where Slurm cannot name the uid.
    package var user: String
    /// Nil in accounting.
    package var uid: UInt32?
    package var account: String
    /// A comma list while pending in several.
    package var partition: String
    package var qos: String?
    /// The base state first; never empty.
    package var states: [JobState]
    package var reason: String?
    package var exitStatus: Int?
    package var signal: Int?
    package var submitted: Timestamp?
    package var started: Timestamp?
    package var ended: Timestamp?
    package var timeLimit: TimeLimit?
    package var nodes: Int?
    package var nodeList: String?
    package var cpus: Int?
    package var memoryPerNode: Memory?
    package var memoryPerCPU: Memory?
    package var tasks: Int?
    /// `cpu=4,mem=8G,node=1,gres/gpu=2`.
    package var requestedTRES: String?
    package var allocatedTRES: String?
    package var workingDirectory: String?
    package var standardOutput: String?
    package var standardError: String?
    package var standardInput: String?
    package var comment: String?
    package var requeue: Bool?
    package var restarts: Int?
    package var isHeld: Bool?
    package var priority: Int64?
    package var nice: Int?
    package var dependency: String?

    package init(id: JobID, states: [JobState]) {
        self.id = id
        self.states = states
        name = ""
        user = ""
        account = ""
        partition = ""
    }

    /// `123_4` for a task of an array, `123_[0-9%2]` for its pending rest, else the number.
    package var displayID: String {
        if let arrayID, let arrayTasks, arrayTask == nil { return "\(arrayID)_[\(arrayTasks)]" }
        if let arrayID, let arrayTask { return "\(arrayID)_\(arrayTask)" }
        return "\(id)"
    }
}

/// A job of slurmdbd's: the same facts, kept after the end.
package typealias AccountingJob = Job
