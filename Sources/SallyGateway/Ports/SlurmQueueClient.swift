// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyPolicy
package import SlurmClient
package import SlurmModel

/// `SlurmClient` as the gateway's port: whose token it is, errors as people see them, jobs with owner and marker.
package struct SlurmQueueClient: SlurmQueue {
    let client: SlurmClient
    /// The service account's name: Slurm 22.05 wants it beside the token.
    let serviceAccount: String
    /// By what name accounting knows the cluster.
    let slurmName: String

    package init(_ client: SlurmClient, serviceAccount: String, slurmName: String) {
        self.client = client
        self.serviceAccount = serviceAccount
        self.slurmName = slurmName
    }

    package var forKeeper: any SlurmQueue {
        SlurmQueueClient(client.forKeeper, serviceAccount: serviceAccount, slurmName: slurmName)
    }

    package func submit(_ submit: Authorized<Submit>, token: Secret<String>) async -> SubmitResult {
        guard let account = submit.account else {
            return .notSent(SallyError(.internal, "a submission was authorized without an account"))
        }
        do throws(SlurmError) {
            let job = try await client.submit(submit, token: SlurmToken(user: account.name.rawValue, value: token))
            return .accepted(job.id, messages: job.messages)
        } catch {
            let problem = error.error(cluster: client.cluster)
            if case .refused(let word) = error, word.isUnexplained { return .unknown(problem, word) }
            guard !error.outcomeIsUnknown else { return .unknown(problem) }
            switch error {
            // What passes by itself must not be the answer to this key for a day.
            case .refused(let refusal) where problem.code != .unavailable: return .refused(refusal)
            case .refused, .notOffered, .unreachable, .noFreeConnection, .timeout, .badReply, .authentication,
                .noCommonVersion:
                return .notSent(problem)
            }
        }
    }

    package func cancel(_ cancel: Authorized<Cancel>, token: Secret<String>) async throws {
        let user = cancel.account?.name ?? cancel.action.owner
        try await told { () async throws(SlurmError) in
            try await client.cancel(cancel, token: SlurmToken(user: user.rawValue, value: token))
        }
    }

    package func jobs(
        changedSince moment: Timestamp?, _ read: Authorized<SystemAction>, token: Secret<String>
    ) async throws -> QueueListing {
        let cluster = client.cluster
        let listing = try await told { () async throws(SlurmError) in
            try await client.jobs(changedSince: moment, read, token: service(token)) { job, record in
                QueuedJob(job, on: cluster, record: record.packed)
            }
        }
        return QueueListing(jobs: listing.jobs, readAt: listing.readAt)
    }

    package func job(
        _ job: JobID, _ read: Authorized<SystemAction>, token: Secret<String>
    ) async throws -> [QueuedJob] {
        try await told { () async throws(SlurmError) in
            try await client.job(job, read, token: service(token)) { job, record in
                QueuedJob(job, on: client.cluster, record: record.packed)
            }
        }
    }

    package func states(
        _ read: Authorized<SystemAction>, token: Secret<String>
    ) async throws -> [JobStateEntry]? {
        try await told { () async throws(SlurmError) in try await client.states(read, token: service(token)) }
    }

    package func diagnosis(
        _ read: Authorized<SystemAction>, token: Secret<String>
    ) async throws -> SlurmReply.Diagnosis {
        try await told { () async throws(SlurmError) in try await client.diagnosis(read, token: service(token)) }
    }

    package func partitions(_ read: Authorized<SystemAction>, token: Secret<String>) async throws -> [Partition] {
        try await told { () async throws(SlurmError) in try await client.partitions(read, token: service(token)) }
    }

    package func nodes(_ read: Authorized<SystemAction>, token: Secret<String>) async throws -> [Node] {
        try await told { () async throws(SlurmError) in try await client.nodes(read, token: service(token)) }
    }

    package func finished(
        _ wanted: FinishedJobs, _ read: Authorized<SystemAction>, token: Secret<String>
    ) async throws -> FinishedListing {
        let found = try await told { [cluster = client.cluster, slurmName] () async throws(SlurmError) in
            try await client.finished(
                user: wanted.user, job: wanted.job, since: wanted.since, read, token: service(token)
            ) { job, record in
                AccountedJob(job, record, on: cluster, slurmName: slurmName)
            }
        }
        return FinishedListing(found, limit: wanted.limit)
    }

    package func endLeaverJob(_ action: Authorized<SystemAction>, token: Secret<String>) async throws {
        try await told { () async throws(SlurmError) in
            try await client.endLeaverJob(action, token: service(token))
        }
    }

    func service(_ token: Secret<String>) -> SlurmToken { SlurmToken(user: serviceAccount, value: token) }

    /// Errors as people see them.
    func told<Result>(_ body: () async throws(SlurmError) -> Result) async throws -> Result {
        do throws(SlurmError) {
            return try await body()
        } catch {
            throw error.error(cluster: client.cluster)
        }
    }
}
