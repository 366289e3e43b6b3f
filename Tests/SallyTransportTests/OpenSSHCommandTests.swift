// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import Testing

@testable import SallyTransport

@Suite struct OpenSSHCommandTests {
    private static func settings(
        _ login: OpenSSHLogin = .root, _ sharing: OpenSSHSharing = .none
    ) -> OpenSSHSettings {
        OpenSSHSettings(
            login: login, identityFile: "/keys/id 100%", knownHostsFile: "/state/known", sharing: sharing)
    }

    private static func options(control: [String]) -> [String] {
        [
            "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=\"/state/known\"", "-o",
            "GlobalKnownHostsFile=\"/dev/null\"", "-o", "UpdateHostKeys=no", "-o", "VerifyHostKeyDNS=no", "-o",
            "CheckHostIP=no", "-o", "HostKeyAlias=node001", "-o", "IdentityFile=\"/keys/id 100%%\"", "-o",
            "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "PreferredAuthentications=publickey", "-o",
            "ForwardAgent=no", "-o", "ForwardX11=no", "-o", "ClearAllForwardings=yes", "-o", "PermitLocalCommand=no",
            "-o", "EscapeChar=none", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15", "-o",
            "ServerAliveCountMax=3", "-o", "LogLevel=ERROR",
        ] + control
    }

    @Test func rootWithoutSharing() throws {
        let command = OpenSSHCommand(
            settings: OpenSSHCommandTests.settings(), address: OpenSSHAddress(host: "10.0.0.7", port: 2200),
            alias: try NodeName("node001"))
        #expect(
            command.arguments(running: ["echo", "it's", ""])
                == ["-F", "/dev/null", "-l", "root", "-p", "2200"]
                + OpenSSHCommandTests.options(control: ["-o", "ControlMaster=no", "-o", "ControlPath=none"])
                + ["-T", "--", "10.0.0.7", "'echo' 'it'\\''s' ''"])
        #expect(command.endingMaster() == nil)
    }

    @Test func sudoWithSharing() throws {
        let command = OpenSSHCommand(
            settings: OpenSSHCommandTests.settings(
                .sudo(user: "keeper"), .shared(folder: "/tmp/sally-ssh.abcdefgh", persist: .milliseconds(2500))),
            address: OpenSSHAddress(host: "node001.example"), alias: try NodeName("node001"))
        let options =
            ["-F", "/dev/null", "-l", "keeper", "-p", "22"]
            + OpenSSHCommandTests.options(control: [
                "-o", "ControlMaster=auto", "-o", "ControlPath=/tmp/sally-ssh.abcdefgh/%C", "-o", "ControlPersist=2",
            ])
        #expect(
            command.arguments(running: ["id"]) == options + ["-T", "--", "node001.example", "'sudo' '-n' '--' 'id'"])
        #expect(command.endingMaster() == options + ["-O", "exit", "--", "node001.example"])
    }

    @Test(arguments: [nil as String?, "/etc/sally/ssh_config"]) func withoutAlias(_ config: String?) {
        var settings = OpenSSHCommandTests.settings()
        if let config { settings.configFile = config }
        let arguments = OpenSSHCommand(settings: settings, address: OpenSSHAddress(host: "h"), alias: nil)
            .arguments(running: [])
        #expect(!arguments.contains { $0.hasPrefix("HostKeyAlias") })
        #expect(Array(arguments.prefix(2)) == ["-F", config ?? "/dev/null"])
    }

    @Test func socketsFitIntoTheirAddress() throws {
        guard case .shared(let folder, _) = try OpenSSHSharing.inNewFolder() else { return }
        defer { removeTree(folder) }
        // %C is 40 characters, and ssh binds a name with a dot and 16 more first.
        #expect(folder.utf8.count + 1 + 40 + 17 < 104)
    }

    /// So that a login shell of any kind takes the loop as one word.
    @Test(arguments: [ShellLoop.arguments, OpenSSHFrame(mark: NodeSweep(mark: "1-2")).words(.script("true"))])
    func whatWeSayOurselvesIsOneWordForEveryShell(_ words: [String]) {
        for word in words { #expect(!word.contains { "'!\n".contains($0) }) }
    }

    @Test func theLoopIsData() {
        #expect(ShellLoop.arguments.count == 4)
        #expect(ShellLoop.arguments.first == "/bin/bash")
        #expect(ShellLoop.arguments[1] == "-c")
        #expect(ShellLoop.arguments[3] == "sally")
        let mark = ShellMark("12-34")
        #expect(String(decoding: ShellLoop.opening(mark), as: UTF8.self) == "12-34\n")
        #expect(String(decoding: ShellLoop.request("echo ü", mark), as: UTF8.self) == "7\necho ü12-34\n")
    }

    /// Words of all kinds, through a real shell.
    @Test func quotedWordsArriveAsTheyAre() async throws {
        var generator = SystemRandomNumberGenerator()
        let pieces = [
            "'", "\"", "\\", "$", "`", " ", "\n", "\t", "!", "*", "ü", "e\u{301}", "a", "-", ";", "&", "#", "~",
        ]
        for shell in ["/bin/sh", "/bin/bash"] {
            let words = (0..<300).map { _ in
                (0..<Int.random(in: 0...6, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? ""
                }
                .joined()
            }
            let result = try await runProgram(shell, ["-c", "printf '%s\\0' " + ShellQuote.line(words)])
            let arrived = result.output.split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
            #expect(arrived.map { Array($0.utf8) } == (words + [""]).map { Array($0.utf8) })
        }
    }
}
