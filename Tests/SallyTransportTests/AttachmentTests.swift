// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import Synchronization
import Testing

@testable import SallyTransport

@Suite struct AttachmentTests {
    private static let environment = "'/usr/bin/env' 'SALLY_CALL=1-2' 'PATH=\(CleanEnvironment.path)' 'LANG=C.UTF-8'"
    private let mark = NodeSweep(mark: "1-2")

    private func command(_ login: OpenSSHLogin) -> OpenSSHCommand {
        OpenSSHCommand(
            settings: OpenSSHSettings(login: login, identityFile: "/k", knownHostsFile: "/h"),
            address: OpenSSHAddress(host: "h"), alias: nil)
    }

    @Test func withStreamsAlone() {
        let attachment = SallyTransport.Attachment(arguments: ["id", "a b"], terminal: .none)
        let arguments = command(.sudo(user: "keeper")).arguments(
            attaching: attachment, mark: mark, log: "/tmp/log", agent: nil)
        #expect(
            arguments.suffix(6) == [
                "-E", "/tmp/log", "-T", "--", "h", "'sudo' '-n' '--' \(AttachmentTests.environment) 'id' 'a b'",
            ])
        for option in [
            "StrictHostKeyChecking=yes", "ForwardAgent=no", "ForwardX11=no", "EscapeChar=none", "BatchMode=yes",
            "ControlPath=none", "IdentityAgent=none",
        ] { #expect(arguments.contains(option)) }
        #expect(!arguments.contains("ForwardX11Trusted=yes"))
        #expect(
            attachment.podmanArguments("c", mark, terminal: "xterm")
                == ["exec", "--interactive", "--env", "SALLY_CALL=1-2", "c", "id", "a b"])
    }

    @Test func withATerminalAndWhatIsForwarded() {
        let attachment = SallyTransport.Attachment(
            arguments: ["id"], terminal: .allocated, forwarding: [.x11, .agent])
        let arguments = command(.root).arguments(
            attaching: attachment, mark: mark, log: "/tmp/log", agent: "/run/agent 100%")
        #expect(arguments.suffix(4) == ["-tt", "--", "h", "\(AttachmentTests.environment) 'id'"])
        for option in [
            "ForwardAgent=\"/run/agent 100%%\"", "ForwardX11=yes", "ForwardX11Trusted=yes", "EscapeChar=~",
            "IdentityAgent=\"/run/agent 100%%\"", "IdentitiesOnly=yes",
        ] { #expect(arguments.contains(option)) }
        // sudo takes the ends away that sshd gave to whoever signed in.
        let line = command(.sudo(user: "keeper")).arguments(
            attaching: attachment, mark: mark, log: "/tmp/log", agent: "/a"
        ).last
        #expect(line?.hasPrefix("'/bin/sh' '-c' 'exec sudo -n -- /usr/bin/env SSH_AUTH_SOCK=") == true)
        #expect(line?.hasSuffix("'sally' \(AttachmentTests.environment) 'id'") == true)
        #expect(
            attachment.podmanArguments("c", mark, terminal: nil).prefix(6)
                == ["exec", "--interactive", "--env", "SALLY_CALL=1-2", "--tty", "--env"])
    }
}

@Suite struct BytePumpTests {
    private func shell(_ script: String, input: Int32, output: Int32) async throws -> Int32 {
        try await AttachedCall(
            call: ProgramCall(
                program: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/usr/bin:/bin"],
                deadline: .zero),
            streams: .init(input: input, output: output, error: 2)
        ).run()
    }

    @Test func everyByteArrivesAndIsCounted() async throws {
        let count = Mutex<Int64>(0)
        let ends = try await BytePump { total in count.withLock { $0 = total } }.run(
            writer: { try await shell("head -c 3000000 /dev/zero", input: 0, output: $0) },
            reader: { try await shell("[ $(wc -c) = 3000000 ]", input: $0, output: 1) })
        #expect(ends == BytePump.Ends(writer: 0, reader: 0))
        #expect(count.withLock { $0 } == 3_000_000)
    }

    /// Whoever ends first ends the other: nobody waits for ever.
    @Test func whoeverEndsFirstEndsTheOther() async throws {
        let broken = try await BytePump { _ in }.run(
            writer: { try await shell("cat /dev/zero", input: 0, output: $0) },
            reader: { try await shell("exit 3", input: $0, output: 1) })
        #expect(broken == BytePump.Ends(writer: 128 + 13, reader: 3))
        let short = try await BytePump { _ in }.run(
            writer: { try await shell("exit 4", input: 0, output: $0) },
            reader: { try await shell("cat", input: $0, output: 1) })
        #expect(short == BytePump.Ends(writer: 4, reader: 0))
    }

    @Test func aFailureIsThrownAfterBothHaveEnded() async throws {
        await #expect(throws: ProgramFailure.notFound(program: "/no/such/program")) {
            _ = try await BytePump { _ in }.run(
                writer: { try await shell("cat /dev/zero", input: 0, output: $0) },
                reader: { input in
                    try await AttachedCall(
                        call: ProgramCall(
                            program: "/no/such/program", arguments: [], environment: [:], deadline: .zero),
                        streams: .init(input: input, output: 1, error: 2)
                    ).run()
                })
        }
    }
}
