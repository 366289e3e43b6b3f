// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON
import Testing

@testable import ClusterCommands
@testable import SallyAccounts

@Suite struct NodeUsersTests {
    private static let node = NodeName(unchecked: "node003")

    private func user(
        _ name: String, _ state: ClusterUser.State, missing: [String], profile: String = "createusers"
    ) throws -> ClusterUser {
        let places = missing.map { "\"\($0)\"" }.joined(separator: ",")
        let text = """
            {"user": "\(name)", "uid": 30000, "profile": "\(profile)", "origin": "created", "state": "\(state.rawValue)",
             "missing": [\(places)], "accounts": []}
            """
        return try StrictDecoder.decode(ClusterUser.self, from: Array(text.utf8))
    }

    private func list(
        _ users: [ClusterUser] = [], failed: [NodeName: String] = [:], otherHomes: [NodeName: String] = [:]
    ) -> ClusterUsers.List {
        var list = ClusterUsers.List()
        list.users = users
        list.failed = failed
        list.otherHomes = otherHomes
        return list
    }

    @Test func everybodyWhoMayRunJobsMustBeThere() throws {
        var users = [
            try user("linus", .active, missing: []), try user("tux", .active, missing: ["node002"]),
            try user("locked", .locked, missing: ["node003"]), try user("late", .expired, missing: ["node003"]),
            try user("gone", .removed, missing: []),
        ]
        #expect(NodeUsers.problem(list(users), on: [Self.node]) == nil)
        users.append(try user("larry", .active, missing: ["node002", "node003"]))
        let problem = NodeUsers.problem(list(users), on: [NodeName(unchecked: "node004"), Self.node])
        #expect(problem?.code == .conflict && problem?.message == "larry is not on node003")
    }

    @Test func usersOfAGatewayAreNamedAsSuch() throws {
        let users = try (1...7).map { try user("user00\($0)", .active, missing: ["node003"], profile: "standard") }
        let problem = NodeUsers.problem(list(users), on: [Self.node])
        #expect(problem?.message == "user001, user002, user003, user004, user005 and 2 more are not on node003")
        #expect(problem?.hint?.contains("profile standard are a gateway's") == true)
    }

    @Test func whatCannotBeSeenIsNotBelieved() {
        var failed = [NodeName(unchecked: "node002"): "down"]
        #expect(NodeUsers.problem(list(failed: failed), on: [Self.node]) == nil)
        failed[Self.node] = "node node003 is not reached: down"
        #expect(NodeUsers.problem(list(failed: failed), on: [Self.node])?.code == .unavailable)
    }

    /// Accounts without their homes are half made.
    @Test func whoeverHasOtherHomesIsNotUsed() {
        var other = [NodeName(unchecked: "node002"): "elsewhere"]
        #expect(NodeUsers.problem(list(otherHomes: other), on: [Self.node]) == nil)
        other[Self.node] = "/home on node003 is not the file system of master"
        let problem = NodeUsers.problem(list(otherHomes: other), on: [Self.node])
        #expect(problem?.code == .unavailable && problem?.message == other[Self.node])
    }

    /// A node that is down elsewhere keeps nobody from the new one.
    @Test func whatIsWrongElsewhereIsNoReason() {
        var report = ClusterReport()
        report.failed = [NodeName(unchecked: "node002"): "down"]
        #expect(report.incomplete != nil && report.blocking([Self.node], needing: []).incomplete == nil)
        report.failed[Self.node] = "down too"
        #expect(
            report.blocking([Self.node], needing: []).incomplete?.message == "1 machine not reached or not finished")
    }
}
