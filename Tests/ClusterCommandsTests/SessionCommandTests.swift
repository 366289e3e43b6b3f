// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClusters
import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import ClusterCommands

@Suite struct SessionCommandTests {
    @Test(arguments: [
        ([], UserSession.Program.shell), (["--"], .shell), (["ls -l; id"], .line("ls -l; id")),
        (["--", "id"], .line("id")), (["ls", "-l", "a b"], .command(["ls", "-l", "a b"])),
        (["echo", "--"], .command(["echo", "--"])),
    ])
    func oneWordIsALineAndSeveralAreData(_ words: [String], _ expected: UserSession.Program) {
        #expect(SessionOptions.program(words) == expected)
    }

    @Test(arguments: [
        (UserSession.Program.shell, false, [Int32(0)], SallyTransport.Attachment.Terminal.allocated),
        (.shell, false, [1], .none),
        (.shell, true, [], .allocated), (.line("x"), false, [0, 1], .allocated), (.line("x"), false, [0], .none),
        (.command(["x", "y"]), false, [1], .none), (.line("x"), true, [], .allocated),
    ])
    func aTerminalIsForPeople(
        _ program: UserSession.Program, _ isForced: Bool, _ terminals: [Int32],
        _ expected: SallyTransport.Attachment.Terminal
    ) {
        #expect(SessionOptions.terminal(program, isForced: isForced) { terminals.contains($0) } == expected)
    }

    @Test func whatStandsBehindTheClusterIsTheCommands() throws {
        let parsed = try SSHMasterCommand.parse(["-u", "ann", "-A", "lab", "ls", "-u", "--json", "-X", "--"])
        #expect(parsed.words == ["lab", "ls", "-u", "--json", "-X", "--"])
        #expect((parsed.session.user, parsed.session.forwardAgent, parsed.session.forwardX11) == ("ann", true, false))
        let node = try SSHNodeCommand.parse(["lab", "0", "-c", "x"])
        #expect(node.words == ["lab", "0", "-c", "x"])
    }

    private func said(_ arguments: [String]) async -> (status: Int32, text: String) {
        do {
            var command = try #require(try ClusterCommand.parseAsRoot(arguments) as? any AsyncParsableCommand)
            try await command.run()
            return (0, "")
        } catch let error as SallyError {
            return (error.code.exitStatus, error.message)
        } catch { return (ClusterCommand.exitCode(for: error).rawValue, ClusterCommand.message(for: error)) }
    }

    private static let incomplete: [([String], String)] = [
        (["sshmaster"], "please specify a cluster"), (["sm", "-u", "ann"], "please specify a cluster"),
        (["sshnode"], "please specify a cluster and node to connect to"),
        (["sshnode", "lab"], "please specify a cluster and node to connect to"),
        (["put"], "please specify a cluster"), (["get", "lab", "x"], "please specify what to copy and where to"),
        (["sshmaster", "--frobnicate", "lab"], "Unknown option '--frobnicate'"),
        (["sshmaster", "-u", "a;b", "lab"], "user \"a;b\" is not valid"),
    ]

    @Test(arguments: incomplete) func whatIsMissingIsSaid(_ arguments: [String], _ expected: String) async {
        let (status, text) = await said(arguments)
        #expect(status == 64)
        #expect(text == expected)
    }

    @Test(arguments: [
        ["sshmaster", "--help"], ["sshnode", "-h"], ["sshnode", "-u", "ann", "--help"], ["put", "--help"],
    ])
    func helpIsGiven(_ arguments: [String]) async {
        #expect(await Program.run(arguments) == 0)
    }

    /// A file of clusters with one that nobody has to be able to reach.
    private func withClusters(_ body: (String) async throws -> Void) async throws {
        try await withScratchFolder { folder in
            try await SSHNode.makeKey("\(folder)/key", passphrase: "")
            try writeFile("\(folder)/known", "")
            try writeFile(
                "\(folder)/clusters.yaml",
                """
                clusters:
                  inv-test-lab:
                    provider: inventory
                    login: root
                    identity_file: \(folder)/key
                    known_hosts: \(folder)/known
                    nodes: [{name: master, address: 127.0.0.1, port: 1, role: controller}]
                """)
            try await body("\(folder)/clusters.yaml")
        }
    }

    @Test func clustersAndNodesThatAreNotThereAreNamed() async throws {
        try await withClusters { file in
            for command in [["sshmaster", "-c", file, "nope"], ["put", "-c", file, "nope", "a", "b"]] {
                let (status, text) = await said(command)
                #expect((status, text) == (4, "cluster 'nope' does not exist"))
            }
            for command in [
                ["sshnode", "-c", file, "inv-test-lab", "node007"],
                ["get", "-c", file, "-n", "node007", "inv-test-lab", "a", "b"],
            ] {
                let (status, text) = await said(command)
                #expect((status, text) == (4, "node 'node007' does not exist"))
            }
            let (status, text) = await said(["list", "-c", file, "nope"])
            #expect((status, text) == (4, "cluster 'nope' does not exist"))
            for (command, verb) in [
                ("start", "started"), ("stop", "stopped"), ("restart", "restarted"), ("terminate", "terminated"),
            ] {
                let (status, text) = await said([command, "-c", file, "inv-test-lab"])
                #expect(status == 6)
                #expect(text.hasPrefix("cluster inv-test-lab cannot be \(verb): its machines exist already"))
            }
            let missing = await said(["list", "-c", "\(file).not"])
            #expect(missing.text == "config file \(file).not does not exist")
        }
    }

    @Test func meters() {
        let step = FileCopy.Step(name: "data", done: 3 << 20, total: 12 << 20, isComplete: false)
        #expect(CopyMeter.line(step, after: .seconds(2)) == "data  3.0 MiB of 12.0 MiB  25%  1.5 MiB/s")
        let none = FileCopy.Step(name: "empty", done: 0, total: 0, isComplete: true)
        #expect(CopyMeter.line(none, after: .zero) == "empty  0 B of 0 B  100%  0 B/s")
        #expect(CopyMeter.size(1023) == "1023 B")
        #expect(CopyMeter.size(5 << 40) == "5.0 TiB")
    }
}
