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
    let clock: any WallClock

    /// A caller waits so long; then the answer is `pending`.
    let patience: Duration
    private static let retryAfter: Int64 = 5

    enum Answer: Sendable {
        /// With Slurm's messages apart; in the reply they are together.
        case accepted(SubmitReply, SubmissionMessages)
        /// Whether Slurm has the job is not known yet. Nothing is sent again until it is.
        case pending(SubmitPending)
    }

    func submit(
        _ body: [UInt8], key: IdempotencyKey, for principal: Principal, request: OpaqueID
    ) async throws -> Answer {
        try await submit(try await reader.read(body), key: key, for: principal, request: request)
    }

    /// - Parameter operation: the door that it came by.
    func submit(
        _ asked: JobReader.Asked, operation: KeyedOperation = .submit, key: IdempotencyKey, for principal: Principal,
        request: OpaqueID
    ) async throws -> Answer {
        let marker = markers.marker(
            person: principal.person, cluster: cluster, operation: operation, key: key.text)
        // Twice at most: an earlier try that certainly left no job behind makes room for this one.
        for _ in 0..<2 {
            let judged = try await reader.resolve(asked.job.marked(marker), for: principal, request: request)
            let isKnown = try reader.accounts.ifKnown(principal) != nil
            let submit = Submit(
                cluster: cluster, job: judged.job, bounds: judged.bounds, idempotencyKey: key.text,
                operation: operation,
                mintBy: clock.now + (isKnown ? SubmissionSteps.promptness : SubmissionSteps.preparation))
            switch try await gate.authorize(
                submit, by: principal, fingerprint: asked.fingerprint, request: request.rawValue)
            {
            case .proceed(let authorized, let reservation):
                FaultPoint.reserved.reached()
                let order = SubmissionRunner.Order(
                    authorized: authorized, reservation: reservation, principal: principal, request: request)
                switch try await runner.carry(order, waitingAtMost: patience) {
                case .accepted(let job, let messages): return accepted(job, messages, judged.job)
                case .unknown: return pending(reservation)
                }
            case .answered(let job): return accepted(job, [], judged.job)
            case .refused(let refusal): throw refusal.settled(on: cluster)
            case .outcomeUnknown(let reservation):
                // What this process is working on has nothing to be looked up yet.
                guard !runner.isUnderWay(reservation) else { return pending(reservation) }
                await reconciler.look(within: patience)
                let found = try await book.submission(
                    person: principal.person, cluster: cluster, operation: operation, key: key.text)
                switch found?.state {
                case .reserved, .unknown: return pending(reservation)
                // Settled: the gate says how.
                case .submitted, .refused, .failed, nil: continue
                }
            }
        }
        return .pending(SubmitPending(retryAfter: Int(SubmitService.retryAfter), knownWithin: nil, obstacle: nil))
    }

    private func pending(_ reservation: Int64) -> Answer {
        let standing = reconciler.standing(of: reservation)
        let left = standing?.until.map { max(1, $0.rawValue + 1 - clock.now.rawValue) }
        return .pending(
            SubmitPending(
                retryAfter: Int(min(left ?? SubmitService.retryAfter, SubmitService.retryAfter)),
                knownWithin: left.map { Int($0) }, obstacle: standing?.obstacle))
    }

    private func accepted(_ job: JobID, _ messages: SubmissionMessages, _ judged: ResolvedJob) -> Answer {
        .accepted(
            SubmitReply(
                job: job, cluster: cluster, messages: messages.all,
                partition: judged.partitions.map(\.rawValue).joined(separator: ","), account: judged.account),
            messages)
    }
}
