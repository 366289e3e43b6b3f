// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyKeepProtocol
import SallyModel
import Testing

@Suite struct AccountPlanTests {
    static let layout = ClusterLayout(
        mode: .everywhere, controller: name("master"), nodes: [name("node001"), name("node002")],
        homeServer: name("master"))

    static func name(_ text: String) -> NodeName { NodeName(unchecked: text) }

    static func alice(groups: [String] = [], uid: UInt32 = 20001) throws -> DesiredAccount {
        DesiredAccount(
            name: try UserName("alice"), uid: try UserID(uid), profile: try ProfileName("standard"),
            gecos: "Sallyport alice", home: "/home/alice", shell: "/bin/bash", groups: groups,
            accounts: [try AccountName("research")])
    }

    static func record(
        _ user: String = "alice", _ uid: UInt32 = 20001, origin: ManagedRecord.Origin = .created,
        state: ManagedRecord.State = .active, revision: Int = 1
    ) throws -> ManagedRecord {
        ManagedRecord(
            user: try UserName(user), uid: try UserID(uid), profile: try ProfileName("standard"), origin: origin,
            state: state, revision: revision)
    }

    /// A machine that has alice as she should be.
    static func complete(_ node: String) throws -> NodeObservation {
        var seen = NodeObservation()
        let entry = NodeObservation.PasswdEntry(
            name: "alice", uid: 20001, gid: 20001, gecos: "Sallyport alice", home: "/home/alice", shell: "/bin/bash")
        seen.users["alice"] = entry
        seen.owners[20001] = entry
        seen.groupNames[20001] = "alice"
        seen.groupIDs["alice"] = 20001
        seen.memberships["alice"] = [.init(name: "alice", gid: 20001)]
        if node == "master" {
            seen.homes["/home/alice"] = .folder(owner: 20001)
            seen.records = [try record()]
            seen.adminLevels["alice"] = "None"
            seen.associations["alice"] = [try AccountName("research")]
        }
        return seen
    }

    static func cluster(_ change: (inout [NodeName: NodeObservation]) throws -> Void) throws -> [NodeName:
        NodeObservation]
    {
        var seen: [NodeName: NodeObservation] = [:]
        for node in ["master", "node001", "node002"] { seen[name(node)] = try complete(node) }
        try change(&seen)
        return seen
    }

    static func empty() -> [NodeName: NodeObservation] {
        [name("master"): NodeObservation(), name("node001"): NodeObservation(), name("node002"): NodeObservation()]
    }

    @Test func doesNothingWhereAllIsWell() throws {
        let plan = AccountPlan.make(
            desired: [try Self.alice()], observed: try Self.cluster { _ in }, layout: Self.layout)
        #expect(plan.isEmpty)
    }

    @Test func recordsFirstAndAssociatesLast() throws {
        let alice = try Self.alice()
        let plan = AccountPlan.make(desired: [alice], observed: Self.empty(), layout: Self.layout)
        #expect(plan.conflicts.isEmpty)
        #expect(
            plan.steps[Self.name("master")] == [
                .record([try Self.record()], replacing: []), .create(alice), .makeHome(alice), .associate(alice),
            ])
        #expect(plan.steps[Self.name("node001")] == [.create(alice)])
        #expect(plan.steps[Self.name("node002")] == [.create(alice)])
    }

    @Test func repairsOneMachine() throws {
        let seen = try Self.cluster { $0[Self.name("node002")] = NodeObservation() }
        let plan = AccountPlan.make(desired: [try Self.alice()], observed: seen, layout: Self.layout)
        #expect(plan.steps == [Self.name("node002"): [.create(try Self.alice())]])
    }

    @Test func touchesOnlyTheControllerWhereOnlyThatKnowsPeople() throws {
        var layout = Self.layout
        layout.mode = .controller
        let plan = AccountPlan.make(
            desired: [try Self.alice()], observed: [Self.name("master"): NodeObservation()], layout: layout)
        #expect(Array(plan.steps.keys) == [Self.name("master")])
        layout.mode = .none
        let none = AccountPlan.make(
            desired: [try Self.alice()], observed: [Self.name("master"): NodeObservation()], layout: layout)
        #expect(
            none.steps[Self.name("master")] == [
                .record([try Self.record()], replacing: []), .associate(try Self.alice()),
            ])
    }

    @Test func changesNothingWhereADirectoryHasPeople() throws {
        var layout = Self.layout
        layout.mode = .directory
        var seen = try Self.complete("master")
        seen.records = []
        let good = AccountPlan.make(desired: [try Self.alice()], observed: [Self.name("master"): seen], layout: layout)
        #expect(good.isEmpty)
        let unknown = AccountPlan.make(
            desired: [try Self.alice()], observed: [Self.name("master"): NodeObservation()], layout: layout)
        #expect(unknown.conflicts.map(\.reason) == ["the directory does not know alice"])
        let other = AccountPlan.make(
            desired: [try Self.alice(uid: 20009)], observed: [Self.name("master"): seen], layout: layout)
        #expect(other.steps.isEmpty && other.conflicts.first?.reason.contains("uid 20001 there and uid 20009") == true)
    }

    @Test func changesWhatItMadeAndNotWhatItAdopted() throws {
        let seen = try Self.cluster { $0[Self.name("node001")]?.users["alice"]?.shell = "/bin/sh" }
        let plan = AccountPlan.make(desired: [try Self.alice()], observed: seen, layout: Self.layout)
        #expect(plan.steps == [Self.name("node001"): [.change(try Self.alice())]])
        let adopted = try Self.cluster {
            $0[Self.name("node001")]?.users["alice"]?.shell = "/bin/sh"
            $0[Self.name("master")]?.records = [try Self.record(origin: .adopted)]
        }
        #expect(AccountPlan.make(desired: [try Self.alice()], observed: adopted, layout: Self.layout).isEmpty)
    }

    /// As if it were a new account: the step says that the shell is not there.
    @Test func aShellThatIsGoneIsLookedAtAgain() throws {
        let seen = try Self.cluster { $0[Self.name("node002")]?.shellless = ["alice"] }
        let plan = AccountPlan.make(desired: [try Self.alice()], observed: seen, layout: Self.layout)
        #expect(plan.steps == [Self.name("node002"): [.change(try Self.alice())]])
        let adopted = try Self.cluster {
            $0[Self.name("node002")]?.shellless = ["alice"]
            $0[Self.name("master")]?.records = [try Self.record(origin: .adopted)]
        }
        #expect(AccountPlan.make(desired: [try Self.alice()], observed: adopted, layout: Self.layout).isEmpty)
    }

    /// Also where it was chosen without asking the machines, by a ledger, or is that of a home.
    @Test func whoIsThereKeepsAUIDThatContainersGotLater() throws {
        let range = SubordinateRange(ids: 20000...29999, owner: "eve")
        var seen = try Self.cluster { $0[Self.name("node002")]?.subordinate = [range] }
        let alice = try Self.alice()
        #expect(AccountPlan.make(desired: [alice], observed: seen, layout: Self.layout).isEmpty)
        seen[Self.name("node002")]?.users = [:]
        let plan = AccountPlan.make(desired: [alice], observed: seen, layout: Self.layout)
        #expect(plan.conflicts.map(\.node.rawValue) == ["node002"] && plan.steps.isEmpty, "\(plan)")
    }

    struct Trouble: Sendable, CustomTestStringConvertible {
        var reason: String
        var change: @Sendable (inout [NodeName: NodeObservation]) throws -> Void
        var testDescription: String { reason }
    }

    static let troubles: [Trouble] = [
        Trouble(reason: "made by somebody else") { $0[name("master")]?.records = [] },
        Trouble(reason: "alice has uid 1001 there") { $0[name("node002")]?.users["alice"]?.uid = 1001 },
        Trouble(reason: "belongs to mallory there") { $0[name("node001")]?.owners[20001]?.name = "mallory" },
        Trouble(reason: "was given to mallory, for ever") {
            $0[name("master")]?.records.append(try record("mallory", 20001, state: .removed))
        },
        Trouble(reason: "was given uid 20007, for ever") { $0[name("master")]?.records = [try record("alice", 20007)] },
        Trouble(reason: "alice is locked") {
            $0[name("master")]?.records.append(try record(state: .locked, revision: 2))
        },
        Trouble(reason: "in group sudo") {
            $0[name("node001")]?.memberships["alice"]?.append(.init(name: "sudo", gid: 27))
        },
        Trouble(reason: "in group wheel") {
            $0[name("node001")]?.memberships["alice"]?.append(.init(name: "wheel", gid: 20500))
        },
        Trouble(reason: "in group odd") {
            $0[name("master")]?.memberships["alice"]?.append(.init(name: "odd", gid: 500))
        },
        Trouble(reason: "AdminLevel Operator") { $0[name("master")]?.adminLevels["alice"] = "Operator" },
        Trouble(reason: "AdminLevel Administrator") { $0[name("master")]?.adminLevels["alice"] = "Administrator" },
        Trouble(reason: "belongs to uid 0, not to 20001") {
            $0[name("master")]?.homes["/home/alice"] = .folder(owner: 0)
        },
        Trouble(reason: "is a symbolic link") { $0[name("master")]?.homes["/home/alice"] = .other("symbolic link") },
        Trouble(reason: "was not looked at") { $0[name("node001")] = nil },
        Trouble(reason: "primary group 100") { $0[name("node001")]?.users["alice"]?.gid = 100 },
        Trouble(reason: "has home \"/srv/alice\"") { $0[name("node001")]?.users["alice"]?.home = "/srv/alice" },
    ]

    @Test(arguments: troubles) func leavesAForeignAccountAlone(_ trouble: Trouble) throws {
        let seen = try Self.cluster(trouble.change)
        let plan = AccountPlan.make(desired: [try Self.alice()], observed: seen, layout: Self.layout)
        #expect(plan.steps.isEmpty)
        #expect(plan.conflicts.contains { $0.reason.contains(trouble.reason) }, "\(plan.conflicts)")
    }

    @Test(arguments: [AccountMode.everywhere, .controller, .directory, .none], ["slurm 20001", "alice 900"])
    func givesNobodyTheAccountOfSlurm(_ mode: AccountMode, _ daemon: String) throws {
        var layout = Self.layout
        layout.mode = mode
        let words = daemon.split(separator: " ").map(String.init)
        var seen = try Self.cluster { _ in }
        seen[Self.name("master")]?.daemons = ["root": 0, words[0]: try #require(UInt32(words[1]))]
        let plan = AccountPlan.make(desired: [try Self.alice()], observed: seen, layout: layout)
        #expect(plan.steps.isEmpty)
        #expect(plan.conflicts.contains { $0.reason.contains("Slurm itself runs as") }, "\(plan.conflicts)")
    }

    static let strangers: [Trouble] = [
        Trouble(reason: "alice has uid 20001 there") { $0[name("master")] = try complete("master") },
        Trouble(reason: "uid 20001 belongs to zoe") {
            $0[name("master")]?.owners[20001] = .init(
                name: "zoe", uid: 20001, gid: 1, gecos: "", home: "/", shell: "/")
        },
        Trouble(reason: "belongs to group lab") { $0[name("master")]?.groupNames[20001] = "lab" },
        Trouble(reason: "uid 20001 of alice belongs to containers of eve there") {
            $0[name("master")]?.subordinate = [.init(ids: 20001...20001, owner: "eve")]
        },
        Trouble(reason: "was given to mallory, for ever") {
            $0[name("master")]?.records = [try record("mallory", 20001, state: .removed)]
        },
        Trouble(reason: "was given uid 20007, for ever") { $0[name("master")]?.records = [try record("alice", 20007)] },
        Trouble(reason: "alice is locked") { $0[name("master")]?.records = [try record(state: .locked)] },
    ]

    @Test(arguments: strangers) func looksForStrangersWhereNoMachineKnowsPeople(_ trouble: Trouble) throws {
        var layout = Self.layout
        layout.mode = .none
        var seen = Self.empty()
        try trouble.change(&seen)
        let plan = AccountPlan.make(desired: [try Self.alice()], observed: seen, layout: layout)
        #expect(plan.steps.isEmpty)
        #expect(plan.conflicts.contains { $0.reason.contains(trouble.reason) }, "\(plan.conflicts)")
    }

    static let newTroubles: [Trouble] = [
        Trouble(reason: "exists already") { $0[name("master")]?.homes["/home/alice"] = .folder(owner: 20001) },
        Trouble(reason: "therefore had another owner") { $0[name("master")]?.strayHomes[20001] = ["/home/older"] },
        Trouble(reason: "gid 20001 belongs to group lab") { $0[name("node001")]?.groupNames[20001] = "lab" },
        Trouble(reason: "uid 20001 of alice belongs to containers of eve there") {
            $0[name("node002")]?.subordinate = [
                .init(ids: 1...20000, owner: "bob"), .init(ids: 20000...29999, owner: "eve"),
            ]
        },
        Trouble(reason: "group alice has gid 1002") { $0[name("node001")]?.groupIDs["alice"] = 1002 },
        Trouble(reason: "uid 20001 belongs to zoe") {
            $0[name("node002")]?.owners[20001] = .init(
                name: "zoe", uid: 20001, gid: 1, gecos: "", home: "/", shell: "/")
        },
    ]

    @Test(arguments: newTroubles) func givesNoUidThatSomebodyHad(_ trouble: Trouble) throws {
        var seen = Self.empty()
        try trouble.change(&seen)
        let plan = AccountPlan.make(desired: [try Self.alice()], observed: seen, layout: Self.layout)
        #expect(plan.steps.isEmpty)
        #expect(plan.conflicts.contains { $0.reason.contains(trouble.reason) }, "\(plan.conflicts)")
    }

    @Test func addsOnlyGroupsThatExistAndAreOrdinary() throws {
        let alice = try Self.alice(groups: ["lab"])
        #expect(!AccountPlan.make(desired: [alice], observed: Self.empty(), layout: Self.layout).conflicts.isEmpty)
        var seen = Self.empty()
        for node in seen.keys { seen[node]?.groupIDs["lab"] = 300 }
        #expect(!AccountPlan.make(desired: [alice], observed: seen, layout: Self.layout).conflicts.isEmpty)
        for node in seen.keys { seen[node]?.groupIDs["lab"] = 3000 }
        let plan = AccountPlan.make(desired: [alice], observed: seen, layout: Self.layout)
        #expect(plan.steps[Self.name("node001")] == [.create(alice), .join(alice.name, groups: ["lab"])])
    }

    @Test(arguments: [
        "/", "home/x", "/home/../etc", "/home//x", "/home/a b", "/home/$x", "/home/x:y", "/home/x\n", "/x",
    ])
    func refusesHomesThatAreNone(_ home: String) throws {
        var alice = try Self.alice()
        alice.home = home
        #expect(throws: SallyError.self) { try alice.check() }
    }

    @Test(arguments: ["sudo", "wheel", "adm", "docker", "slurm", "root", "shadow", "disk", "a b", "-x", "0", ""])
    func refusesPrivilegedGroupsInAProfile(_ group: String) throws {
        #expect(throws: SallyError.self) { try Self.alice(groups: [group]).check() }
    }
}
