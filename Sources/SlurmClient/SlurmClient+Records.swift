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
        let records = try await served(token) { version throws(SlurmError) -> [SlurmRecord] in
            let reply: SlurmReply
            do throws(SlurmError) {
                reply = try await list(listing.path(version), version, token)
            } catch {
                if case .refused(let refusal) = error, listing.meaningNothing.contains(refusal.number) { return [] }
                throw error
            }
            return try believed { () throws(SlurmReply.Malformed) in try reply.records(listing.noun) }
        }
        guard let owner = listing.owner else { return records }
        return records.filter { $0.text("user") == owner.rawValue }
    }
}
