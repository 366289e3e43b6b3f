// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyPolicy
import SlurmClient

/// The API version that one cluster's slurmrestd is spoken to in. `SlurmQueueClient` is it.
package protocol SlurmVersions: Sendable {
    /// Speaks the newest version that is served by now from here on, if that is newer than the one in use.
    func takeUpNewerVersion(_ read: Authorized<SystemAction>, token: Secret<String>) async throws
}

extension SlurmQueueClient: SlurmVersions {
    package func takeUpNewerVersion(_ read: Authorized<SystemAction>, token: Secret<String>) async throws {
        _ = try await told { () async throws(SlurmError) in
            try await client.takeUpNewerVersion(read, token: service(token))
        }
    }
}
