// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import SlurmModel

/// What the front does, each a path of slurmrestd's.
enum FrontOperation: String, Sendable, CaseIterable {
    case ping, diag, submit, jobs, jobStates, job, update, cancel, cancelList
    case partitions, partition, nodes, node, reservations, reservation
    case finishedJobs, finishedJob, users, user, associations, association, accounts, account, allQOS, qos

    /// What its answer is, or lists.
    var noun: SlurmNoun {
        switch self {
        case .ping: .ping
        case .diag: .diagnosis
        case .submit: .submission
        case .jobs, .job: .job
        case .jobStates: .jobState
        case .update: .updateResult
        case .cancel, .cancelList: .cancellation
        case .partitions, .partition: .partition
        case .nodes, .node: .node
        case .reservations, .reservation: .reservation
        case .finishedJobs, .finishedJob: .accountingJob
        case .users, .user: .user
        case .associations, .association: .association
        case .accounts, .account: .account
        case .allQOS, .qos: .qos
        }
    }
}

/// One line of the front: a path of slurmrestd's and what becomes of it here.
struct FrontLine: Sendable {
    var method: HTTPRequest.Method
    /// After the version.
    var path: String
    var service: FrontPath.Service
    var answer: Answer
    var body: Endpoint.Body = .query
    var query: [Endpoint.Query] = []
    /// Parameters that slurmrestd knows here and the front does not offer.
    var refusedQuery: [String] = []
    var summary: String

    enum Answer: Sendable {
        case offered(FrontOperation)
        /// 501; the reason.
        case refused(String)
    }

    /// From the root, with parameters in braces.
    func template(_ place: FrontPlace) -> String { "\(place.prefix)/\(service.rawValue)/{version}/\(path)" }
}

/// Where the front stands: at the root for the default cluster, and once for each cluster.
enum FrontPlace: Sendable, CaseIterable {
    case root, cluster

    var prefix: String {
        switch self {
        case .root: ""
        case .cluster: "/clusters/{cluster}"
        }
    }
}
