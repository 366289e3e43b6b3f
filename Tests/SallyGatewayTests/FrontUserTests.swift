// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SlurmClient
import SlurmModel
import StrictJSON
import Testing

@testable import SallyGateway

/// What a person sees of oneself in accounting.
@Suite struct FrontUserTests {
    /// As 22.05.8 says it, and 24.11.5 where associations are asked for.
    private static func user(
        _ name: String, _ version: Int, in accounts: [(String, String)], by account: String
    ) -> SlurmRecord? {
        let associations = accounts.map { account, cluster -> JSONValue in
            [
                "account": .string(account), "cluster": .string(cluster),
                "partition": version == 38 ? .null : .string(""), "user": .string(name),
            ]
        }
        return SlurmRecord(
            [
                "administrator_level": version == 38 ? .string("None") : .array([.string("None")]),
                "associations": .array(associations),
                "coordinators": [], "default": ["account": .string(account), "wckey": ""], "flags": [],
                "name": .string(name),
            ], noun: .user, version: APIVersion(rawValue: version))
    }

    private static func world(_ users: [SlurmRecord?]) -> WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in queue.change { $0.records[.users] = users.compactMap { $0 } } }
        return settings
    }

    private static func accounts(_ user: JSONValue?) -> [String] {
        (user?["associations"]?.array ?? []).compactMap { $0["account"]?.string }
    }

    @Test(arguments: [38, 42], frontVersions)
    func oneselfComesWithAssociationsUnlessTheyAreNotWanted(upstream: Int, version: String) async throws {
        let users = [
            Self.user("alice", upstream, in: [("gpu", "demo"), ("lab", "demo"), ("far", "elsewhere")], by: "gpu"),
            Self.user("bob", upstream, in: [("other", "demo")], by: "other"),
        ]
        try await withWorld(Self.world(users)) { world, client in
            for path in ["users", "user/alice"] {
                for (query, wanted) in [
                    ("", ["gpu", "lab"]), ("?with_assocs=true", ["gpu", "lab"]), ("?with_assocs=false", []),
                ] {
                    let answer = try await client.call(.get, "/slurmdb/\(version)/\(path)\(query)", world.alice)
                    #expect(answer.status == .ok, "\(answer.text)")
                    let own = try answer.json["users"]?.array ?? []
                    #expect(own.map { $0["name"]?.string } == ["alice"])
                    #expect(Self.accounts(own.first) == wanted, "\(path)\(query)")
                    #expect(own.first?["default"]?["account"]?.string == "gpu")
                    for other in ["bob", "other", "far", "elsewhere"] { #expect(!answer.text.contains("\"\(other)\"")) }
                }
            }
            try await client.expect(.badRequest, .get, "/slurmdb/\(version)/users?with_assocs=maybe", world.alice)
            try await client.expect(.notImplemented, .get, "/slurmdb/\(version)/users?with_coords=true", world.alice)
        }
    }

    /// One slurmdbd serves several clusters, and says one default account of them all.
    @Test func theDefaultOfAnotherClusterIsNotTold() async throws {
        let alice = Self.user("alice", 42, in: [("far", "elsewhere"), ("lab", "demo")], by: "far")
        try await withWorld(Self.world([alice])) { world, client in
            for query in ["", "?with_assocs=false"] {
                let answer = try await client.call(.get, "/slurmdb/v0.0.42/users\(query)", world.alice)
                #expect(try answer.json["users"]?.array?.first?["default"]?["account"]?.string == "")
                #expect(!answer.text.contains("\"far\""))
            }
        }
    }
}
