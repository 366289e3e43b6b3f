// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyPolicy
package import SlurmClient
package import SlurmModel

/// What one cluster's slurmrestd lists beside the queue. `SlurmQueueClient` is it.
package protocol SlurmLister: Sendable {
    /// Record by record as they come, beside the event loops; what `make` returns is kept.
    func records<Element: Sendable>(
        _ listing: SlurmListing, _ read: Authorized<SystemAction>, token: Secret<String>,
        _ make: @Sendable @escaping (SlurmRecord) -> Element?
    ) async throws -> ListedRecords<Element>
}

extension SlurmQueueClient: SlurmLister {
    package func records<Element: Sendable>(
        _ listing: SlurmListing, _ read: Authorized<SystemAction>, token: Secret<String>,
        _ make: @Sendable @escaping (SlurmRecord) -> Element?
    ) async throws -> ListedRecords<Element> {
        try await told { () async throws(SlurmError) in
            try await client.records(listing, read, token: service(token), make)
        }
    }
}
