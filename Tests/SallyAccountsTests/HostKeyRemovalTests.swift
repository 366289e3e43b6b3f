// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyTransport
import Synchronization
import Testing

@testable import SallyAccounts

@Suite struct HostKeyRemovalTests {
    private static let cluster = ClusterName(unchecked: "demo")

    private static let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey"

    private static let text = """
        node003,10.1.0.13 ssh-ed25519 SOMEBODYS
        # sallyport begin other
        node003,10.9.0.13 ssh-ed25519 OTHERS
        # sallyport end other
        # sallyport begin demo
        master,10.1.0.10 ssh-ed25519 M
        node0031,10.1.0.131 ssh-ed25519 N
        node003,10.1.0.13,10.1.1.13 ssh-ed25519 E
        node003 ssh-rsa R
        # sallyport end demo
        node003 ssh-ed25519 LAST

        """

    private func run(_ file: String, _ names: [String]) async throws -> ProgramResult {
        try await runProgram(
            "/bin/bash", ["-s", "--", "demo"] + names, environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"],
            input: "set -u\numask 077\n" + HostKeyRemoval.script(file: file))
    }

    private func text(_ file: String) async throws -> String { try await runProgram("/bin/cat", [file]).output }

    /// Lines of others, of other clusters and of machines whose names begin alike stay.
    @Test func onlyTheClustersOwnLinesGo() async throws {
        try await withScratchFolder { folder in
            let file = "\(folder)/known"
            try writeFile(file, Self.text, mode: 0o644)
            let ran = try await run(file, ["node003", "node009"])
            #expect(ran.status == 0 && ran.errors.isEmpty, "\(ran)")
            #expect(ran.output == "node003,10.1.0.13,10.1.1.13 ssh-ed25519 E\nnode003 ssh-rsa R\n")
            #expect(try await text(file) == Self.text.replacing(ran.output, with: ""))
            #expect(permissions(of: file) == 0o644)
            let again = try await run(file, ["node003"])
            #expect(again.status == 0 && again.output.isEmpty, "\(again)")
        }
    }

    @Test func whatIsNoFileIsSaidAndLeftAlone() async throws {
        try await withScratchFolder { folder in
            #expect(try await run("\(folder)/none", ["node003"]).status == 0)
            try writeFile("\(folder)/known", Self.text)
            _ = try await runProgram("/bin/ln", ["-s", "\(folder)/known", "\(folder)/link"])
            let ran = try await run("\(folder)/link", ["node003"])
            #expect(ran.status == 1 && ran.errors == "\(folder)/link is not a file\n", "\(ran)")
            #expect(try await text("\(folder)/known") == Self.text)
        }
    }

    private final class Machines: ScriptwiseTransport {
        private let heard = Mutex<[(node: String, arguments: [String], script: String)]>([])
        private let down: Set<String>
        private let odd: String
        init(down: Set<String> = [], odd: String = "") {
            self.down = down
            self.odd = odd
        }

        func run(_ invocation: Invocation, on node: NodeName) async throws -> Completion {
            guard !down.contains(node.rawValue) else {
                throw TransportError.unreachable(node: node, reason: "connection refused")
            }
            let script = String(decoding: invocation.standardInput, as: UTF8.self)
            heard.withLock { $0.append((node.rawValue, invocation.arguments, script)) }
            let isRemoval = script.contains("ssh_known_hosts")
            let own = "node003,10.1.0.13,[10.1.0.13]:2222 \(HostKeyRemovalTests.key)\n"
            // What a machine says that somebody else has taken over.
            let lie = "node003,10.9.9.9 \(HostKeyRemovalTests.key)\n"
            let text = !isRemoval ? "" : node.rawValue == "master" ? own + odd : lie
            return Completion(status: 0, standardOutput: Array(text.utf8), standardError: [])
        }

        var calls: [(node: String, arguments: [String], script: String)] { heard.withLock { $0 } }
    }

    private func forget(_ machines: Machines) async throws -> HostKeyRemoval.Report {
        try await HostKeyRemoval(
            cluster: Self.cluster, layout: AccountPlanTests.layout, transport: machines, by: "root", told: { _ in }
        ).forget([NodeName(unchecked: "node003")])
    }

    @Test func everyMachineForgetsWhileTheRecordIsHeld() async throws {
        let machines = Machines()
        let report = try await forget(machines)
        #expect(report.failed.isEmpty)
        #expect(report.keys == ["10.1.0.13": [Self.key], "[10.1.0.13]:2222": [Self.key]])
        let calls = machines.calls
        #expect(calls.first?.script.contains("\ntake_record 'root'") == true)
        let asked = calls.filter { $0.script.contains("ssh_known_hosts") }
        #expect(Set(asked.map(\.node)) == Set(AccountPlanTests.layout.accountNodes.map(\.rawValue)))
        #expect(asked.allSatisfy { $0.arguments.suffix(2) == ["demo", "node003"] })
    }

    @Test func whoIsDownIsNamed() async throws {
        let report = try await forget(Machines(down: ["node002"]))
        #expect(report.failed.keys.map(\.rawValue) == ["node002"])
        let error = await #expect(throws: SallyError.self) { try await forget(Machines(down: ["master"])) }
        #expect(error?.code == .unavailable)
    }

    /// The controller keeps its line while another machine has one: the next try learns the addresses from it.
    @Test func theControllerIsTheLastToForget() async throws {
        let machines = Machines(down: ["node002"])
        #expect(try await forget(machines).keys.isEmpty)
        #expect(!machines.calls.contains { $0.node == "master" && $0.script.contains("ssh_known_hosts") })
    }

    @Test(arguments: [
        "master,10.1.0.10 \(key)\n", "x,10.9.0.10,gw.example.org \(key)\n", "node003,10.9.0.11 ssh-ed25519 short\n",
        "node003,10.9.0.12 \(key) and more\n", "node003,10.9.0.13\n",
    ])
    func linesThatAreNoneOfTheMachinesThatLeftAreNotBelieved(_ odd: String) async throws {
        #expect(try await forget(Machines(odd: odd)).keys.keys.sorted() == ["10.1.0.13", "[10.1.0.13]:2222"])
    }
}
