// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyPolicy
import SlurmClient

/// What changes a job that is in the queue. `SlurmQueueClient` is it.
package protocol SlurmUpdater: Sendable {
    /// - Precondition: `token` was minted for this decision.
    func update(_ update: Authorized<UpdateJob>, token: Secret<String>) async throws
}

extension SlurmQueueClient: SlurmUpdater {
    package func update(_ update: Authorized<UpdateJob>, token: Secret<String>) async throws {
        let user = update.account?.name ?? update.action.owner
        try await told { () async throws(SlurmError) in
            try await client.update(update, token: SlurmToken(user: user.rawValue, value: token))
        }
    }
}
