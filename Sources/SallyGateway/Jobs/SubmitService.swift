// SPDX-License-Identifier: Apache-2.0

import Crypto
import SallyModel
import SallyPolicy
import SallyStore
import SallyWire
import SlurmClient
import SlurmModel

/// The main way through: a request becomes a job, once.
struct SubmitService: Sendable {
    let cluster: ClusterName
    let reader: JobReader
    let gate: Gate
    let book: any SubmissionBook
    let runner: SubmissionRunner
    let reconciler: Reconciler
    let markers: SubmissionMarker.Maker

    /// A caller waits so long; then the answer is `pending`.
    static let patience = Duration.seconds(30)
    private static let retryAfter = 5

    enum Answer: Sendable {
        case accepted(SubmitReply)
        /// Whether Slurm has the job is not known yet. Nothing is sent again until it is.
        case pending(SubmitPending)
    }

    func submit(
        _ body: [UInt8], key: IdempotencyKey, for principal: Principal, request: OpaqueID
    ) async throws -> Answer {
        let asked = try await reader.read(body)
        let marker = markers.marker(person: principal.person, cluster: cluster, key: key.text)
        // Twice at most: an earlier try that certainly left no job behind makes room for this one.
        for _ in 0..<2 {
            let judged = try await reader.resolve(asked.job.marked(marker), for: principal, request: request)
            let submit = Submit(
                cluster: cluster, job: judged.job, bounds: judged.bounds, idempotencyKey: key.text)
            switch try await gate.authorize(
                submit, by: principal, fingerprint: asked.fingerprint, request: request.rawValue)
            {
            case .proceed(let authorized, let reservation):
                let order = SubmissionRunner.Order(
                    authorized: authorized, reservation: reservation, principal: principal, request: request)
                switch try await runner.carry(order, waitingAtMost: SubmitService.patience) {
                case .accepted(let job, let messages): return .accepted(reply(job, messages, judged.job))
                case .unknown: return pending
                }
            case .answered(let job): return .accepted(reply(job, [], judged.job))
            case .refused(let refusal): throw SlurmError.refused(refusal).error(cluster: cluster)
            case .outcomeUnknown:
                switch try await settled(principal, key) {
                case .submitted(let job): return .accepted(reply(job, [], judged.job))
                case .failed: continue
                case .refused(let refusal): throw SlurmError.refused(refusal).error(cluster: cluster)
                case .unknown, nil: return pending
                }
            }
        }
        return pending
    }

    private func settled(_ principal: Principal, _ key: IdempotencyKey) async throws -> SubmissionOutcome? {
        guard
            let submission = try await book.submission(person: principal.person, cluster: cluster, key: key.text)
        else { return nil }
        do {
            return try await reconciler.settle(submission, isAwaited: true)
        } catch let error as SallyError where error.code == .unavailable || error.code == .timeout {
            return nil
        }
    }

    private var pending: Answer {
        .pending(SubmitPending(outcome: "unknown", retryAfter: SubmitService.retryAfter))
    }

    private func reply(_ job: JobID, _ messages: [String], _ judged: ResolvedJob) -> SubmitReply {
        SubmitReply(
            job: job, cluster: cluster, messages: messages,
            partition: judged.partitions.map(\.rawValue).joined(separator: ","), account: judged.account)
    }
}
