// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallyStore
import SlurmClient

/// What happens between a reservation and its recorded outcome: account, token, Slurm.
package struct SubmissionSteps: Sendable {
    let cluster: ClusterName
    let accounts: AccountDoor
    let signer: any TokenMinter
    let queue: any SlurmQueue
    let keeper: QueueKeeper
    let limits: LimitFinder
    let words: LastWords
    let book: any SubmissionBook
    let metrics: Metrics
    let clock: any WallClock
    let log: Logger

    /// No token is made later than this after the request, which the signer sees to as well, so that a reservation whose gateway
    /// died is settled after a known time: `preparation` where the account may have to be made first, `promptness` where it is there.
    package static let preparation = Duration.seconds(150)
    package static let promptness = Duration.seconds(20)

    init(
        cluster: ClusterName, accounts: AccountDoor, signer: some TokenMinter, queue: some SlurmQueue,
        keeper: QueueKeeper, limits: LimitFinder, words: LastWords, book: some SubmissionBook, metrics: Metrics,
        clock: some WallClock,
        log: Logger
    ) {
        self.cluster = cluster
        self.accounts = accounts
        self.signer = signer
        self.queue = queue
        self.keeper = keeper
        self.limits = limits
        self.words = words
        self.book = book
        self.metrics = metrics
        self.clock = clock
        self.log = log
    }

    /// - Parameter answer: called once. A job that Slurm took is told before its outcome is written down: the reservation
    ///   is durable, and who asks again meanwhile hears that it is under way. Everything else is written down first.
    func perform(
        _ order: SubmissionRunner.Order, answer: @Sendable (Result<SubmissionEnd, SallyError>) -> Void
    ) async {
        let token: Secret<String>
        do {
            _ = try await accounts.ensure(order.principal)
            FaultPoint.prepared.reached()
            token = try await mint(order)
            FaultPoint.minted.reached()
        } catch {
            let problem = asSallyError(error)
            await record(.failed(problem.message), order)
            return answer(.failure(problem))
        }
        let result = await queue.submit(order.authorized, token: token)
        FaultPoint.answered.reached()
        switch result {
        case .accepted(let job, let messages):
            keeper.show(QueuedJob(submitted: job, order: order, at: clock.now))
            answer(.success(.accepted(job, messages: messages)))
            FaultPoint.told.reached()
            await record(.submitted(job), order)
            FaultPoint.recorded.reached()
        case .refused(let refusal):
            if refusal.concernsAccount { accounts.forget(order.principal) }
            // Written down with it: whoever asks again hears the same.
            let explained = await limits.explained(refusal, of: order.authorized.action.job)
            await record(.refused(explained), order)
            answer(.failure(SlurmError.refused(explained).error(cluster: cluster)))
        case .notSent(let problem):
            await record(.failed(problem.message), order)
            answer(.failure(problem))
        case .unknown(let problem, let word):
            if let word { words.keep(word, of: order.reservation) }
            log.warning(
                "a submission's outcome is not known",
                metadata: [
                    "cluster": "\(cluster)", "reservation": "\(order.reservation)", "message": "\(problem.message)",
                    "cause": "\(problem.cause ?? "")",
                ])
            await record(.unknown, order)
            answer(.success(.unknown))
        }
    }

    /// For an order that was never begun.
    func abandon(_ order: SubmissionRunner.Order, why: String) async {
        await record(.failed(why), order)
    }

    private func mint(_ order: SubmissionRunner.Order) async throws -> Secret<String> {
        let mintBy = order.authorized.action.mintBy ?? order.authorized.decidedAt
        guard clock.now < mintBy else {
            throw SallyError(
                .unavailable, "preparing the account took too long", hint: "submit again: the account may be ready now")
        }
        guard let position = order.authorized.position, let account = order.authorized.account else {
            throw SubmissionSteps.undecided
        }
        let minted = try await signer.mint(
            MintRequest(
                cluster: cluster, user: account.name, uid: account.uid, purpose: .submit, position: position,
                mintBy: mintBy))
        return Secret(minted.token)
    }

    private static var undecided: SallyError {
        SallyError(.internal, "a submission was authorized without a recorded decision")
    }

    /// An outcome that cannot be recorded leaves the reservation open, and reconciling finds the job.
    private func record(_ outcome: SubmissionOutcome, _ order: SubmissionRunner.Order) async {
        metrics.submitted(cluster, outcome: outcome.word)
        do {
            guard let position = order.authorized.position else { throw SubmissionSteps.undecided }
            _ = try await book.recordOutcome(
                reservation: order.reservation, decidedAt: position, outcome: outcome, request: order.request.rawValue)
        } catch {
            log.error(
                "a submission's outcome was not recorded",
                metadata: [
                    "cluster": "\(cluster)", "reservation": "\(order.reservation)", "outcome": "\(outcome.word)",
                    "cause": "\(error)",
                ])
        }
    }
}

extension SubmissionOutcome {
    /// For metrics and log.
    var word: String {
        switch self {
        case .submitted: "submitted"
        case .refused: "refused"
        case .unknown: "unknown"
        case .failed: "failed"
        }
    }
}

extension SlurmRefusal {
    /// Slurm does not know the user or the association (slurm/slurm_errno.h: ESLURM_INVALID_ACCOUNT, ESLURM_USER_ID_MISSING,
    /// ESLURM_AUTH_NOBODY).
    var concernsAccount: Bool { [2010, 2045, 6010].contains(number) }
}
