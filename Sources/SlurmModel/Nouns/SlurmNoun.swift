// SPDX-License-Identifier: Apache-2.0

/// What slurmrestd answers with.
package enum SlurmNoun: UInt8, Sendable, CaseIterable {
    case job = 1
    case node, partition, reservation
    /// Of slurmdbd's.
    case qos, account, association, user, accountingJob
    /// A line of `GET /jobs/state`, of `GET /ping`, and the whole of `GET /diag`.
    case jobState, ping, diagnosis
    /// What a submission was answered, what became of one job of a cancelling or of an update.
    case submission, cancellation, updateResult
    case meta, error, warning

    /// Where it stands in an answer; nil for what stands at the top itself.
    package func listKey(_ version: APIVersion) -> String? {
        switch self {
        case .job, .accountingJob, .jobState: "jobs"
        case .node: "nodes"
        case .partition: "partitions"
        case .reservation: "reservations"
        case .qos: version.rawValue <= 38 ? "QOS" : "qos"
        case .account: "accounts"
        case .association: "associations"
        case .user: "users"
        case .ping: "pings"
        case .diagnosis: "statistics"
        case .cancellation: "status"
        case .updateResult: "results"
        case .meta: "meta"
        case .error: "errors"
        case .warning: "warnings"
        case .submission: nil
        }
    }

    /// Whether slurmdbd answers.
    package var isAccounting: Bool {
        switch self {
        case .qos, .account, .association, .user, .accountingJob: true
        case .job, .node, .partition, .reservation, .jobState, .ping, .diagnosis, .submission, .cancellation,
            .updateResult, .meta, .error, .warning:
            false
        }
    }

    /// What an object needs to be one of these.
    var identity: [String] {
        switch self {
        case .job: ["job_id", "job_state"]
        case .accountingJob: ["job_id", "state.current"]
        case .jobState: ["job_id", "state"]
        case .node, .partition, .reservation, .qos, .account, .user: ["name"]
        case .association: ["account"]
        case .ping: ["hostname"]
        case .diagnosis, .submission, .cancellation, .updateResult, .meta, .error, .warning: []
        }
    }

    var table: NounTable {
        switch self {
        case .job: .job
        case .node: .node
        case .partition: .partition
        case .reservation: .reservation
        case .qos: .qos
        case .account: .account
        case .association: .association
        case .user: .user
        case .accountingJob: .accountingJob
        case .jobState: .jobState
        case .ping: .ping
        case .diagnosis: .diagnosis
        case .submission: .submission
        case .cancellation: .cancellation
        case .updateResult: .updateResult
        case .meta: .meta
        case .error: .error
        case .warning: .warning
        }
    }
}
