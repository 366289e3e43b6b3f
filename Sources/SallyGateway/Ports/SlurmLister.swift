// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyPolicy
package import SlurmClient
package import SlurmModel

/// What one cluster's slurmrestd lists beside the queue, as whole records. `SlurmQueueClient` is it.
package protocol SlurmLister: Sendable {
    func records(
        _ listing: SlurmListing, _ read: Authorized<SystemAction>, token: Secret<String>
    ) async throws -> [SlurmRecord]
}

extension SlurmQueueClient: SlurmLister {
    package func records(
        _ listing: SlurmListing, _ read: Authorized<SystemAction>, token: Secret<String>
    ) async throws -> [SlurmRecord] {
        try await told { () async throws(SlurmError) in
            try await client.records(listing, read, token: service(token))
        }
    }
}
