// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyPolicy
import SlurmClient

/// What changes a job that is in the queue. `SlurmQueueClient` is it.
package protocol SlurmUpdater: Sendable {
    /// - Precondition: `token` was minted for this decision.
    func update(_ update: Authorized<UpdateJob>, token: Secret<String>) async -> UpdateResult
}

/// What became of an update that was sent to Slurm.
package enum UpdateResult: Sendable {
    case done
    /// Slurm answered, and its answer does not tell: only a new read of the job does.
    case unsaid
    /// Slurm answered, or never heard of it: nothing more comes of it than what a new read of the job shows.
    case refused(SallyError)
    /// It may have been carried out, or be carried out still.
    case unknown(SallyError)
}

extension SlurmQueueClient: SlurmUpdater {
    package func update(_ update: Authorized<UpdateJob>, token: Secret<String>) async -> UpdateResult {
        let user = update.account?.name ?? update.action.owner
        do throws(SlurmError) {
            switch try await client.update(update, token: SlurmToken(user: user.rawValue, value: token)) {
            case .done: return .done
            case .unsaid: return .unsaid
            }
        } catch {
            let problem = error.error(cluster: client.cluster)
            return error.outcomeIsUnknown ? .unknown(problem) : .refused(problem)
        }
    }
}
