// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallyTransport
import Synchronization
import Testing

@testable import SallyAccounts

/// Locking and removing on a whole cluster, with machines that say what a test wants.
@Suite struct ClusterRemovalTests {
    /// Machines that have alice and bob, and remember what they were sent.
    final class Machines: Transport {
        private let heard = Mutex<[(node: String, script: String)]>([])
        private let opened = Mutex<[String: Int]>([:])
        private let down: Set<String>
        private let answers: [(node: String, text: String, answer: String?)]

        /// - Parameter answers: what a machine says to a script with that text; nil breaks the conversation off.
        init(down: Set<String> = [], answers: [(node: String, text: String, answer: String?)] = []) {
            self.down = down
            self.answers = answers
        }

        static func looked(_ name: String, _ uid: Int) -> String {
            let entry = "\(name):x:\(uid):\(uid)::/home/\(name):/bin/bash"
            return "user\t\(name)\t\(entry)\nowner\t\(uid)\t\(entry)\n"
        }

        static let everybody = "today\t20000\n" + looked("alice", 20001) + looked("bob", 20002)
        static let records = """
            record\t{"user":"alice","uid":20001,"profile":"standard","origin":"created","state":"active","revision":1}
            record\t{"user":"bob","uid":20002,"profile":"standard","origin":"created","state":"active","revision":1}

            """

        func run(_ invocation: Invocation, on node: NodeName) async throws -> Completion {
            throw SallyError(.internal, "only conversations are expected")
        }

        func converse<Answer: Sendable>(
            on node: NodeName, limits: ConversationLimits, _ body: (NodeShell) async throws -> Answer
        ) async throws -> Answer {
            opened.withLock { $0[node.rawValue, default: 0] += 1 }
            guard !down.contains(node.rawValue) else {
                throw TransportError.unreachable(node: node, reason: "connection refused")
            }
            return try await body(NodeShell(node: node) { script, _ in try self.answer(script, node) })
        }

        private func answer(_ script: String, _ node: NodeName) throws -> Completion {
            heard.withLock { $0.append((node.rawValue, script)) }
            var text = "end\n"
            if script.contains("\ntake_record '") || script == "true\n" {
                text = ""
            } else if script.contains("\nprobe_accounts\n") {
                text = (node.rawValue == "master" ? Self.records : "") + Self.everybody + "end\n"
            }
            for (place, wanted, answer) in answers where place == node.rawValue && script.contains(wanted) {
                guard let answer else { throw TransportError.unreachable(node: node, reason: "broken pipe") }
                text = answer + "end\n"
            }
            return Completion(status: 0, standardOutput: Array(text.utf8), standardError: [])
        }

        func calls(of node: String, with text: String) -> Int {
            heard.withLock { $0.count { $0.node == node && $0.script.contains(text) } }
        }

        var connections: [String: Int] { opened.withLock { $0 } }

        func order(_ wanted: [(node: String, text: String)]) -> [Int?] {
            heard.withLock { heard in
                wanted.map { wanted in
                    heard.firstIndex { $0.node == wanted.node && $0.script.contains(wanted.text) }
                }
            }
        }
    }

    static let nodes = ["master", "node001", "node002"]

    static func run(
        _ act: RemovalAct, _ names: [String]? = ["alice", "bob"], on machines: Machines, leavings: Leavings = .keep,
        dryRun: Bool = false, told: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> RemovalReport {
        try await ClusterRemoval(
            layout: AccountPlanTests.layout, transport: machines, act: act, of: try names?.map { try UserName($0) },
            leavings: leavings, dryRun: dryRun, by: "root on admin", told: told
        ).run()
    }

    @Test func recordsBeforeAnybodyIsLocked() async throws {
        let machines = Machines()
        let report = try await Self.run(.lock, on: machines)
        #expect(report.isComplete)
        let order = machines.order([
            ("master", "\ntake_record 'root on admin'"), ("master", "\nprobe_lines\n"),
            ("master", "\"state\":\"locked\""), ("node001", "\nlock_users <<"),
        ])
        let places = order.compactMap(\.self)
        #expect(places.count == 4 && places == places.sorted(), "\(order)")
        for node in Self.nodes {
            #expect(machines.calls(of: node, with: "\nlock_users <<") == 1)
            #expect(machines.calls(of: node, with: "\nend_all_sessions <<") == 1)
            #expect(machines.calls(of: node, with: "\nslurm_lock_users <<") == (node == "master" ? 1 : 0))
            #expect(machines.connections[node] == 1)
            #expect(machines.calls(of: node, with: "\nremove_users <<") == 0)
        }
        #expect(machines.calls(of: "master", with: "\nalice\t20001\t/home/alice\nbob\t20002\t/home/bob\n") == 1)
        #expect(machines.calls(of: "node001", with: "\nalice\t20001\t-\nbob\t20002\t-\n") == 1)
    }

    @Test(arguments: [RemovalAct.lock, .unlock, .remove]) func aDryRunChangesNothingAndTakesNoLock(
        act: RemovalAct
    ) async throws {
        let machines = Machines()
        let report = try await Self.run(act, on: machines, dryRun: true)
        #expect(report.steps.isEmpty && report.removed.isEmpty && report.plan.users.count == 2)
        #expect(report.plan.summaries.count == (act == .unlock ? 0 : 3))
        for text in ["\ntake_record", "\nhold_record\n"] {
            #expect(machines.calls(of: "master", with: text) == 0)
        }
    }

    @Test func removesWhenEverybodyIsLockedAndSaysSoLast() async throws {
        let machines = Machines()
        let report = try await Self.run(.remove, nil, on: machines)
        #expect(report.isComplete && report.removed.map(\.rawValue).sorted() == ["alice", "bob"])
        let order = machines.order([
            ("node002", "\nlock_users <<"), ("master", "\njobs_left <<"), ("node001", "\nremove_users <<"),
            ("master", "\"state\":\"removed\""),
        ])
        let places = order.compactMap(\.self)
        #expect(places.count == 4 && places == places.sorted(), "\(order)")
        for node in Self.nodes {
            #expect(machines.calls(of: node, with: "\nremove_users <<") == 1)
            #expect(machines.calls(of: node, with: "\nforget_associations <<") == (node == "master" ? 1 : 0))
            #expect(machines.connections[node] == 1)
            #expect(machines.calls(of: node, with: "\ndiscard_folders home <<") == 0)
        }
    }

    @Test func deletesOnlyWhatWasAskedForAndOnlyAtTheEnd() async throws {
        let machines = Machines()
        let scratch = try ClusterSetup.Scratch(folders: "/mnt", links: "/scratch")
        let report = try await Self.run(
            .remove, ["alice"], on: machines, leavings: .delete(homes: "/home", scratch: scratch))
        #expect(report.isComplete)
        #expect(machines.calls(of: "master", with: "\nalice\t20001\t/home/alice\t-\n") == 1)
        for node in Self.nodes {
            #expect(machines.calls(of: node, with: "\nalice\t20001\t/mnt/alice\t/scratch/alice\n") == 1)
            #expect(machines.calls(of: node, with: "\ndiscard_folders home <<") == (node == "master" ? 1 : 0))
            let order = machines.order([
                ("node001", "\nremove_users <<"), ("node002", "\nremove_users <<"),
                (node, "\ndiscard_folders scratch <<"),
            ])
            let places = order.compactMap(\.self)
            #expect(places.count == 3 && places.max() == places.last)
        }
    }

    @Test func whoHasJobsStaysLocked() async throws {
        let machines = Machines(answers: [("master", "\njobs_left <<", "job\t20001\t17\njob\t20001\t5\n")])
        let report = try await Self.run(
            .remove, on: machines, leavings: .delete(homes: "/home", scratch: nil))
        #expect(!report.isComplete && report.failures.isEmpty)
        #expect(report.waiting == [try UserName("alice"): [try JobID("5"), try JobID("17")]])
        #expect(report.removed.map(\.rawValue) == ["bob"])
        for node in Self.nodes {
            #expect(
                machines.calls(of: node, with: "\nremove_users <<'Sallyport/rows'\nbob\t20002\nSallyport/rows") == 1)
        }
        #expect(
            machines.calls(
                of: "master",
                with: "\"uid\":20001,\"profile\":\"standard\",\"origin\":\"created\",\"state\":\"removed\"") == 0)
        #expect(machines.calls(of: "master", with: "\nalice\t20001\t/home/alice\t-\n") == 0)
    }

    /// Nobody's association goes when nobody knows of the jobs.
    @Test func nothingIsRemovedWhenSlurmDoesNotSay() async throws {
        let machines = Machines(answers: [("master", "\njobs_left <<", nil)])
        let report = try await Self.run(.remove, on: machines)
        #expect(!report.isComplete && report.removed.isEmpty)
        for node in Self.nodes { #expect(machines.calls(of: node, with: "\nremove_users <<") == 0) }
    }

    @Test func whoseProcessesGoOnIsNotRemovedAnywhere() async throws {
        let machines = Machines(answers: [
            ("node002", "\nlock_users <<", "step\tsessions\tfailed\tthey fork\talice\n")
        ])
        let report = try await Self.run(.remove, on: machines)
        #expect(!report.isComplete && report.failures.count == 1)
        #expect(report.removed.map(\.rawValue) == ["bob"])
        #expect(
            machines.calls(of: "master", with: "\nremove_users <<'Sallyport/rows'\nbob\t20002\nSallyport/rows") == 1)
    }

    @Test func aFailureElsewhereKeepsTheRecord() async throws {
        let machines = Machines(answers: [
            ("node002", "\nremove_users <<", "step\taccount\tfailed\tuserdel: in use\talice\n")
        ])
        let report = try await Self.run(
            .remove, on: machines, leavings: .delete(homes: "/home", scratch: nil))
        #expect(report.removed.map(\.rawValue) == ["bob"] && report.failures.count == 1)
        #expect(machines.calls(of: "master", with: "\nalice\t20001\t/home/alice\t-\n") == 0)
        #expect(machines.calls(of: "master", with: "\nbob\t20002\t/home/bob\t-\n") == 1)
    }

    /// What is down, or goes down on the way, has confirmed nothing: the record keeps the users until it has.
    @Test(arguments: [nil, "\nlock_users <<", "\nremove_users <<"])
    func aMachineThatIsDownIsReportedAndTheOthersAreDone(breaks: String?) async throws {
        let machines =
            breaks.map { Machines(answers: [("node001", $0, nil)]) } ?? Machines(down: ["node001"])
        let report = try await Self.run(
            .remove, on: machines, leavings: .delete(homes: "/home", scratch: nil))
        #expect(!report.isComplete && report.plan.conflicts.isEmpty && report.removed.isEmpty)
        #expect(report.failed.keys.map(\.rawValue) == ["node001"])
        for node in ["master", "node002"] { #expect(machines.calls(of: node, with: "\nremove_users <<") == 1) }
        #expect(machines.calls(of: "master", with: "\"state\":\"removed\"") == 0)
        #expect(machines.calls(of: "master", with: "\ndiscard_folders home <<") == 0)
    }

    @Test func aLockIsDoneWhereItCanBe() async throws {
        let machines = Machines(down: ["node001"])
        let report = try await Self.run(.lock, on: machines)
        #expect(report.failed.values.first?.contains("connection refused") == true)
        #expect(machines.calls(of: "node002", with: "\nlock_users <<") == 1)
        #expect(machines.calls(of: "master", with: "\"state\":\"locked\"") == 1)
    }

    @Test(arguments: [RemovalAct.lock, .unlock, .remove]) func nothingIsDoneWithoutTheController(
        act: RemovalAct
    ) async throws {
        let machines = Machines(down: ["master"])
        let error = await #expect(throws: SallyError.self) { _ = try await Self.run(act, on: machines) }
        #expect(error?.code == .unavailable && error?.message.contains("connection refused") == true)
        for text in ["lock_users", "remove_users"] { #expect(machines.calls(of: "node001", with: "\n\(text) <<") == 0) }
    }

    @Test func nothingIsLockedThatTheRecordCallsActive() async throws {
        let machines = Machines(answers: [
            ("master", "\nrecord_lines <<", "step\trecord\tfailed\tthe managed record cannot be written\n")
        ])
        let report = try await Self.run(.lock, on: machines)
        #expect(!report.isComplete && report.failed.count == 3)
        for node in Self.nodes { #expect(machines.calls(of: node, with: "\nlock_users <<") == 0) }
    }

    @Test func somebodyElsesAccountStopsThatUserAlone() async throws {
        let foreign = Machines.looked("alice", 20001) + Machines.looked("bob", 1001)
        let machines = Machines(answers: [("node002", "\nprobe_accounts\n", "today\t1\n" + foreign)])
        let report = try await Self.run(.remove, on: machines)
        #expect(!report.isComplete && report.removed.map(\.rawValue) == ["alice"])
        let conflict = try #require(report.plan.conflicts.first)
        #expect(conflict.user.rawValue == "bob" && conflict.node.rawValue == "node002")
        for node in Self.nodes {
            #expect(machines.calls(of: node, with: "\nbob\t20002\t") == 0)
            #expect(
                machines.calls(of: node, with: "\nremove_users <<'Sallyport/rows'\nalice\t20001\nSallyport/rows") == 1)
        }
    }

    static let locked = Machines.records.replacing("active", with: "locked") + Machines.everybody

    @Test func unlocksAndSaysSoLast() async throws {
        let machines = Machines(answers: [
            ("master", "\nprobe_accounts\n", Self.locked),
            ("node001", "\nunlock_users <<", "step\taccount expiry\tfailed\tno room\tbob\n"),
        ])
        let report = try await Self.run(.unlock, on: machines)
        #expect(report.failures.count == 1 && report.failed.isEmpty)
        let order = machines.order([
            ("node001", "\nunlock_users <<"), ("node002", "\nunlock_users <<"),
            (
                "master",
                "\"uid\":20001,\"profile\":\"standard\",\"origin\":\"created\",\"state\":\"active\",\"revision\":2"
            ),
        ]).compactMap(\.self)
        #expect(order.count == 3 && order.max() == order.last)
        #expect(machines.calls(of: "master", with: "\"state\":\"active\",\"revision\":2") == 1)
        #expect(machines.calls(of: "master", with: "\nafter\t{\"user\":\"bob\"") == 0)
    }

    @Test func whoIsRemovedIsFinishedWhereAMachineWasDown() async throws {
        let removed = Machines.records.replacing("active", with: "removed") + "today\t1\n"
        let machines = Machines(answers: [
            ("master", "\nprobe_accounts\n", removed), ("node002", "\nprobe_accounts\n", "today\t1\n"),
        ])
        let report = try await Self.run(.remove, on: machines)
        #expect(report.isComplete && report.removed.count == 2)
        #expect(machines.calls(of: "node001", with: "\nlock_users <<") == 1)
        #expect(machines.calls(of: "node001", with: "\nremove_users <<") == 1)
        #expect(machines.calls(of: "node002", with: "\nlock_users <<") == 0)
        #expect(machines.calls(of: "master", with: "\nrecord_lines <<") == 0)
    }

    /// What was interrupted after the record was written, and after accounts went on one machine, comes to the same end.
    @Test(arguments: [RemovalAct.lock, .remove]) func whatWasInterruptedIsTakenUp(act: RemovalAct) async throws {
        let records = Machines.records.replacing("active", with: "locked") + "today\t1\n"
        let machines = Machines(answers: [("master", "\nprobe_accounts\n", records)])
        let report = try await Self.run(act, on: machines)
        #expect(report.isComplete && report.removed.count == (act == .remove ? 2 : 0))
        #expect(machines.calls(of: "node001", with: "\nlock_users <<") == 1)
        #expect(machines.calls(of: "master", with: "\nslurm_lock_users <<") == 1)
        #expect(machines.calls(of: "master", with: "\nrecord_lines <<") == (act == .remove ? 1 : 0))
    }

    @Test func whoWaitsIsToldForWhom() async throws {
        let machines = HeldMachines()
        let heard = Mutex<[String]>([])
        _ = try await ClusterRemoval(
            layout: AccountPlanTests.layout, transport: machines, act: .lock, of: [], leavings: .keep, dryRun: false,
            by: "ben", told: { text in heard.withLock { $0.append(text) } }
        ).run()
        #expect(heard.withLock { $0 } == ["waiting for ann since noon, who changes accounts on this cluster"])
    }

    /// The record is held by somebody else at first.
    final class HeldMachines: ScriptwiseTransport {
        func run(_ invocation: Invocation, on node: NodeName) async throws -> Completion {
            let script = String(decoding: invocation.standardInput, as: UTF8.self)
            let text =
                script.contains("\ntake_record '")
                ? "held\tann since noon\n" : script.contains("\nawait_record '") ? "" : "end\n"
            return Completion(status: 0, standardOutput: Array(text.utf8), standardError: [])
        }
    }

    @Test(arguments: [AccountMode.directory, .none]) func accountsOfOthersAreRefused(mode: AccountMode) async throws {
        var layout = AccountPlanTests.layout
        layout.mode = mode
        let removal = ClusterRemoval(
            layout: layout, transport: Machines(), act: .remove, of: nil, leavings: .keep, dryRun: false, by: "root",
            told: { _ in })
        let error = await #expect(throws: SallyError.self) { _ = try await removal.run() }
        #expect(error?.code == .unsupported)
    }

    @Test(arguments: ["home", "", "/home/", "/home/../etc", "/ho me", "/"]) func whatIsNoFolderOfHomesIsRefused(
        path: String
    ) async throws {
        let machines = Machines()
        let error = await #expect(throws: SallyError.self) {
            _ = try await Self.run(.remove, on: machines, leavings: .delete(homes: path, scratch: nil))
        }
        #expect(error?.code == .misconfigured)
        #expect(machines.connections.isEmpty)
    }

    /// More machines than are called at once meet all the same, the controller last among them.
    @Test(.timeLimit(.minutes(10))) func manyMachinesMeet() async throws {
        var layout = AccountPlanTests.layout
        layout.nodes = (1...100).map { NodeName(unchecked: "node\($0)") }
        layout.controller = NodeName(unchecked: "master")
        let report = try await ClusterRemoval(
            layout: layout, transport: Machines(), act: .remove, of: nil, leavings: .keep, dryRun: false, by: "root",
            told: { _ in }
        ).run()
        #expect(report.isComplete && report.removed.count == 2 && report.plan.present.count == 101)
    }
}
