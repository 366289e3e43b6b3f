// SPDX-License-Identifier: Apache-2.0

import SallyModel
package import SallyTransport

/// Machines with a real sshd each, reached over ports of this host; their host keys come over `podman exec`.
package struct SSHCluster: Sendable {
    /// In the order of their names: `master` before `node001`.
    package let nodes: [SSHNode]

    package var controller: SSHNode { nodes[0] }

    /// The way onto all of them, as root.
    package func transport() -> OpenSSHTransport {
        OpenSSHTransport(
            addresses: Dictionary(
                uniqueKeysWithValues: nodes.map { ($0.node, OpenSSHAddress(host: "127.0.0.1", port: $0.port)) }),
            settings: controller.settings(), environment: TestContainers.environment)
    }

    /// - Parameters:
    ///   - startups: sshd's MaxStartups: how many connections may wait to be let in.
    ///   - machines: by name, what `podman run` gets besides.
    package static func with(
        image: String, startups: String = "200", machines: [String: [String]],
        _ body: (SSHCluster) async throws -> Void
    ) async throws {
        let podman = try PodmanEnvironment.detect(environment: TestContainers.environment)
        let names = machines.keys.sorted()
        try await withScratchFolder { folder in
            try await SSHNode.makeKey("\(folder)/key", passphrase: "")
            let key = try await runProgram("cat", ["\(folder)/key.pub"], environment: ["PATH": "/usr/bin:/bin"]).output
            let containers = names.map { name in
                ["--publish", "127.0.0.1::22", "--entrypoint", "/bin/bash"] + machines[name, default: []]
                    + [image, "-c", start(startups: startups), "sshd", key]
            }
            try await TestContainers.with(podman, containers) { containers in
                var nodes: [SSHNode] = []
                var known = ""
                for (name, container) in zip(names, containers) {
                    let port = try await published(container, podman)
                    let made = SSHNode(
                        node: try NodeName(name), container: container, podman: podman, folder: folder, port: port)
                    try await eventually("sshd listens") {
                        try await made.run("cat /var/log/sshd.log 2>/dev/null || true").contains("Server listening")
                    }
                    known += "\(name) " + (try await made.run("cat /etc/ssh/ssh_host_ed25519_key.pub"))
                    nodes.append(made)
                }
                try writeFile("\(folder)/known", known)
                try await body(SSHCluster(nodes: nodes))
            }
        }
    }

    /// The same with one file system for /home on all of them, which is gone afterwards.
    package static func withHomes(
        image: String, machines: [String: [String]], _ body: (SSHCluster) async throws -> Void
    ) async throws {
        let podman = try PodmanEnvironment.detect(environment: TestContainers.environment)
        let volume = "sally-homes-\(UInt64.random(in: .min ... .max))"
        let made = try await podman.call(["volume", "create", volume], deadline: .seconds(240)).run()
        guard made.succeeded else { throw NoNode(reason: made.errorOutput) }
        func remove() async throws {
            _ = try await podman.call(["volume", "rm", "--force", volume], deadline: .seconds(240)).run()
        }
        do {
            try await with(
                image: image, machines: machines.mapValues { ["--volume", "\(volume):/home"] + $0 }, body)
        } catch {
            try await remove()
            throw error
        }
        try await remove()
    }

    /// The port of this host that leads to sshd.
    private static func published(_ container: String, _ podman: PodmanEnvironment) async throws -> UInt16 {
        let mapping = try await podman.call(["port", container, "22/tcp"], deadline: .seconds(240)).run().output
        guard
            let port = mapping.split(whereSeparator: \.isNewline).first?.split(separator: ":").last.flatMap({
                UInt16($0)
            })
        else { throw NoNode(reason: "no port in \(mapping)") }
        return port
    }

    private static func start(startups: String) -> String {
        """
        mkdir -p /run/sshd
        install -d -m 0700 /root/.ssh
        ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
        echo "$1" >/root/.ssh/authorized_keys
        set -- -D -E /var/log/sshd.log -o MaxStartups=\(startups) -o MaxSessions=100
        # Since OpenSSH 9.8 an address whose sign-ins fail is kept out for a while; some tests fail on purpose.
        if /usr/sbin/sshd -t -o PerSourcePenalties=no; then set -- "$@" -o PerSourcePenalties=no; fi
        exec /usr/sbin/sshd "$@"
        """
    }
}
