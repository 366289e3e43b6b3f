// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallyTransport
import StrictJSON
import Testing

@testable import SallyAccounts

@Suite struct ClusterUsersTests {
    final class Machines: ScriptwiseTransport {
        let answers: [String: String]
        init(_ answers: [String: String]) { self.answers = answers }

        func run(_ invocation: Invocation, on node: NodeName) async throws -> Completion {
            guard let answer = answers[node.rawValue] else {
                throw TransportError.unreachable(node: node, reason: "connection refused")
            }
            return Completion(status: 0, standardOutput: Array((answer + "end\n").utf8), standardError: [])
        }
    }

    static func record(_ name: String, _ uid: Int, _ state: String, _ revision: Int = 1) -> String {
        "record\t{\"user\":\"\(name)\",\"uid\":\(uid),\"profile\":\"standard\",\"origin\":\"created\",\"state\":\"\(state)\",\"revision\":\(revision)}\n"
    }

    static let everybody = [("alice", 20001), ("bob", 20002), ("carol", 20003), ("dave", 20004)].map {
        ClusterRemovalTests.Machines.looked($0.0, $0.1)
    }.joined()
    static let controller =
        record("dave", 20004, "active") + record("alice", 20001, "active") + record("bob", 20002, "active")
        + record("bob", 20002, "locked", 2) + record("carol", 20003, "active") + record("erin", 20005, "removed")
        + "today\t20780\n" + everybody
        + "expires\tbob\t1\nexpires\tcarol\t20780\nexpires\tdave\t20781\nassociation\talice\tresearch\nassociation\talice\tgpu\nkey\talice\n"

    static func list(_ reach: ClusterUsers.Reach, _ answers: [String: String]) async throws -> ClusterUsers.List {
        try await ClusterUsers(layout: AccountPlanTests.layout, transport: Machines(answers)).list(reach)
    }

    @Test func saysHowEverybodyIs() async throws {
        let list = try await Self.list(.controller, ["master": Self.controller])
        #expect(list.users.map(\.user.rawValue) == ["alice", "bob", "carol", "dave", "erin"])
        #expect(list.users.map(\.state) == [.active, .locked, .expired, .active, .removed])
        #expect(list.users.map(\.expires) == [nil, nil, "2026-11-23", "2026-11-24", nil])
        #expect(list.users.map { $0.accounts.map(\.rawValue) } == [["gpu", "research"], [], [], [], []])
        #expect(list.users.map(\.key) == [true, false, false, false, false])
        #expect(list.users.allSatisfy { $0.missing.isEmpty } && list.failed.isEmpty)
        #expect(list.users[1].uid.rawValue == 20002)
    }

    @Test func saysWhichMachineLacksAUser() async throws {
        let others = Self.everybody.replacing("carol:x:20003:20003", with: "carol:x:1500:1500") + "today\t20780\n"
        let list = try await Self.list(.everyMachine, ["master": Self.controller, "node001": others])
        #expect(list.users.map { $0.missing.map(\.rawValue) } == [[], [], ["node001"], [], []])
        #expect(list.failed.keys.map(\.rawValue) == ["node002"])
    }

    /// Once the machine that serves homes says which they are.
    @Test func saysWhichMachineHasOtherHomes() async throws {
        let mark = "mark\t/home\t\(String(repeating: "1a", count: 16))\n"
        let others = Self.everybody + "today\t20780\n"
        let answers = ["master": Self.controller + mark, "node001": others + mark, "node002": others]
        let list = try await Self.list(.everyMachine, answers)
        #expect(list.otherHomes.keys.map(\.rawValue) == ["node002"] && list.failed.isEmpty)
        #expect(list.otherHomes.values.first?.hasPrefix("/home on node002 is not the file system of master") == true)
        let unmarked = try await Self.list(
            .everyMachine, ["master": Self.controller, "node001": others + mark, "node002": others])
        #expect(unmarked.otherHomes.isEmpty)
    }

    @Test func nothingIsSaidWithoutTheController() async throws {
        let error = await #expect(throws: SallyError.self) { _ = try await Self.list(.everyMachine, ["node001": ""]) }
        #expect(error?.code == .unavailable && error?.message.contains("connection refused") == true)
        await #expect(throws: SallyError.self) { _ = try await Self.list(.controller, ["master": "record\t{}\n"]) }
    }

    @Test(arguments: [
        (0, "1970-01-01"), (58, "1970-02-28"), (59, "1970-03-01"), (789, "1972-02-29"), (790, "1972-03-01"),
        (11016, "2000-02-29"), (10956, "1999-12-31"), (20782, "2026-11-25"), (47540, "2100-02-28"),
        (47541, "2100-03-01"),
        (146_097, "2370-01-01"), (364, "1970-12-31"),
    ]) func countsDays(days: Int, day: String) {
        #expect(calendarDay(days) == day)
    }
}
