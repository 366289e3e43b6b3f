// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import SallyModel
package import SallyPolicy
package import SlurmModel
import StrictJSON

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
            let call = SlurmExchange.Call(
                method: .GET, path: listing.path(version), body: nil, deadline: deadline * 4, limit: Bound.large,
                namesUser: version.namesUser)
            let listed = try await exchange.list(key, call, token: token) { rows throws(SlurmError) -> [Element] in
                guard !rows.isEmpty else { return [] }
                do throws(SlurmReply.Malformed) {
                    let part = SlurmReply(.object(JSONObject([(key, .array(rows))])), version: version)
                    return try part.records(listing.noun).filter(listing.wants).compactMap(make)
                } catch {
                    throw .badReply(status: nil, reason: error.description)
                }
            }
            let reply = try checked(listed.answer, version)
            if let refusal = reply.refusal {
                if listing.meaningNothing.contains(refusal.number) { return [] }
                throw .refused(refusal)
            }
            guard reply.json[key]?.array != nil else { throw .badReply(status: nil, reason: "no list \(key)") }
            return listed.elements
        }
    }
}

extension SlurmListing {
    fileprivate func wants(_ record: SlurmRecord) -> Bool {
        owner.map { record.text("user") == $0.rawValue } ?? true
    }
}
