// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallyTransport
import Synchronization
import Testing

@testable import SallyAccounts

/// Users on a whole cluster, with machines that say what a test wants.
@Suite struct ClusterRunTests {
    /// Machines that know nobody, and remember what they were sent.
    final class Machines: ScriptwiseTransport {
        private let heard = Mutex<[(node: String, script: String)]>([])
        private let down: Set<String>
        private let said: [String: String]
        private let recordSaid: String
        private let saidOfUIDs: [String: String]
        private let saidOfHomes: [String: String]

        /// - Parameters:
        ///   - said: what the probe of a machine says besides.
        ///   - saidOfUIDs: what it says when it is asked again, about uids.
        ///   - recordSaid: what writing the record says besides.
        ///   - saidOfHomes: what it says when it makes marks of homes, or compares them.
        init(
            down: Set<String> = [], said: [String: String] = [:], saidOfUIDs: [String: String] = [:],
            recordSaid: String = "", saidOfHomes: [String: String] = [:]
        ) {
            self.down = down
            self.said = said
            self.recordSaid = recordSaid
            self.saidOfUIDs = saidOfUIDs
            self.saidOfHomes = saidOfHomes
        }

        func run(_ invocation: Invocation, on node: NodeName) async throws -> Completion {
            guard !down.contains(node.rawValue) else {
                throw TransportError.unreachable(node: node, reason: "connection refused")
            }
            let script = String(decoding: invocation.standardInput, as: UTF8.self)
            heard.withLock { $0.append((node.rawValue, script)) }
            var text = "end\n"
            if script.contains("\ntake_record '") {
                text = ""
            } else if script.contains("\nprobe_users\n") {
                text = (said[node.rawValue] ?? "") + "end\n"
            } else if script.contains("\nprobe_entries\n") {
                text = (saidOfUIDs[node.rawValue] ?? "") + "end\n"
            } else if script.contains("\nrecord_lines <<") {
                text = recordSaid + "end\n"
            } else if script.contains("\nmake_marks <<") || script.contains("\nsame_homes <<") {
                text = (saidOfHomes[node.rawValue] ?? "") + "end\n"
            }
            return Completion(status: 0, standardOutput: Array(text.utf8), standardError: [])
        }

        func calls(of node: String, with text: String) -> Int {
            heard.withLock { $0.count { $0.node == node && $0.script.contains(text) } }
        }

        /// In which order scripts with these texts came.
        func order(_ wanted: [(node: String, text: String)]) -> [Int?] {
            heard.withLock { heard in
                wanted.map { wanted in
                    heard.firstIndex { $0.node == wanted.node && $0.script.contains(wanted.text) }
                }
            }
        }
    }

    static func user(_ name: String) throws -> UserRequest {
        UserRequest(
            name: try UserName(name), profile: try ProfileName("standard"), gecos: "User \(name)",
            home: "/home/\(name)", shell: "/bin/bash", groups: [], accounts: [try AccountName("research")],
            adoptsHome: false, expiry: .unchanged)
    }

    static func run(
        _ names: [String], on machines: Machines, dryRun: Bool = false,
        range: ClosedRange<UInt32> = 30000...30999
    ) async throws -> ClusterReport {
        try await ClusterRun(
            layout: AccountPlanTests.layout, transport: machines, users: try names.map(user), setup: nil, uids: range,
            dryRun: dryRun, by: "root on admin", told: { _ in }
        ).run()
    }

    @Test func recordsBeforeAnyMachineGetsAnAccount() async throws {
        let machines = Machines(said: ["master": "taken\t30000\n", "node001": "taken\t30001\n"])
        let report = try await Self.run(["alice", "bob"], on: machines)
        #expect(report.isComplete)
        #expect(report.accounts.map(\.uid.rawValue) == [30002, 30003])
        let order = machines.order([
            ("master", "\ntake_record 'root on admin'"), ("master", "\nprobe_taken '30000' '30999'"),
            ("master", "\nrecord_lines <<"), ("node001", "\ncreate_accounts <<"),
        ])
        let places = order.compactMap(\.self)
        #expect(places.count == 4 && places == places.sorted(), "\(order)")
        #expect(machines.calls(of: "node002", with: "\ncreate_accounts <<") == 1)
        #expect(machines.calls(of: "node002", with: "\nassociate_users <<") == 0)
        #expect(machines.calls(of: "master", with: "\nmake_homes <<") == 1)
    }

    @Test func aDryRunChangesNothingAndTakesNoLock() async throws {
        let machines = Machines()
        let report = try await Self.run(["alice"], on: machines, dryRun: true)
        #expect(report.plan.steps.count == 3 && report.steps.isEmpty)
        for text in ["\ntake_record", "\nhold_record\n", "\nrecord_lines <<", "\ncreate_accounts <<"] {
            #expect(machines.calls(of: "master", with: text) == 0)
        }
    }

    @Test func aMachineThatIsDownIsReportedAndTheOthersAreDone() async throws {
        let machines = Machines(down: ["node001"])
        let report = try await Self.run(["alice"], on: machines)
        #expect(!report.isComplete && report.plan.conflicts.isEmpty)
        #expect(Array(report.failed.keys.map(\.rawValue)) == ["node001"])
        #expect(report.failed.values.first?.contains("connection refused") == true)
        #expect(machines.calls(of: "node002", with: "\ncreate_accounts <<") == 1)
    }

    @Test func nothingIsDoneWithoutTheController() async throws {
        let machines = Machines(down: ["master"])
        let error = await #expect(throws: SallyError.self) { _ = try await Self.run(["alice"], on: machines) }
        #expect(error?.code == .unavailable && error?.message.contains("master") == true)
        #expect(error?.message.contains("connection refused") == true)
        #expect(machines.calls(of: "node001", with: "\ncreate_accounts") == 0)
    }

    @Test func somebodyElsesAccountStopsThatUserAlone() async throws {
        let machines = Machines(said: ["node002": "user\tbob\tbob:x:1001:1001::/home/bob:/bin/sh\n"])
        let report = try await Self.run(["alice", "bob"], on: machines)
        #expect(report.accounts.map(\.name.rawValue) == ["alice"])
        let conflict = try #require(report.plan.conflicts.first)
        #expect(conflict.user.rawValue == "bob" && conflict.node.rawValue == "node002")
        #expect(!report.isComplete)
        #expect(machines.calls(of: "node001", with: "\nalice\t30000\t/home/alice\t/bin/bash\t") == 1)
        #expect(machines.calls(of: "node001", with: "\t/home/bob\t/bin/bash\t") == 0)
    }

    /// A machine is asked about uids again where it was not asked about those that were chosen, and nowhere else.
    @Test func whoWasForeseenIsNotAskedAboutAgain() async throws {
        let owner = "owner\t30001\tmallory:x:30001:1::/home/mallory:/bin/sh\n"
        let machines = Machines(
            said: ["master": "asked\t30000\nasked\t30001\n", "node001": "asked\t30000\n", "node002": ""],
            saidOfUIDs: ["master": owner, "node001": owner])
        let report = try await Self.run(["alice", "bob"], on: machines)
        #expect(machines.calls(of: "master", with: "\nprobe_entries\n") == 1)
        #expect(machines.calls(of: "node001", with: "\nprobe_entries\n") == 2)
        #expect(machines.calls(of: "node001", with: "\nbob\t30001\t/home/bob\n") == 1)
        #expect(machines.calls(of: "node002", with: "\nprobe_entries\n") == 2)
        #expect(report.plan.conflicts.map(\.node.rawValue) == ["node001"])
        #expect(report.plan.conflicts.first?.reason.contains("belongs to mallory") == true)
        #expect(report.accounts.map(\.name.rawValue) == ["alice"])
    }

    /// What is said later about uids adds to what was said of names, and its lines of the record are all there are.
    @Test func whatIsSaidOfUIDsIsAdded() throws {
        let node = NodeName(unchecked: "master")
        let lines = try [("alice", UInt32(30000)), ("bob", 30001)].map {
            "record\t\(try AccountPlanTests.record($0, $1, state: .active).line)\n"
        }
        var seen = try NodeObservation(
            parsing: "user\talice\talice:x:30000:30000::/home/alice:/bin/sh\nknown\tx\n\(lines[0])end\n", node: node)
        seen.add(
            try NodeObservation(
                parsing:
                    "asked\t30001\nsubordinate\t30001\t30009\tzoe\ngroup\teve\t30001\nstray\t30001\t/home/old\n\(lines[0])\(lines[1])end\n",
                node: node))
        #expect(seen.users.count == 1 && seen.knownHosts == ["x"] && seen.asked == [30001])
        #expect(seen.subordinate == [.init(ids: 30001...30009, owner: "zoe")])
        #expect(seen.groupNames[30001] == "eve" && seen.strayHomes[30001] == ["/home/old"])
        #expect(seen.records.map(\.user.rawValue) == ["alice", "bob"])
    }

    @Test func uidsRunOut() async throws {
        let machines = Machines(said: ["node001": "taken\t30000\n"])
        let error = await #expect(throws: SallyError.self) {
            _ = try await Self.run(["alice", "bob"], on: machines, range: 30000...30001)
        }
        #expect(error?.code == .conflict && error?.message.contains("30000 to 30001") == true)
        #expect(machines.calls(of: "master", with: "\nrecord_lines <<") == 0)
    }

    /// A disk that is full, or somebody who was quicker: nobody gets an account that the record does not have.
    @Test func withoutTheRecordNobodyIsMade() async throws {
        let machines = Machines(recordSaid: "step\trecord\tfailed\tthe managed record cannot be written\n")
        await #expect {
            let report = try await Self.run(["alice"], on: machines)
            guard report.failed.isEmpty else {
                throw SallyError(.unavailable, report.failed.values.sorted().joined())
            }
        } throws: { ($0 as? SallyError)?.message.contains("cannot be written") == true }
        #expect(machines.calls(of: "node001", with: "\ncreate_accounts <<") == 0)
        #expect(machines.calls(of: "master", with: "\ncreate_accounts <<") == 0)
    }

    /// (what Slurm enforces, whether the user has accounts) to whether anybody is made
    @Test(arguments: [("enforced\n", false, false), ("enforced\n", true, true), ("", false, true)])
    func whoCouldRunNoJobIsNotMade(said: String, hasAccounts: Bool, isMade: Bool) async throws {
        let machines = Machines(said: ["master": said])
        var layout = AccountPlanTests.layout
        layout.slurm = .whereInstalled
        var alice = try Self.user("alice")
        if !hasAccounts { alice.accounts = [] }
        let run = ClusterRun(
            layout: layout, transport: machines, users: [alice], setup: nil, uids: 30000...30001, dryRun: false,
            by: "root", told: { _ in })
        if isMade {
            #expect(try await run.run().isComplete)
        } else {
            await #expect { try await run.run() } throws: { ($0 as? SallyError)?.code == .misconfigured }
        }
        #expect((machines.calls(of: "node001", with: "\ncreate_accounts <<") == 1) == isMade)
    }

    @Test func whoIsKnownKeepsTheUID() throws {
        var controller = NodeObservation()
        controller.records = [try AccountPlanTests.record("carol", 41000, state: .removed)]
        controller.users["dave"] = .init(
            name: "dave", uid: 1500, gid: 1500, gecos: "", home: "/home/dave", shell: "/bin/sh")
        controller.taken = [30000, 30001]
        let chosen = try UIDChoice.make(
            try ["carol", "dave", "erin"].map(Self.user),
            observed: [AccountPlanTests.layout.controller: controller], layout: AccountPlanTests.layout,
            range: 30000...30010)
        #expect(
            chosen.mapValues(\.rawValue) == [
                try UserName("carol"): 41000, try UserName("dave"): 1500, try UserName("erin"): 30002,
            ])
    }

    /// (owner of the home, whether it may be adopted) to uid
    @Test(arguments: [
        (UInt32(1234), true, UInt32(1234)), (1234, false, 30000), (0, true, 30000), (999, true, 30000),
        (65534, true, 30000),
    ]) func aHomeThatIsThereMayDecide(owner: UInt32, adopts: Bool, uid: UInt32) throws {
        var seen = NodeObservation()
        seen.homes["/home/alice"] = .folder(owner: owner)
        var alice = try Self.user("alice")
        alice.adoptsHome = adopts
        let layout = AccountPlanTests.layout
        let observed = [layout.homeServer: seen]
        #expect(
            try UIDChoice.make([alice], observed: observed, layout: layout, range: 30000...30010)
                .mapValues(\.rawValue) == [alice.name: uid])
        let plan = AccountPlan.make(
            desired: [alice.account(UserID(rawValue: uid)!)],
            observed: Dictionary(  // a permitted uid
                uniqueKeysWithValues: layout.probedNodes.map { ($0, seen) }), layout: layout)
        #expect(plan.conflicts.isEmpty == (uid == owner))
        if uid != owner { #expect(plan.conflicts.first?.reason.contains("belongs to uid \(owner)") == true) }
    }

    /// Two homes of one owner make no two accounts of one uid.
    @Test func aUIDIsAdoptedOnce() throws {
        var seen = NodeObservation()
        for name in ["alice", "bob"] { seen.homes["/home/\(name)"] = .folder(owner: 1234) }
        var users = try ["alice", "bob"].map(Self.user)
        for index in users.indices { users[index].adoptsHome = true }
        let layout = AccountPlanTests.layout
        let chosen = try UIDChoice.make(
            users, observed: [layout.homeServer: seen], layout: layout, range: 30000...30010)
        #expect(chosen.values.map(\.rawValue).sorted() == [1234, 30000])
    }

    /// Whoever may be others in a container would be the user.
    @Test func whatIsSomebodysInContainersIsGivenToNobody() throws {
        var seen = NodeObservation()
        seen.subordinate = [30000...30001, 30003...30003, 30004...30009].map { .init(ids: $0, owner: "eve") }
        seen.homes["/home/bob"] = .folder(owner: 30004)
        var users = try ["alice", "bob", "carol"].map(Self.user)
        for index in users.indices { users[index].adoptsHome = true }
        let layout = AccountPlanTests.layout
        let chosen = try UIDChoice.make(
            users, observed: [layout.homeServer: seen], layout: layout, range: 30000...30020)
        #expect(try users.map { try #require(chosen[$0.name]).rawValue } == [30002, 30010, 30011])
        #expect(throws: SallyError.self) {
            try UIDChoice.make(users, observed: [layout.homeServer: seen], layout: layout, range: 30000...30009)
        }
    }

    @Test func rangesMayOverlap() {
        let ids = SubordinateIDs([20...30, 1...1, 25...40, 3...9, 4...5])
        #expect((0...50).filter { ids.contains(UInt32($0)) } == [1] + Array(3...9) + Array(20...40))
        #expect(!SubordinateIDs([]).contains(0))
    }

    /// A run that was ended after the account was made and before it had its day.
    @Test(arguments: [
        ("-", "-", DesiredAccount.Expiry.atFirst(ExpiryDay(days: 9)), Int?.some(40)),
        ("20", "-", .atFirst(ExpiryDay(days: 9)), 20), ("-", "30", .atFirst(ExpiryDay(days: 9)), nil),
        ("none", "none", .atFirst(ExpiryDay(days: 9)), 9),
        // Where a node is added: what it was to have anywhere.
        ("-", "none", .unchanged, 40), ("-", "-", .unchanged, 40), ("none", "none", .unchanged, 40),
        ("20", "none", .unchanged, 20), ("20", "-", .unchanged, nil), ("-", "30", .unchanged, nil),
    ])
    func aDayThatWasForeseenIsSet(
        controller: String, node: String, wanted: DesiredAccount.Expiry, day: Int?
    ) throws {
        var alice = try Self.user("alice")
        alice.expiry = wanted
        let layout = AccountPlanTests.layout
        var observed: [NodeName: NodeObservation] = [:]
        for machine in layout.probedNodes {
            let text = machine == layout.controller ? controller : node
            var seen = NodeObservation()
            if text != "none" {
                seen.users["alice"] = .init(
                    name: "alice", uid: 30000, gid: 30000, gecos: "User alice", home: "/home/alice",
                    shell: "/bin/bash")
                seen.expiry["alice"] = Int(text).map(ExpiryDay.init)
            }
            observed[machine] = seen
        }
        observed[layout.controller]?.records = [try AccountPlanTests.record("alice", 30000, state: .active)]
        observed[layout.controller]?.expiring["alice"] = ExpiryDay(days: 40)
        let plan = AccountPlan.make(
            desired: [alice.account(UserID(rawValue: 30000)!)], observed: observed, layout: layout)  // a permitted uid
        let set = try (plan.steps[NodeName("node001")] ?? []).compactMap { step -> Int? in
            if case .expire(_, let day) = step { day.days } else { nil }
        }
        #expect(set == [day].compactMap(\.self))
    }

    /// (on the controller, on the node, wanted) to what is set on the node; nil for nothing
    @Test(arguments: [
        ("none", "none", DesiredAccount.Expiry.unchanged, Int?.none),
        ("20", "none", .unchanged, 20), ("20", "-", .unchanged, nil), ("20", "30", .unchanged, nil),
        ("none", "none", .atFirst(ExpiryDay(days: 9)), 9), ("20", "none", .atFirst(ExpiryDay(days: 9)), 20),
        ("20", "-", .atFirst(ExpiryDay(days: 9)), 20), ("-", "-", .atFirst(ExpiryDay(days: 9)), nil),
        ("20", "30", .atFirst(ExpiryDay(days: 9)), nil),
        ("20", "30", .always(ExpiryDay(days: 9)), 9), ("9", "9", .always(ExpiryDay(days: 9)), nil),
    ]) func expires(controller: String, node: String, wanted: DesiredAccount.Expiry, day: Int?) throws {
        var alice = try Self.user("alice")
        alice.expiry = wanted
        let layout = AccountPlanTests.layout
        func seen(_ text: String) -> NodeObservation {
            var seen = NodeObservation()
            guard text != "none" else { return seen }
            seen.users["alice"] = .init(
                name: "alice", uid: 30000, gid: 30000, gecos: "User alice", home: "/home/alice", shell: "/bin/bash")
            seen.expiry["alice"] = Int(text).map(ExpiryDay.init)
            return seen
        }
        var observed = Dictionary(uniqueKeysWithValues: layout.probedNodes.map { ($0, seen(node)) })
        observed[layout.controller] = seen(controller)
        observed[layout.controller]?.records = [try AccountPlanTests.record("alice", 30000, state: .active)]
        let plan = AccountPlan.make(
            desired: [alice.account(UserID(rawValue: 30000)!)], observed: observed, layout: layout)  // a permitted uid
        let set = try (plan.steps[NodeName("node001")] ?? []).compactMap { step -> Int? in
            if case .expire(_, let day) = step { day.days } else { nil }
        }
        #expect(set == [day].compactMap(\.self))
    }

    @Test func aDayBeginsNoEarlierThanAsked() {
        let day = 86_400
        #expect(ExpiryDay(notBefore: Timestamp(rawValue: Int64(day))).days == 1)
        #expect(ExpiryDay(notBefore: Timestamp(rawValue: Int64(day) + 1)).days == 2)
    }

    /// More machines than are called at once meet all the same.
    @Test(.timeLimit(.minutes(10))) func manyMachinesMeet() async throws {
        var layout = AccountPlanTests.layout
        layout.nodes = (1...100).map { NodeName(unchecked: "node\($0)") }
        let report = try await ClusterRun(
            layout: layout, transport: Machines(), users: [try Self.user("alice")], setup: nil, uids: 30000...30001,
            dryRun: false,
            by: "root", told: { _ in }
        ).run()
        #expect(report.isComplete && report.plan.steps.count == 101)
    }
}
