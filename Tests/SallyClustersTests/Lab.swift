// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyModel
import SallyTestSupport
import SallyTransport

@testable import SallyClusters

#if canImport(Glibc)
import Glibc
#endif

/// A cluster of an inventory whose one machine is a real sshd, the host keys filed by address.
struct Lab {
    let ssh: SSHNode
    var machines: ClusterMachines
    var master: ClusterMachine { machines.controller }

    static func with(_ body: (Lab) async throws -> Void) async throws {
        guard let image = TestContainers.nodeImage else { return }
        try await SSHNode.with(image: image) { made in
            let key = try String(contentsOfFile: made.known, encoding: .utf8)
            try writeFile(made.known, key.replacing("node001", with: "[127.0.0.1]:\(made.port)"))
            try await body(Lab(ssh: made, machines: machines(of: made, login: .root)))
        }
    }

    static func machines(of made: SSHNode, login: OpenSSHLogin, identity: String? = nil) -> ClusterMachines {
        let master = InventoryCluster.Node(
            name: NodeName(unchecked: "master"), address: "127.0.0.1", port: made.port)
        return InventoryCluster(
            name: ClusterName(unchecked: "lab"), login: login, identityFile: identity ?? made.key,
            knownHostsFile: made.known, region: "local", controller: master, nodes: [], homeServer: master.name,
            networks: [], accounting: .unknown, plugins: []
        ).machines(environment: TestContainers.environment)
    }

    func signingIn(as login: OpenSSHLogin, identity: String? = nil) -> Lab {
        Lab(ssh: ssh, machines: Lab.machines(of: ssh, login: login, identity: identity))
    }

    /// The same machine over podman exec.
    var overPodman: Lab {
        let master = ClusterMachine(
            name: NodeName(unchecked: "master"), role: .controller, id: ssh.container, address: "10.0.0.1",
            state: .running)
        return Lab(
            ssh: ssh,
            machines: ClusterMachines(
                name: machines.name, provider: .podman, region: "local", controller: master, nodes: [],
                homeServer: master.name, networks: [], accounting: .unknown, access: .podman(ssh.podman)))
    }

    /// Runs `program` with standard input from a file, and says what it wrote.
    func session(
        _ program: UserSession.Program, as user: String = "root", input: String = "",
        terminal: Attachment.Terminal = .none, forwarding: Set<Attachment.Forwarding> = []
    ) async throws -> Completion {
        let name = "\(ssh.folder)/session.\(UInt64.random(in: .min ... .max))"
        try writeFile("\(name).in", input)
        for end in ["out", "err"] { try writeFile("\(name).\(end)", "") }
        let streams = Attachment.Streams(
            input: open("\(name).in", O_RDONLY | O_CLOEXEC), output: open("\(name).out", O_WRONLY | O_CLOEXEC),
            error: open("\(name).err", O_WRONLY | O_CLOEXEC))
        defer { for end in [streams.input, streams.output, streams.error] { close(end) } }
        let status = try await machines.session(
            program, as: LoginName(user), on: master, terminal: terminal, forwarding: forwarding,
            streams: streams)
        return Completion(
            status: status, standardOutput: Array(try Data(contentsOf: URL(filePath: "\(name).out"))),
            standardError: Array(try Data(contentsOf: URL(filePath: "\(name).err"))))
    }

    func copy(as user: String, errors: Int32) throws -> FileCopy {
        FileCopy(
            machines, machine: master, user: try LoginName(user), environment: TestContainers.environment,
            errors: errors, told: { _ in })
    }

    /// An account with a home and a second group.
    func addUser(_ name: String, shell: String = "/bin/bash") async throws {
        _ = try await ssh.run(
            """
            set -e
            groupadd --force course
            useradd --create-home --shell \(shell) --groups course \(name)
            """)
    }
}
