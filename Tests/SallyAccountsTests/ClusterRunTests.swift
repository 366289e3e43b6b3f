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

        /// - Parameter said: what the probe of a machine says besides.
        init(down: Set<String> = [], said: [String: String] = [:]) {
            self.down = down
            self.said = said
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
            home: "/home/\(name)", shell: "/bin/bash", groups: [], accounts: [try AccountName("research")])
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

    @Test func uidsRunOut() async throws {
        let machines = Machines(said: ["node001": "taken\t30000\n"])
        let error = await #expect(throws: SallyError.self) {
            _ = try await Self.run(["alice", "bob"], on: machines, range: 30000...30001)
        }
        #expect(error?.code == .conflict && error?.message.contains("30000 to 30001") == true)
        #expect(machines.calls(of: "master", with: "\nrecord_lines <<") == 0)
    }

    @Test func whoIsKnownKeepsTheUID() throws {
        var controller = NodeObservation()
        controller.records = [try AccountPlanTests.record("carol", 41000, state: .removed)]
        controller.users["dave"] = .init(
            name: "dave", uid: 1500, gid: 1500, gecos: "", home: "/home/dave", shell: "/bin/sh")
        controller.taken = [30000, 30001]
        let chosen = try UIDChoice.make(
            try ["carol", "dave", "erin"].map { try UserName($0) },
            observed: [AccountPlanTests.layout.controller: controller], layout: AccountPlanTests.layout,
            range: 30000...30010)
        #expect(
            chosen.mapValues(\.rawValue) == [
                try UserName("carol"): 41000, try UserName("dave"): 1500, try UserName("erin"): 30002,
            ])
    }

    /// More machines than are called at once meet all the same.
    @Test(.timeLimit(.minutes(1))) func manyMachinesMeet() async throws {
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
