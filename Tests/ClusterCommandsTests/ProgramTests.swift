// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import SallyModel
import SallyTestSupport
import Synchronization
import Testing

@testable import ClusterCommands

#if canImport(Glibc)
import Glibc
#endif

@Suite struct ProgramTests {
    private static let refused: [[String]] = [
        ["start"], ["frobnicate"], ["start", "Bad_Name"], ["terminate", "-x"], ["terminate", "a\nb", "--yes"],
        ["list", "--frob"], ["start", String(repeating: "x", count: 41)],
    ]

    @Test(arguments: refused) func badArgumentsAreRefused(_ arguments: [String]) async {
        #expect(await Program.run(arguments) == 64)
    }

    @Test func helpIsNoError() async {
        #expect(await Program.run(["--help"]) == 0)
    }

    /// A command that is written and not named among them is none.
    @Test(arguments: [
        (["config", "convert"], "ConfigConvertCommand"), (["users", "list", "lab"], "UsersListCommand"),
        (["runplugin"], "RunPluginCommand"),
    ]) func whatIsDocumentedIsACommand(_ words: [String], _ type: String) throws {
        #expect("\(Swift.type(of: try ClusterCommand.parseAsRoot(words)))" == type)
    }

    @Test func columnsAreAsWideAsTheirWidest() {
        #expect(columns([["A", "BB"], ["ccc", "d"]]) == ["A    BB", "ccc  d"])
        #expect(columns([]).isEmpty)
    }
}

/// Signals are the whole process's: one test at a time.
@Suite(.serialized) struct InterruptionTestsSerial {
    @Test(arguments: [SIGTERM, SIGINT]) func aSignalCancelsAndIsTheOutcome(_ number: Int32) async {
        let flag = Flag()
        await #expect(throws: Interrupted(signal: number)) {
            try await Interruption.cancelling {
                kill(getpid(), number)
                do {
                    try await Task.sleep(for: .seconds(600))
                } catch {
                    flag.raise()
                    throw error
                }
            }
        }
        #expect(flag.isRaised)
        #expect(Interrupted(signal: number).exitStatus == 128 + number)
    }

    /// Here, because a session watches for signals as well.
    @Test(.enabled(if: TestContainers.nodeImage != nil, "needs podman and a node image: `make images`"))
    func aSessionsStatusIsThePrograms() async throws {
        guard let image = TestContainers.nodeImage else { return }
        try await SSHNode.with(image: image) { made in
            let key = try String(contentsOfFile: made.known, encoding: .utf8)
            try writeFile(made.known, key.replacing("node001", with: "[127.0.0.1]:\(made.port)"))
            let file = "\(made.folder)/clusters.yaml"
            try writeFile(
                file,
                """
                clusters:
                  inv-test-lab:
                    provider: inventory
                    login: root
                    identity_file: \(made.key)
                    known_hosts: \(made.known)
                    nodes: [{name: master, address: 127.0.0.1, port: \(made.port), role: controller}]
                """)
            #expect(await Program.run(["sshmaster", "-c", file, "inv-test-lab", "exit 7"]) == 7)
            #expect(
                await Program.run(["sshnode", "-c", file, "inv-test-lab", "0", "--", "test", "a b", "=", "a b"]) == 0)
            #expect(await Program.run(["sshmaster", "-u", "nobody9", "-c", file, "inv-test-lab", "true"]) == 4)
            #expect(await Program.run(["put", "-c", file, "inv-test-lab", file, "/root/put copy"]) == 0)
            #expect(await Program.run(["get", "-c", file, "inv-test-lab", "put copy", "\(made.folder)/got"]) == 0)
            #expect(try String(contentsOfFile: "\(made.folder)/got", encoding: .utf8).contains("inv-test-lab"))
            #expect(await Program.run(["list", "-s", "-c", file, "inv-test-lab"]) == 0)
            #expect(await Program.run(["list", "--json", "-c", file, "inv-test-lab"]) == 0)
            try writeFile(made.known, "")
            #expect(await Program.run(["sshmaster", "-c", file, "inv-test-lab", "true"]) == 69)
        }
    }

    @Test func withoutASignalTheResultIsTheBodys() async throws {
        #expect(try await Interruption.cancelling { 7 } == 7)
    }
}

private final class Flag: Sendable {
    private let state = Atomic(false)
    func raise() { state.store(true, ordering: .releasing) }
    var isRaised: Bool { state.load(ordering: .acquiring) }
}
