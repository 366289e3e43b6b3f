// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

/// What is particular to OpenSSH, against a real sshd.
@Suite(.enabled(if: TransportKind.nodeImage != nil, "needs podman and a node image: `make images`"))
struct OpenSSHTests {
    private func withNode(startups: String = "200", _ body: (SSHNode) async throws -> Void) async throws {
        guard let image = TransportKind.nodeImage else { return }
        try await SSHNode.with(image: image, startups: startups, body)
    }

    /// The reason that both ways onto the node give.
    private func reason(_ transport: OpenSSHTransport, _ node: NodeName) async throws -> String {
        var reasons: [String] = []
        do {
            _ = try await transport.run(.script("true"), on: node)
        } catch TransportError.unreachable(node, let reason) {
            reasons.append(reason)
        }
        do {
            try await transport.converse(on: node, limits: ConversationLimits()) { _ in
                _ = Issue.record("there is a shell")
            }
        } catch TransportError.unreachable(node, let reason) {
            reasons.append(reason)
        }
        #expect(reasons.count == 2)
        #expect(Set(reasons).count == 1)
        return reasons.first ?? ""
    }

    @Test func aChangedHostKeyIsRefused() async throws {
        try await withNode { made in
            try await SSHNode.makeKey("\(made.folder)/other", passphrase: "")
            let other = try String(contentsOfFile: "\(made.folder)/other.pub", encoding: .utf8)
            try writeFile(made.known, "# kept by us\n\(made.node) \(other)")
            let reason = try await reason(made.transport(made.settings()), made.node)
            #expect(reason.hasPrefix("the host key of node001 is not the one in \(made.known):2: another machine"))
            #expect(reason.contains("ssh-keygen -R 'node001' -f '\(made.known)'"))
            #expect(try await made.signIns() == 0)
        }
    }

    @Test func anUnknownHostKeyIsRefusedAndNotLearnt() async throws {
        try await withNode { made in
            let key = try String(contentsOfFile: made.known, encoding: .utf8)
            let strangers = key.replacing("node001", with: "node002")
            try writeFile(made.known, strangers)
            let transport = made.transport(made.settings())
            for _ in 0..<2 {
                let reason = try await reason(transport, made.node)
                #expect(reason.hasPrefix("the host key of node001 is not in \(made.known), and a first contact is not"))
            }
            #expect(try String(contentsOfFile: made.known, encoding: .utf8) == strangers)
            #expect(try await made.signIns() == 0)
        }
    }

    @Test func hostKeysMayBeFiledByAddress() async throws {
        try await withNode { made in
            let key = try String(contentsOfFile: made.known, encoding: .utf8)
            var settings = made.settings()
            settings.hostKeyNaming = .address
            let unknown = try await reason(made.transport(settings), made.node)
            #expect(unknown.hasPrefix("the host key of [127.0.0.1]:\(made.port) is not in \(made.known)"))
            try writeFile(made.known, key.replacing("node001", with: "[127.0.0.1]:\(made.port)"))
            let completion = try await made.transport(settings).run(.script("true"), on: made.node)
            #expect(completion.succeeded)
        }
    }

    @Test func aRevokedHostKeyIsRefused() async throws {
        try await withNode { made in
            let key = try String(contentsOfFile: made.known, encoding: .utf8)
            try writeFile(made.known, "\(key)@revoked \(key)")
            let reason = try await reason(made.transport(made.settings()), made.node)
            #expect(reason.hasPrefix("the host key of node001 is revoked in \(made.known)"))
        }
    }

    @Test func theKeyThatIsNotAcceptedIsNamed() async throws {
        try await withNode { made in
            var settings = made.settings()
            settings.identityFile = "\(made.folder)/stranger key"
            try await SSHNode.makeKey(settings.identityFile, passphrase: "")
            let stranger = try await reason(made.transport(settings), made.node)
            #expect(stranger.hasPrefix("user root is not let in with the key \(settings.identityFile); put"))

            settings.identityFile = "\(made.folder)/locked"
            try await SSHNode.makeKey(settings.identityFile, passphrase: "a passphrase")
            let locked = try await reason(made.transport(settings), made.node)
            #expect(locked.hasPrefix("the key \(settings.identityFile) has a passphrase"))

            settings.identityFile = "\(made.folder)/absent"
            let absent = try await reason(made.transport(settings), made.node)
            #expect(absent.hasPrefix("the key \(settings.identityFile) cannot be used: "))

            settings = made.settings(login: .sudo(user: "nobody"))
            let nobody = try await reason(made.transport(settings), made.node)
            #expect(nobody.hasPrefix("user nobody is not let in with the key \(made.key)"))

            let text = try String(contentsOfFile: made.key, encoding: .utf8)
            settings = made.settings()
            settings.identityFile = "\(made.folder)/open"
            try writeFile(settings.identityFile, text, mode: 0o644)
            let open = try await reason(made.transport(settings), made.node)
            #expect(open.hasPrefix("the key \(settings.identityFile) can be read by others"))
        }
    }

    @Test func whatIsNotThereIsSaid() async throws {
        try await withNode { made in
            let names = (try NodeName("closed"), try NodeName("nowhere"), try NodeName("silent"))
            var settings = made.settings()
            settings.connectTimeout = .seconds(1)
            let transport = OpenSSHTransport(
                addresses: [
                    names.0: OpenSSHAddress(host: "127.0.0.1", port: 1),
                    names.1: OpenSSHAddress(host: "no.such.host.invalid"),
                    // Connections to a stopped sshd are taken up by the system, and nobody answers.
                    names.2: OpenSSHAddress(host: "127.0.0.1", port: made.port),
                ], settings: settings, environment: TransportKind.environment)
            let closed = try await reason(transport, names.0)
            #expect(closed == "127.0.0.1 port 1 refuses connections; is sshd running there")
            let nowhere = try await reason(transport, names.1)
            #expect(nowhere == "the name no.such.host.invalid does not resolve; check the list of hosts")
            // From outside: sshd is the container's first process, which nobody inside can stop.
            _ = try await made.podman.call(
                ["kill", "--signal", "STOP", made.container], deadline: .seconds(240)
            ).run()
            let silent = try await reason(transport, names.2)
            #expect(silent == "127.0.0.1 port \(made.port) did not answer within 1 s")
        }
    }

    @Test func whoIsKeptOutIsTold() async throws {
        try await withNode(startups: "1") { made in
            // One connection that has read sshd's greeting and says nothing.
            _ = try await made.run("exec 3<>/dev/tcp/127.0.0.1/22; read -r <&3; sleep 600 >/dev/null 2>&1 &")
            let reason = try await reason(made.transport(made.settings()), made.node)
            #expect(
                reason.hasPrefix(
                    "127.0.0.1 port \(made.port) takes connections and ends them at once: sshd has too many"))
        }
    }

    @Test func aProgramsOwn255IsAStatus() async throws {
        try await withNode { made in
            let transport = made.transport(made.settings())
            let own = try await transport.run(.script("echo 'Permission denied' >&2; exit 255"), on: made.node)
            #expect(
                own == Completion(status: 255, standardOutput: [], standardError: Array("Permission denied\n".utf8)))
        }
    }

    @Test func whatALoginShellSaysIsNotTheProgramsOutput() async throws {
        try await withNode { made in
            _ = try await made.run("printf 'echo welcome; echo beware >&2\\n' >/root/.bashrc")
            let transport = made.transport(made.settings())
            let own = try await transport.run(.script("printf own; printf fault >&2"), on: made.node)
            #expect((own.output, own.errorOutput) == ("own", "fault"))
            try await transport.converse(on: made.node, limits: ConversationLimits()) { shell in
                let own = try await shell.run("printf own; printf fault >&2")
                #expect((own.output, own.errorOutput) == ("own", "fault"))
            }
        }
    }

    @Test func aLostConnectionIsAnError() async throws {
        try await withNode { made in
            let transport = made.transport(made.settings())
            await #expect {
                try await transport.converse(on: made.node, limits: ConversationLimits()) { shell in
                    // The parent of the session's first process is sshd's own for this connection.
                    _ = try await shell.run("kill $(ps -o ppid= -p $(ps -o sid= -p $$)); sleep 600")
                }
            } throws: { error in
                guard case TransportError.unreachable(made.node, let reason) = error else { return false }
                return reason.hasPrefix("the connection was lost: ")
            }
        }
    }

    @Test func aUserWithSudoIsRoot() async throws {
        try await withNode { made in
            try await made.addUserWithSudo("keeper")
            let transport = made.transport(made.settings(login: .sudo(user: "keeper")))
            let run = try await transport.run(
                .script("id -un; echo \"$1\"", arguments: ["it's \"$HOME\"\n"]), on: made.node)
            #expect(run.output == "root\nit's \"$HOME\"\n\n")
            let mark = Mark()
            try await transport.converse(on: made.node, limits: ConversationLimits()) { shell in
                let said = try await shell.run("id -un; sleep \(mark.seconds) >/dev/null 2>&1 &").output
                #expect(said == "root\n")
            }
            try await mark.isGone(transport, made.node)
            await #expect(throws: TransportError.deadlineExceeded(node: made.node, after: .seconds(1))) {
                try await transport.run(.script(mark.script, deadline: .seconds(1)), on: made.node)
            }
            try await mark.isGone(transport, made.node)
            _ = try await made.run("rm /etc/keepers")
            let reason = try await reason(transport, made.node)
            #expect(reason.hasPrefix("user keeper may not become root with `sudo -n` there: sudo: "))
        }
    }

    @Test func sharedConnectionsAreOneConnectionAndEnd() async throws {
        try await withNode { made in
            var settings = made.settings()
            settings.sharing = try OpenSSHSharing.inNewFolder(persist: .seconds(300))
            guard case .shared(let folder, _) = settings.sharing else { return }
            #expect(permissions(of: folder) == 0o700)
            let transport = made.transport(settings)
            for _ in 0..<3 {
                let status = try await transport.run(.script("exit 4"), on: made.node).status
                #expect(status == 4)
                try await transport.converse(on: made.node, limits: ConversationLimits()) { shell in
                    _ = try await shell.run("true")
                }
            }
            #expect(try await made.signIns() == 1)
            await transport.close()
            #expect(!exists(folder))
            try await eventually("the connection is gone") {
                try await made.run("ls /proc/*/comm | xargs cat 2>/dev/null || true")
                    .split(separator: "\n").count { $0 == "sshd" } == 1
            }
        }
    }

    @Test func withoutSharingEveryConversationIsOneConnection() async throws {
        try await withNode { made in
            let transport = made.transport(made.settings())
            try await transport.converse(on: made.node, limits: ConversationLimits()) { shell in
                for _ in 0..<3 { _ = try await shell.run("true") }
            }
            #expect(try await made.signIns() == 1)
        }
    }

    @Test(arguments: ["/bin/sh", "/bin/bash", "/bin/dash"]) func loginShells(_ shell: String) async throws {
        try await withNode { made in
            _ = try await made.run("usermod --shell \(shell) root")
            let transport = made.transport(made.settings())
            let words = ["$HOME; exit 3", "", "a\nb", "'\"`\\", "-n", "ü", "!", "\\n", "*"]
            let completion = try await transport.run(
                Invocation(arguments: ["/bin/bash", "-c", "printf '%s|' \"$@\"", "x"] + words), on: made.node)
            #expect(completion.output == words.joined(separator: "|") + "|")
        }
    }
}
