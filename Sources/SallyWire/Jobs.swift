// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// The answer to POST /v1/clusters/NAME/jobs. The body is SlurmModel's `JobRequest`.
package struct SubmitReply: Sendable, Codable {
    package var job: JobID
    package var cluster: ClusterName
    /// What Slurm says of an accepted job, such as why it pends; never a refusal.
    package var messages: [String]
    /// What policy judged: defaults filled in.
    package var partition: String
    package var account: AccountName

    package init(job: JobID, cluster: ClusterName, messages: [String], partition: String, account: AccountName) {
        self.job = job
        self.cluster = cluster
        self.messages = messages
        self.partition = partition
        self.account = account
    }
}

/// 202: whether Slurm has the job is being checked; nothing is submitted a second time meanwhile. Ask again with the same
/// Idempotency-Key.
package struct SubmitPending: Sendable, Codable {
    /// `unknown`.
    package var outcome: String
    /// For people.
    package var message: String
    /// Seconds until it is worth asking again.
    package var retryAfter: Int
    /// Seconds until it is known at the latest, if Slurm answers then.
    package var knownWithin: Int?
    /// What is in the way of knowing.
    package var obstacle: String?

    package init(retryAfter: Int, knownWithin: Int?, obstacle: String?) {
        outcome = "unknown"
        message = "outcome being checked"
        self.retryAfter = retryAfter
        self.knownWithin = knownWithin
        self.obstacle = obstacle
    }

    /// An older gateway says less.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        outcome = try container.decode(String.self, forKey: .outcome)
        message = try container.decodeIfPresent(String.self, forKey: .message) ?? "outcome being checked"
        retryAfter = try container.decode(Int.self, forKey: .retryAfter)
        knownWithin = try container.decodeIfPresent(Int.self, forKey: .knownWithin)
        obstacle = try container.decodeIfPresent(String.self, forKey: .obstacle)
    }

    package enum CodingKeys: String, CodingKey {
        case outcome, message
        case retryAfter = "retry_after"
        case knownWithin = "known_within"
        case obstacle
    }
}

/// A job as its owner sees it.
package struct JobView: Sendable, Codable, Equatable {
    package var job: JobID
    /// `123_4` for a task of an array, `123_[0-9%2]` for its pending rest, else the number.
    package var displayID: String
    package var cluster: ClusterName
    package var name: String
    package var user: String
    package var account: String
    package var partition: String
    package var qos: String?
    /// Slurm's states, the base state first: PENDING, RUNNING, COMPLETED, ...
    package var states: [String]
    /// Why it pends, or how it ended; Slurm's word.
    package var reason: String?
    package var submitted: Timestamp?
    package var started: Timestamp?
    package var ended: Timestamp?
    /// In minutes; nil without limit.
    package var timeLimitMinutes: Int?
    package var nodes: Int?
    package var nodeList: String?
    package var cpus: Int?
    package var exitStatus: Int?
    package var signal: Int?
    package var workingDirectory: String?
    package var standardOutput: String?
    package var standardError: String?
    package var tres: String?

    package init(
        job: JobID, displayID: String, cluster: ClusterName, name: String, user: String, account: String,
        partition: String, states: [String]
    ) {
        self.job = job
        self.displayID = displayID
        self.cluster = cluster
        self.name = name
        self.user = user
        self.account = account
        self.partition = partition
        self.states = states
    }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case job
        case displayID = "id"
        case cluster, name, user, account, partition, qos, states, reason, submitted, started, ended
        case timeLimitMinutes = "time_limit_minutes"
        case nodes
        case nodeList = "node_list"
        case cpus
        case exitStatus = "exit_status"
        case signal
        case workingDirectory = "working_directory"
        case standardOutput = "standard_output"
        case standardError = "standard_error"
        case tres
    }
}

/// GET /v1/clusters/NAME/jobs. How old it is stands in the header `Age`.
package struct JobList: Sendable, Codable {
    package var jobs: [JobView]
    /// The cursor of what follows; nil at the end.
    package var next: String?
    /// How many of accounting's jobs the whole list lacks: records that are too large to be read, and all but the newest 1,000
    /// jobs. Nil where it lacks none.
    package var omitted: Int?

    package init(jobs: [JobView], next: String? = nil, omitted: Int? = nil) {
        self.jobs = jobs
        self.next = next
        self.omitted = omitted
    }
}

/// An event of GET /v1/clusters/NAME/job-events: its name, and what its data is.
package enum JobEventName: String, Sendable, CaseIterable {
    /// `JobList`: all of them. What is known from before and is not in it has left the queue.
    case jobs
    /// `JobView`: new, or not as it was.
    case job
    /// `JobGone`: it is not in the queue any more.
    case gone
    /// `QueueAge`: Slurm does not answer, or does so again.
    case age
}

/// A job that has left the queue; accounting tells how it ended.
package struct JobGone: Sendable, Codable, Equatable {
    package var job: JobID
    package var displayID: String

    package init(job: JobID, displayID: String) {
        self.job = job
        self.displayID = displayID
    }

    package enum CodingKeys: String, CodingKey {
        case job
        case displayID = "id"
    }
}

/// How old the shared view of the queue is.
package struct QueueAge: Sendable, Codable, Equatable {
    /// In seconds.
    package var age: Int
    /// Whether Slurm does not answer.
    package var stale: Bool

    package init(age: Int, stale: Bool) {
        self.age = age
        self.stale = stale
    }
}

/// GET /v1/clusters/NAME/jobs/ID/output?stream=stdout&offset=0&limit=65536.
package struct OutputView: Sendable, Codable {
    /// base64.
    package var data: String
    /// Where to go on.
    package var nextOffset: Int64
    package var size: Int64
    /// Whether the job ended and everything up to `size` was delivered.
    package var final: Bool

    package init(data: String, nextOffset: Int64, size: Int64, final: Bool) {
        self.data = data
        self.nextOffset = nextOffset
        self.size = size
        self.final = final
    }

    package enum CodingKeys: String, CodingKey {
        case data
        case nextOffset = "next_offset"
        case size, final
    }
}

/// POST /v1/clusters/NAME/can-i; the body is a `JobRequest`.
package struct CanIReply: Sendable, Codable {
    package var allowed: Bool
    /// The rule that allows, or the ones that came closest.
    package var rules: [RuleVerdict]
    /// What policy judged: partition, account, QOS, time, bounds.
    package var judged: [String: String]
    package var message: String
    package var hint: String?

    package init(allowed: Bool, rules: [RuleVerdict], judged: [String: String], message: String, hint: String?) {
        self.allowed = allowed
        self.rules = rules
        self.judged = judged
        self.message = message
        self.hint = hint
    }

    package struct RuleVerdict: Sendable, Codable {
        package var rule: String
        package var verdict: String
        package init(rule: String, verdict: String) {
            self.rule = rule
            self.verdict = verdict
        }
    }
}

/// GET /v1/clusters/NAME/partitions.
package struct PartitionView: Sendable, Codable {
    package var name: String
    package var isDefault: Bool
    package var state: String
    package var nodes: Int
    package var cpus: Int
    package var maxTimeMinutes: Int?
    package var defaultTimeMinutes: Int?
    package var nodeList: String
    /// Whether some rule lets the caller submit here.
    package var allowed: Bool

    package init(
        name: String, isDefault: Bool, state: String, nodes: Int, cpus: Int, maxTimeMinutes: Int?,
        defaultTimeMinutes: Int?, nodeList: String, allowed: Bool
    ) {
        self.name = name
        self.isDefault = isDefault
        self.state = state
        self.nodes = nodes
        self.cpus = cpus
        self.maxTimeMinutes = maxTimeMinutes
        self.defaultTimeMinutes = defaultTimeMinutes
        self.nodeList = nodeList
        self.allowed = allowed
    }

    package enum CodingKeys: String, CodingKey {
        case name
        case isDefault = "default"
        case state, nodes, cpus
        case maxTimeMinutes = "max_time_minutes"
        case defaultTimeMinutes = "default_time_minutes"
        case nodeList = "node_list"
        case allowed
    }
}

package struct PartitionList: Sendable, Codable {
    package var partitions: [PartitionView]
    package init(partitions: [PartitionView]) { self.partitions = partitions }
}

/// GET /v1/clusters/NAME/nodes.
package struct NodeView: Sendable, Codable {
    package var name: String
    package var states: [String]
    package var cpus: Int
    package var allocatedCPUs: Int
    /// In MiB.
    package var memory: Int
    package var gres: String
    package var partitions: [String]

    package init(
        name: String, states: [String], cpus: Int, allocatedCPUs: Int, memory: Int, gres: String, partitions: [String]
    ) {
        self.name = name
        self.states = states
        self.cpus = cpus
        self.allocatedCPUs = allocatedCPUs
        self.memory = memory
        self.gres = gres
        self.partitions = partitions
    }

    package enum CodingKeys: String, CodingKey {
        case name, states, cpus
        case allocatedCPUs = "allocated_cpus"
        case memory = "memory_mib"
        case gres, partitions
    }
}

package struct NodeList: Sendable, Codable {
    package var nodes: [NodeView]
    package init(nodes: [NodeView]) { self.nodes = nodes }
}
