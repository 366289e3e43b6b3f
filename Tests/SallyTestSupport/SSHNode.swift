// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyTransport

/// A container with a real sshd, reached over a port of this host; its host key comes over `podman exec`.
package struct SSHNode: Sendable {
    package let node: NodeName
    package let container: String
    package let podman: PodmanEnvironment
    /// Holds `key`, `known` and whatever a test adds.
    package let folder: String
    package let port: UInt16

    package var key: String { "\(folder)/key" }
    package var known: String { "\(folder)/known" }

    package func settings(login: OpenSSHLogin = .root) -> OpenSSHSettings {
        // Fifty handshakes at once take their time on a small machine.
        OpenSSHSettings(login: login, identityFile: key, knownHostsFile: known, connectTimeout: .seconds(60))
    }

    package func transport(_ settings: OpenSSHSettings) -> OpenSSHTransport {
        OpenSSHTransport(
            addresses: [node: OpenSSHAddress(host: "127.0.0.1", port: port)], settings: settings,
            environment: TestContainers.environment)
    }

    /// Runs a script in the container without ssh.
    package func run(_ script: String) async throws -> String {
        let made = try await podman.call(
            ["exec", "--interactive", container, "/bin/bash", "-s"], standardInput: Array(script.utf8),
            deadline: .seconds(240)
        ).run()
        guard made.succeeded else { throw NoNode(reason: made.errorOutput) }
        return made.output
    }

    /// How often somebody has signed in. sshd ends the lines of its log with carriage return and newline.
    package func signIns() async throws -> Int {
        try await run("cat /var/log/sshd.log").split(whereSeparator: \.isNewline).count {
            $0.contains("Accepted publickey")
        }
    }

    /// `startups` is sshd's MaxStartups: how many connections may wait to be let in.
    package static func with(
        image: String, startups: String = "200", _ body: (SSHNode) async throws -> Void
    ) async throws {
        try await SSHCluster.with(image: image, startups: startups, machines: ["node001": []]) { cluster in
            try await body(cluster.nodes[0])
        }
    }

    package static func makeKey(_ path: String, passphrase: String) async throws {
        let made = try await runProgram(
            "ssh-keygen", ["-q", "-t", "ed25519", "-N", passphrase, "-f", path],
            environment: ["PATH": "/usr/bin:/bin"])
        guard made.status == 0 else { throw NoNode(reason: made.errors) }
    }
}

extension SSHNode {
    /// A user who signs in with our key and becomes root with `sudo -n`, while /etc/keepers names him.
    ///
    /// The image has no sudo: a set-uid copy of bash stands in for it, that knows `sudo -n -- COMMAND` alone.
    package func addUserWithSudo(_ name: String) async throws {
        _ = try await run(
            """
            set -e
            useradd --create-home --shell /bin/bash \(name)
            install -d -o \(name) -g \(name) -m 0700 /home/\(name)/.ssh
            install -o \(name) -g \(name) -m 0600 /root/.ssh/authorized_keys /home/\(name)/.ssh/authorized_keys
            echo \(name) >/etc/keepers
            install -o root -g root -m 4755 /bin/bash /usr/local/bin/bash-as-root
            cat >/usr/bin/sudo <<'END'
            #!/usr/local/bin/bash-as-root -p
            grep -qxF "$(id -run)" /etc/keepers 2>/dev/null || { echo "sudo: a password is required" >&2; exit 1; }
            [ "$1 $2" = "-n --" ] || { echo "sudo: unknown arguments" >&2; exit 1; }
            shift 2
            exec setpriv --reuid=0 --regid=0 --clear-groups env -i PATH=/usr/bin:/bin SUDO_USER=\(name) "$@"
            END
            chmod 0755 /usr/bin/sudo
            """)
    }
}
