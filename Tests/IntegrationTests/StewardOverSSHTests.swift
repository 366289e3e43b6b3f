// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallySocket
import SallyTestSupport
import Testing

/// Machines that exist already: a second steward, an OS user of its own without Podman, reaches the same nodes through
/// their sshd with a key made for it, and believes the host keys that it was given.
@Suite(
    .enabled(if: StewardBench.isWanted && Stack.current != nil, Stack.skipped),
    .enabled(if: variable("SALLYPORT_TEST_SERVE_USER") != nil, "not root: containers have no address to reach"),
    .serialized)
struct StewardOverSSHTests {
    @Test func aStewardOfItsOwnUserKeepsAccountsOverOpenSSH() async throws {
        try await StewardBench.with { bench in
            try await withSSHSteward(bench) { steward, stack in
                let (user, uid) = try bench.person()
                for node in bench.nodes {
                    let home = node == bench.nodes[0] ? "--create-home" : "--no-create-home"
                    try await bench.run("useradd \(home) --uid \(uid) --shell /bin/bash \(user)", on: node)
                }
                try requireDone(try await steward.adopt(cluster: bench.name, user: user))
                #expect(try await steward.list(cluster: bench.name).contains { $0.user == user && $0.uid == uid })

                try requireDone(try await steward.lock(LockRequest(cluster: bench.name, user: user)))
                for node in bench.nodes { #expect(try await expiry(of: user, node, bench) == "1", "\(node)") }
                try requireDone(try await steward.unlock(cluster: bench.name, user: user))
                for node in bench.nodes { #expect(try await expiry(of: user, node, bench) == "", "\(node)") }

                let pid = try await runProgram("/bin/cat", ["\(stack.state)/pid/ssh-steward"]).output
                let owner = try await runProgram("/bin/ps", ["-o", "user:32=", "-p", pid.filter { !$0.isWhitespace }])
                #expect(owner.output.hasPrefix("sally-steward"), "\(owner)")
            }
        }
    }

    /// Another machine that answers under the address gets nothing, and what failed where is in the report.
    @Test func aHostKeyThatIsNotTheGivenOneEndsIt() async throws {
        try await StewardBench.with { bench in
            try await withSSHSteward(
                bench, knownHosts: { $0.replacing("AAAAC3NzaC1lZDI1NTE5AAAAI", with: "AAAAC3NzaC1lZDI1NTE5AAAAIA") }
            ) {
                steward, _ in
                let (user, _) = try bench.person()
                let error = await #expect(throws: SallyError.self) {
                    try await steward.adopt(cluster: bench.name, user: user)
                }
                #expect(error?.hint?.contains("the host key of ") == true, "\(String(describing: error))")
            }
        }
    }

    /// Field 8 of shadow(5): the day on which the account expires.
    private func expiry(of user: UserName, _ node: NodeName, _ bench: StewardBench) async throws -> String {
        try await bench.run("getent shadow \(user) | cut -d: -f8", on: node).filter { !$0.isWhitespace }
    }

    private func requireDone(_ report: KeeperReport) throws {
        try #require(!report.steps.isEmpty && report.steps.allSatisfy { $0.outcome != .failed }, "\(report)")
    }
}

/// A signer and a steward of their own, started as their users and ended with the test.
private func withSSHSteward(
    _ bench: StewardBench, knownHosts: (String) -> String = { $0 },
    _ body: (StewardClient, Stack) async throws -> Void
) async throws {
    let stack = try Stack.required()
    let cluster = "\(bench.name)"
    try await withScratchFolder { folder in
        try await stack.open(folder)
        try await runAll([
            ["install", "-d", "-o", "sally-signer", "-m", "711", "\(folder)/signer"],
            ["install", "-d", "-o", "sally-steward", "-m", "711", "\(folder)/steward"],
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "sally-ssh-test", "-f", "\(folder)/key"],
            ["chown", "sally-steward", "\(folder)/key"],
        ])
        try writeFile(
            "\(folder)/known",
            knownHosts(try await stack.script("stack", ["known-hosts", stack.state, cluster]).output),
            mode: 0o644)
        var addresses: [NodeName: String] = [:]
        for node in bench.nodes {
            addresses[node] = try await stack.script("stack", ["address", stack.state, cluster, "\(node)"]).output
                .filter { !$0.isWhitespace }
        }
        try writeFile("\(folder)/signer.yaml", try await signerFile(stack, folder), mode: 0o644)
        try writeFile("\(folder)/steward.yaml", stewardFile(bench, folder, addresses), mode: 0o644)
        let line = try await runProgram("/bin/cat", ["\(folder)/key.pub"]).output
        do {
            for node in bench.nodes {
                try await bench.run(
                    "install -d -m 700 /root/.ssh && echo '\(line.filter { !$0.isNewline })' >>/root/.ssh/authorized_keys",
                    on: node)
            }
            for role in ["signer", "steward"] {
                let started = try await stack.script(
                    "stack", ["start", stack.state, "ssh-\(role)", role, "\(folder)/\(role).yaml"])
                #expect(started.status == 0, "\(started)")
                try await eventually("the \(role) listens") {
                    accepts("\(folder)/\(role)/admin.sock")
                }
            }
            let client = StewardClient(path: "\(folder)/steward/admin.sock", keeperUser: nil, deadline: .seconds(240))
            do {
                try await body(client, stack)
            } catch {
                await client.close()
                throw error
            }
            await client.close()
        } catch {
            try? await end(bench, stack)  // the first error is the one to report
            throw error
        }
        try await end(bench, stack)
    }
}

private func end(_ bench: StewardBench, _ stack: Stack) async throws {
    for role in ["steward", "signer"] {
        _ = try await stack.script("stack", ["stop", stack.state, "ssh-\(role)"])
    }
    for node in bench.nodes { try await bench.run("sed -i '/ sally-ssh-test$/d' /root/.ssh/authorized_keys", on: node) }
}

private func runAll(_ commands: [[String]]) async throws {
    for command in commands {
        let done = try await runProgram(
            "/usr/bin/env", command, environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
        guard done.status == 0 else { throw Failure("\(command): \(done)") }
    }
}

/// The stack's own, with sockets, records and peers of this test.
private func signerFile(_ stack: Stack, _ folder: String) async throws -> String {
    let text = try await runProgram("/bin/cat", ["\(stack.state)/etc/signer.yaml"]).output
    return text.replacing("\(stack.state)/run/signer/", with: "\(folder)/signer/")
        .replacing("state_folder: \(stack.state)/signer/state", with: "state_folder: \(folder)/signer/state")
        .replacing("steward.sock, peer: root", with: "steward.sock, peer: sally-steward")
        .replacing("20000-29999", with: "40000-59999")
}

private func stewardFile(_ bench: StewardBench, _ folder: String, _ addresses: [NodeName: String]) -> String {
    let nodes = bench.nodes.dropFirst().map { "\($0): \(addresses[$0] ?? "")" }.joined(separator: ", ")
    return """
        sockets:
          serve: {path: \(folder)/steward/serve.sock, peer: sally-serve}
          admin: \(folder)/steward/admin.sock
        signer_socket: \(folder)/signer/steward.sock
        state_folder: \(folder)/steward/state
        clusters:
          - name: \(bench.name)
            mode: everywhere
            transport:
              openssh:
                login: root
                identity_file: \(folder)/key
                known_hosts: \(folder)/known
                controller: \(addresses[bench.nodes[0]] ?? "")
                nodes: {\(nodes)}
            uid_range: 40000-59999
            profiles:
              researcher: {groups: [], accounts: [research]}
        """
}
