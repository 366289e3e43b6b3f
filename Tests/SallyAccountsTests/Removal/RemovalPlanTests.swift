// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import Testing

@testable import SallyAccounts

@Suite struct RemovalPlanTests {
    static let layout = AccountPlanTests.layout

    static func entry(_ name: String, _ uid: UInt32, home: String? = nil) -> NodeObservation.PasswdEntry {
        .init(name: name, uid: uid, gid: uid, gecos: "", home: home ?? "/home/\(name)", shell: "/bin/bash")
    }

    /// alice and bob on every machine, as the record says.
    static func cluster(
        _ change: (inout [NodeName: UsersObservation]) throws -> Void = { _ in }
    ) throws -> [NodeName: UsersObservation] {
        var seen: [NodeName: UsersObservation] = [:]
        for node in layout.accountNodes {
            var one = UsersObservation()
            for (name, uid) in [("alice", UInt32(20001)), ("bob", 20002)] {
                one.users[name] = entry(name, uid)
                one.owners[uid] = entry(name, uid)
            }
            if node == layout.controller {
                one.records = [try AccountPlanTests.record(), try AccountPlanTests.record("bob", 20002)]
            }
            seen[node] = one
        }
        try change(&seen)
        return seen
    }

    static func plan(
        _ act: RemovalAct, _ names: [String]?, leavings: Leavings = .keep, _ seen: [NodeName: UsersObservation]
    ) throws -> RemovalPlan {
        RemovalPlan.make(
            act, of: try names?.map { try UserName($0) }, leavings: leavings, observed: seen, layout: layout)
    }

    @Test(arguments: [RemovalAct.lock, .remove]) func isAboutWhoWasAskedFor(act: RemovalAct) throws {
        let plan = try Self.plan(act, ["bob", "bob"], Self.cluster())
        #expect(plan.conflicts.isEmpty && plan.users.map(\.user.rawValue) == ["bob"])
        #expect(plan.present.count == 3 && plan.present.values.allSatisfy { $0.map(\.rawValue) == ["bob"] })
        let rows = plan.rows(on: Self.layout.controller, in: Self.layout)
        #expect(rows.map(\.home) == ["/home/bob"])
        #expect(plan.rows(on: AccountPlanTests.name("node001"), in: Self.layout).map(\.home) == [nil])
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var what: String
        var act = RemovalAct.lock
        var leavings = Leavings.keep
        var node = "master"
        var reason: String
        var change: @Sendable (inout [NodeName: UsersObservation]) throws -> Void
        var testDescription: String { what }
    }

    static let cases: [Case] = [
        Case(what: "not in the record", reason: "uid 20001 is somebody else's") {
            $0[layout.controller]?.records.removeFirst()
        },
        Case(what: "adopted", reason: "was there before Sallyport") {
            $0[layout.controller]?.records[0] = try AccountPlanTests.record(origin: .adopted)
        },
        Case(what: "another uid on a machine", node: "node002", reason: "has uid 1500 there and uid 20001") {
            $0[AccountPlanTests.name("node002")]?.users["alice"] = entry("alice", 1500)
        },
        Case(what: "the uid is somebody's", node: "node001", reason: "belongs to eve there and to alice") {
            $0[AccountPlanTests.name("node001")]?.owners[20001] = entry("eve", 20001)
        },
        Case(what: "the uid is twice in the record", reason: "is that of carol as well") {
            $0[layout.controller]?.records.append(try AccountPlanTests.record("carol"))
        },
        Case(what: "unlock of who was removed", act: .unlock, reason: "was removed") {
            $0[layout.controller]?.records.append(try AccountPlanTests.record(state: .removed, revision: 2))
        },
        Case(
            what: "a home elsewhere", act: .remove, leavings: .delete(homes: "/home", scratch: nil),
            reason: "is \"/data/alice\" there, not /home/alice"
        ) {
            $0[layout.controller]?.users["alice"] = entry("alice", 20001, home: "/data/alice")
        },
    ]

    @Test(arguments: cases) func leavesOneAloneAndNamesBoth(test: Case) throws {
        let plan = try Self.plan(test.act, ["alice", "bob"], leavings: test.leavings, Self.cluster(test.change))
        #expect(plan.users.map(\.user.rawValue) == ["bob"])
        let conflict = try #require(plan.conflicts.first)
        #expect(plan.conflicts.count == 1 && conflict.user.rawValue == "alice")
        #expect(conflict.node.rawValue == test.node && conflict.reason.contains(test.reason), "\(conflict.reason)")
        #expect(!plan.present.values.contains { $0.contains { $0.rawValue == "alice" } })
    }

    @Test func allOfTheRecordAreThoseItMade() throws {
        let seen = try Self.cluster {
            $0[Self.layout.controller]?.records += [
                try AccountPlanTests.record("carol", 20003, origin: .adopted),
                try AccountPlanTests.record("dave", 20004, state: .removed),
            ]
        }
        for act in [RemovalAct.lock, .remove] {
            let plan = try Self.plan(act, nil, seen)
            #expect(plan.conflicts.isEmpty)
            let whom = plan.users.map(\.user.rawValue)
            #expect(whom == (act == .lock ? ["alice", "bob"] : ["alice", "bob", "dave"]))
        }
    }

    /// Unlocking takes nobody's own expiry away, and finishes where a machine was down.
    @Test func unlocksWhereSomethingIsLocked() throws {
        let seen = try Self.cluster {
            $0[AccountPlanTests.name("node001")]?.expiry = ["alice": 1, "bob": 30000]
        }
        let plan = try Self.plan(.unlock, nil, seen)
        #expect(plan.present == [AccountPlanTests.name("node001"): [try UserName("alice")]])
        let locked = try Self.cluster {
            $0[Self.layout.controller]?.records[1] = try AccountPlanTests.record("bob", 20002, state: .locked)
        }
        #expect(try Self.plan(.unlock, nil, locked).present.count == 3)
    }

    @Test func writesOneLineForEachThatChanges() throws {
        let bob = try UserName("bob")
        let seen = try Self.cluster {
            $0[Self.layout.controller]?.records.append(
                try AccountPlanTests.record("bob", 20002, state: .locked, revision: 2))
        }
        var plan = try Self.plan(.remove, nil, seen)
        let first = plan.record(.locked, of: Set(plan.users.map(\.user)))
        #expect(first.lines == [try AccountPlanTests.record(state: .locked, revision: 2)])
        #expect(first.before == [try AccountPlanTests.record().line])
        let second = plan.record(.removed, of: [bob])
        #expect(second.lines == [try AccountPlanTests.record("bob", 20002, state: .removed, revision: 3)])
        #expect(second.before.count == 2)
        #expect(plan.record(.removed, of: [bob]).lines.isEmpty)
    }
}
