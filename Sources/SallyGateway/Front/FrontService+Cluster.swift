// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import SlurmClient
import SlurmModel
import StrictJSON

extension FrontService {
    func partitions(_ call: FrontCall) async throws -> FrontReply { try await shape(.partitions, nil, call) }

    func nodes(_ call: FrontCall) async throws -> FrontReply { try await shape(.nodes, nil, call) }

    func partition(_ name: String, _ call: FrontCall) async throws -> FrontReply {
        try await shape(.partitions, (name, .invalidPartition), call)
    }

    func node(_ name: String, _ call: FrontCall) async throws -> FrontReply {
        try await shape(.nodes, (name, .invalidNode), call)
    }

    /// All, or the one of that name.
    private func shape(
        _ listing: SlurmListing, _ wanted: (name: String, refusal: SlurmRefusal)?, _ call: FrontCall
    ) async throws -> FrontReply {
        try checkFlags(call)
        try await look(call)
        let read = try await cluster.listings.read(listing)
        var records = read.records
        if let wanted {
            records = records.filter { $0.text("name") == wanted.name }
            guard !records.isEmpty else { throw missing(listing.noun, wanted.name, wanted.refusal) }
        }
        return listed(records, listing.noun, read.at, call)
    }

    /// Those that name the person or one of the person's accounts, and those that keep nodes from everybody.
    func reservations(_ name: String?, _ call: FrontCall) async throws -> FrontReply {
        _ = try call.query.moment("update_time")
        try await look(call)
        let read = try await cluster.listings.read(.reservations)
        let accounts = Set(try await ownAssociations(call).compactMap { $0.text("account") })
        var open = read.records.compactMap { $0.reservation(for: call.user, accounts) }
        if let name {
            open = open.filter { $0.text("name") == name }
            guard !open.isEmpty else {
                throw missing(
                    .reservation, name, SlurmRefusal(number: 2053, text: "Requested reservation is invalid"))
            }
        }
        return listed(open, .reservation, read.at, call)
    }

    func missing(_ noun: SlurmNoun, _ name: String, _ refusal: SlurmRefusal?) -> SallyError {
        SallyError(
            .notFound, "there is no \(noun) \(quoted(name)) on cluster \(self.name), or it is not yours",
            slurm: refusal ?? SlurmRefusal(number: 9003, text: "Nothing found with query"))
    }

    private func listed(
        _ records: [SlurmRecord], _ noun: SlurmNoun, _ at: Timestamp, _ call: FrontCall
    ) -> FrontReply {
        FrontReply(
            (noun.listKey(call.version) ?? "", .array(records.map { $0.json(call.version) })),
            ("last_update", .quantity(at.rawValue)))
    }
}

extension SlurmRecord {
    /// The reservation as somebody may see it; nil where it is for others. Who else may use it nobody is told.
    fileprivate func reservation(for user: UserName, _ accounts: Set<String>) -> SlurmRecord? {
        func names(_ key: String) -> [String] { (text(key) ?? "").split(separator: ",").map(String.init) }
        let isOpen = names("users").contains(user.rawValue) || !accounts.isDisjoint(with: names("accounts"))
        guard isOpen || words("flags").contains("MAINT") else { return nil }
        var shown = self
        shown["users"] = .saying(names("users").first { $0 == user.rawValue })
        shown["accounts"] = .saying(names("accounts").filter(accounts.contains).joined(separator: ","))
        shown["groups"] = .unset
        return shown
    }
}
