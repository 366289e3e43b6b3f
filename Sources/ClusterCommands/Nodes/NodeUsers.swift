// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyClusters
import SallyModel

/// Whether everybody whom a cluster knows is on machines that were added: whoever made them, and whatever plugins say. A
/// job of somebody who is not there could only fail.
struct NodeUsers: Sendable {
    private let cluster: ClusterMachines

    /// - Parameter cluster: with the new machines.
    init(of cluster: ClusterMachines) { self.cluster = cluster }

    /// - Throws: `SallyError(.conflict)` that names who is missing; `.unavailable` when that cannot be seen.
    func requireAll(on nodes: [NodeName]) async throws {
        let users = ClusterUsers(layout: cluster.layout, transport: cluster.transport())
        let list = try await users.list(.everyMachine)
        if let problem = NodeUsers.problem(list, on: nodes) { throw problem }
    }

    /// Who is locked, expired or removed runs nothing that is new.
    static func problem(_ list: ClusterUsers.List, on nodes: [NodeName]) -> SallyError? {
        for node in nodes {
            if let why = list.failed[node] {
                return SallyError(.unavailable, "whether all users are on \(node) is not known: \(why)")
            }
            if let other = list.otherHomes[node] { return SallyError(.unavailable, other) }
        }
        let missing = list.users.filter { user in
            user.state == .active && nodes.contains { user.missing.contains($0) }
        }
        guard !missing.isEmpty else { return nil }
        let places = nodes.filter { node in missing.contains { $0.missing.contains(node) } }
        let names = missing.prefix(5).map(\.user.rawValue).joined(separator: ", ")
        let more = missing.count > 5 ? " and \(missing.count - 5) more" : ""
        let others = Set(missing.map(\.profile.rawValue)).subtracting(["createusers"]).sorted()
        return SallyError(
            .conflict,
            "\(names)\(more) \(missing.count == 1 ? "is" : "are") not on "
                + places.map(\.rawValue).joined(separator: ", "),
            hint: others.isEmpty
                ? "the lines above say why"
                : "users of profile \(others.joined(separator: ", ")) are a gateway's: list the node in its configuration "
                    + "and let it make them there")
    }
}
