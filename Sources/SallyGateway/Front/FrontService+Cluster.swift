// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import SallySocket
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
        let kept = try await cluster.listings.read(listing)
        guard let wanted else { return listed(kept, listing.noun, call) }
        let records = kept.records(named: wanted.name)
        guard !records.isEmpty else { throw missing(listing.noun, wanted.name, wanted.refusal) }
        return listed(records, listing.noun, kept.at, call)
    }

    /// Those that name the person or one of the person's accounts, and those that keep nodes from everybody.
    func reservations(_ name: String?, _ call: FrontCall) async throws -> FrontReply {
        _ = try call.query.moment("update_time")
        try await look(call)
        let kept = try await cluster.listings.read(.reservations)
        let accounts = Set(try await ownAssociations(call).compactMap { $0.text("account") })
        let open = await besideLoops { [user = call.user] in
            (name.map { kept.records(named: $0) } ?? (0..<kept.count).compactMap { kept.record($0) })
                .compactMap { $0.reservation(for: user, accounts) }
        }
        if let name, open.isEmpty {
            throw missing(
                .reservation, name, SlurmRefusal(number: 2053, text: "Requested reservation is invalid"))
        }
        return listed(open, .reservation, kept.at, call)
    }

    /// Partitions and nodes are everybody's; of the rest what is somebody else's is like what is not there.
    func missing(_ noun: SlurmNoun, _ name: String, _ refusal: SlurmRefusal?) -> SallyError {
        let isShared = noun == .partition || noun == .node
        let place = "there is no \(noun) \(quoted(name)) on cluster \(self.name)"
        return SallyError(
            .notFound, isShared ? place : "\(place), or it is not yours",
            hint: noun.listKey(FrontPath.newest).map { "GET \($0) lists \(isShared ? "all" : "what you may see")" },
            slurm: refusal ?? SlurmRefusal(number: 9003, text: "Nothing found with query"))
    }

    /// A whole list, unpacked and written record by record.
    private func listed(_ kept: FrontKept, _ noun: SlurmNoun, _ call: FrontCall) -> FrontReply {
        let (version, user) = (call.version, call.user)
        let list = FrontList(noun.listKey(version) ?? "", count: kept.count) { place, output in
            if let record = kept.record(place) { output += record.shown(to: user).json(version).bytes() }
        }
        return FrontReply(list, ("last_update", .quantity(kept.at.rawValue)))
    }

    private func listed(
        _ records: [SlurmRecord], _ noun: SlurmNoun, _ at: Timestamp, _ call: FrontCall
    ) -> FrontReply {
        let (version, user) = (call.version, call.user)
        let list = FrontList(noun.listKey(version) ?? "", count: records.count) { place, output in
            output += records[place].shown(to: user).json(version).bytes()
        }
        return FrontReply(list, ("last_update", .quantity(at.rawValue)))
    }
}

extension SlurmRecord {
    /// Without the names of other people: who has a node for their jobs alone, and who wrote a node's reason.
    fileprivate func shown(to user: UserName) -> SlurmRecord {
        guard noun == .node else { return self }
        var shown = self
        for key in ["owner", "reason_set_by_user"] where text(key).map({ $0 != user.rawValue }) ?? false {
            shown[key] = .unset
        }
        return shown
    }

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
