// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import SallyClusters

#if canImport(Glibc)
import Glibc
#endif

/// Sessions against a real sshd, and the same over podman exec.
@Suite(.enabled(if: TestContainers.nodeImage != nil, "needs podman and a node image: `make images`"))
struct SessionTests {
    /// Both ways onto one machine.
    private func ways(_ body: (Lab) async throws -> Void) async throws {
        try await Lab.with { lab in
            for lab in [lab, lab.overPodman] { try await body(lab) }
        }
    }

    @Test func theStatusAndTheStreamsAreTheCommands() async throws {
        try await ways { lab in
            let done = try await lab.session(.line("cat; echo fault >&2; exit 7"), input: "one\ntwo")
            #expect(
                done
                    == Completion(
                        status: 7, standardOutput: Array("one\ntwo".utf8), standardError: Array("fault\n".utf8)))
            let shell = try await lab.session(.shell, input: "echo $0; exit 3\n")
            #expect(shell.status == 3)
            #expect(shell.output == "-/bin/bash\n")
            let own = try await lab.session(.line("echo mine >&2; exit 255"))
            #expect((own.status, own.errorOutput) == (255, "mine\n"))
        }
    }

    @Test func aUserHasALoginsEnvironmentAndNothingOfRoots() async throws {
        try await Lab.with { lab in
            try await lab.addUser("ann")
            _ = try await lab.ssh.run("echo 'export FROM_PROFILE=yes' >/etc/profile.d/test.sh")
            for lab in [lab, lab.overPodman] {
                let done = try await lab.session(
                    .line("id -un; id -Gn; pwd; echo $HOME $USER $LOGNAME $SHELL $FROM_PROFILE; env | cut -d= -f1"),
                    as: "ann")
                let lines = done.output.split(separator: "\n").map(String.init)
                #expect(
                    Array(lines.prefix(4)) == ["ann", "ann course", "/home/ann", "/home/ann ann ann /bin/bash yes"])
                let known: Set<String> = [
                    "HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "TERM", "PWD", "OLDPWD", "SHLVL", "_",
                    "FROM_PROFILE", "SALLY_CALL",
                ]
                #expect(Set(lines.dropFirst(4)).subtracting(known).isEmpty)
                // No process of root's is left between the connection and the user's shell.
                let parent = try await lab.session(.line("cat /proc/self/status | grep -E '^(Uid|Groups):'"), as: "ann")
                #expect(!parent.output.contains("\t0"))
            }
        }
    }

    @Test func wordsArriveAsTheyAre() async throws {
        let words = [
            "a b", "it's", "x;y", "n\nl", "$HOME", "`id`", "\"", "\\", "!", "*", "", "-n", "ü", "&& false", "~",
        ]
        try await Lab.with { lab in
            for shell in ["bash", "dash", "sh"] { try await lab.addUser("u\(shell)", shell: "/bin/\(shell)") }
            for lab in [lab, lab.overPodman] {
                for user in ["root", "ubash", "udash", "ush"] {
                    let done = try await lab.session(.command(["printf", "[%s]"] + words), as: user)
                    #expect(done.output == words.map { "[\($0)]" }.joined(), "\(user)")
                    #expect(done.errorOutput.isEmpty)
                }
            }
        }
    }

    @Test func aUserWhoIsNotThereIsOneError() async throws {
        try await ways { lab in
            let done = try await lab.session(.line("true"), as: "nobody9")
            #expect(done.status == 4)
            #expect(done.errorOutput == "user nobody9 does not exist on master\n")
        }
    }

    @Test func aTerminalIsTheNodes() async throws {
        try await ways { lab in
            let with = try await lab.session(.line("tty"), terminal: .allocated)
            #expect(with.status == 0)
            #expect(with.output.hasPrefix("/dev/pts/"))
            let without = try await lab.session(.line("tty"))
            #expect(without.output == "not a tty\n")
        }
    }

    @Test func administratorsWithSudoBecomeTheUser() async throws {
        try await Lab.with { lab in
            try await lab.ssh.addUserWithSudo("keeper")
            try await lab.addUser("ann")
            let keeper = lab.signingIn(as: .sudo(user: "keeper"))
            #expect(try await keeper.session(.command(["printf", "%s", "it's; x"]), as: "ann").output == "it's; x")
            #expect(try await keeper.session(.line("id -un; echo $HOME"), as: "ann").output == "ann\n/home/ann\n")
            #expect(try await keeper.session(.line("id -un")).output == "root\n")
            // The administrator's key is in nobody else's files.
            #expect(try await lab.ssh.run("ls -A /home/ann").contains(".ssh") == false)
        }
    }

    /// An agent of this host with one key, by the path of its socket.
    private func withAgent(_ folder: String, _ body: (String) async throws -> Void) async throws {
        let socket = "\(folder)/agent"
        let environment = ["PATH": "/usr/bin:/bin", "SSH_AUTH_SOCK": socket]
        let started = try await runProgram("ssh-agent", ["-a", socket], environment: environment)
        let text = started.output.split(separator: "SSH_AGENT_PID=").last.map { $0.prefix { $0.isNumber } } ?? ""
        let process = try #require(pid_t(text))
        defer { kill(process, SIGTERM) }
        let added = try await runProgram("ssh-add", ["-q", "\(folder)/key"], environment: environment)
        #expect(added.status == 0)
        try await body(socket)
    }

    @Test func theAgentIsForwardedOnlyWhenAskedFor() async throws {
        try await Lab.with { lab in
            try await lab.ssh.addUserWithSudo("keeper")
            try await withAgent(lab.ssh.folder) { socket in
                for login in [OpenSSHLogin.root, .sudo(user: "keeper")] {
                    var lab = lab.signingIn(as: login)
                    guard case .openSSH(let settings, var environment) = lab.machines.access else { return }
                    environment["SSH_AUTH_SOCK"] = socket
                    lab.machines.access = .openSSH(settings, environment: environment)
                    let with = try await lab.session(.line("ssh-add -l"), forwarding: [.agent])
                    #expect(with.status == 0)
                    #expect(with.output.contains("ED25519"))
                    let without = try await lab.session(.line("echo \"[$SSH_AUTH_SOCK]\"; ssh-add -l"))
                    #expect(without.status == 2)
                    #expect(without.output == "[]\n")
                }
            }
        }
    }

    /// Why nobody gets onto the machine.
    private func refusal(_ lab: Lab) async throws -> String {
        do {
            _ = try await lab.session(.line("true"))
            return "signed in"
        } catch let error as SallyError {
            #expect(error.code == .unavailable)
            return error.message
        }
    }

    @Test func aChangedHostKeyIsRefused() async throws {
        try await Lab.with { lab in
            try await SSHNode.makeKey("\(lab.ssh.folder)/other", passphrase: "")
            let other = try String(contentsOfFile: "\(lab.ssh.folder)/other.pub", encoding: .utf8)
            try writeFile(lab.ssh.known, "[127.0.0.1]:\(lab.ssh.port) \(other)")
            let said = try await refusal(lab)
            #expect(said.hasPrefix("master: the host key of [127.0.0.1]:\(lab.ssh.port) is not the one in"))
            #expect(try await lab.ssh.signIns() == 0)
            try writeFile(lab.ssh.known, "")
            #expect(try await refusal(lab).contains("and a first contact is not trusted"))
            #expect(try await lab.ssh.signIns() == 0)
        }
    }

    @Test func aKeyWithAPassphraseIsRefused() async throws {
        try await Lab.with { lab in
            let locked = "\(lab.ssh.folder)/locked"
            try await SSHNode.makeKey(locked, passphrase: "a passphrase")
            #expect(
                try await refusal(lab.signingIn(as: .root, identity: locked)).contains("\(locked) has a passphrase"))
        }
    }

    @Test func aMachineThatIsDownIsSaid() async throws {
        try await Lab.with { lab in
            var gone = lab
            gone.machines.controller.port = 1
            let refused = try await refusal(gone)
            #expect(refused == "master: 127.0.0.1 port 1 refuses connections; is sshd running there")
            var stopped = lab.overPodman
            stopped.machines.controller.state = .down("stopped")
            let said = try await refusal(stopped)
            #expect(said == "master node is not running (stopped)")
        }
    }

    @Test func whatIsGivenUpLeavesNoProcess() async throws {
        try await ways { lab in
            let mark = "600.\(UInt32.random(in: 1_000_000 ... .max))"
            // The mark is no argument of grep's own.
            let running = "grep -lzxF -f <(echo '\(mark)') /proc/[0-9]*/cmdline | wc -l"
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await lab.session(.line("sleep \(mark) & sleep \(mark)")) }
                try await eventually("it runs") { try await lab.ssh.run(running) == "2\n" }
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.next() }
            }
            try await eventually("it is gone") { try await lab.ssh.run(running) == "0\n" }
        }
    }
}
