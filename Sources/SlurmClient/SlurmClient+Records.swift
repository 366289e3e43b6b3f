// SPDX-License-Identifier: Apache-2.0

import SallyModel
package import SallyPolicy
package import SlurmModel

extension SlurmClient {
    /// A whole list, as far as `token` may see it: authenticated and free of errors. What belongs to somebody else than is
    /// asked for is left out.
    package func records(
        _ listing: SlurmListing, _ read: Authorized<SystemAction>, token: SlurmToken
    ) async throws(SlurmError) -> [SlurmRecord] {
        try await records(listing, read, token: token) { $0 }
    }

    /// The same, record by record as it comes and beside the event loops: whole, a list of a site's accounting is many times
    /// what is kept of it.
    ///
    /// - Parameter make: what is kept of a record.
    package func records<Element: Sendable>(
        _ listing: SlurmListing, _ read: Authorized<SystemAction>, token: SlurmToken,
        _ make: @Sendable @escaping (SlurmRecord) -> Element?
    ) async throws(SlurmError) -> [Element] {
        try await served(token) { version throws(SlurmError) -> [Element] in
            guard let key = listing.noun.listKey(version) else {
                throw .badReply(status: nil, reason: "a \(listing.noun) is no list")
            }
            let (reply, found) = try await streamed(
                listing.path(version), version, token, key: key, patience: 4, limit: Bound.large
            ) { part throws(SlurmReply.Malformed) in
                try part.records(listing.noun).filter(listing.wants).compactMap(make)
            }
            if let refusal = reply.refusal {
                if listing.meaningNothing.contains(refusal.number) { return [] }
                throw .refused(refusal)
            }
            return found
        }
    }
}

extension SlurmListing {
    fileprivate func wants(_ record: SlurmRecord) -> Bool {
        owner.map { record.text("user") == $0.rawValue } ?? true
    }
}
