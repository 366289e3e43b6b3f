// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import SallyAccounts

/// Users on machines with a real sshd and one /home: no Slurm, and nobody else who changes anything.
struct NodesBench {
    let cluster: SSHCluster
    let image: String

    var controller: SSHNode { cluster.controller }
    var nodes: [SSHNode] { cluster.nodes }

    var layout: ClusterLayout {
        var layout = ClusterLayout(
            mode: .everywhere, controller: controller.node, nodes: nodes.dropFirst().map(\.node),
            homeServer: controller.node)
        layout.slurm = .ignored
        return layout
    }

    /// - Parameter machines: names, and what `podman run` gets besides.
    static func with(
        _ machines: [String: [String]] = ["master": [], "node001": []], _ body: (NodesBench) async throws -> Void
    ) async throws {
        guard let image = TestContainers.nodeImage else { return }
        try await SSHCluster.withHomes(image: image, machines: machines) { cluster in
            try await body(NodesBench(cluster: cluster, image: image))
        }
    }

    static func request(_ name: String) throws -> UserRequest {
        UserRequest(
            name: try UserName(name), profile: try ProfileName("createusers"), gecos: "Cluster user account \(name)",
            home: "/home/\(name)", shell: "/bin/bash", groups: [], accounts: [], adoptsHome: false, expiry: .unchanged)
    }

    func setup(_ keys: ClusterSetup.Keys = .init(brought: [:], source: nil, renew: false)) throws -> ClusterSetup {
        ClusterSetup(
            trust: try SSHTrust(cluster: ClusterName("lab"), networks: ["10.0.0.0/8"]), addresses: [:], keys: keys,
            scratch: try ClusterSetup.Scratch(folders: "/mnt", links: "/scratch"))
    }

    /// - Parameter change: what differs for each user from the usual.
    func run(
        _ names: [String], keys: ClusterSetup.Keys = .init(brought: [:], source: nil, renew: false),
        over transport: (any Transport)? = nil, slurmCommands: String? = nil,
        change: (inout UserRequest) -> Void = { _ in }
    ) async throws -> ClusterReport {
        let users = try names.map { name in
            var user = try NodesBench.request(name)
            change(&user)
            return user
        }
        var layout = layout
        layout.slurmCommands = slurmCommands
        let transport: any Transport = transport ?? cluster.transport()
        return try await ClusterRun(
            layout: layout, transport: transport, users: users, setup: try setup(keys), uids: 30000...39999,
            dryRun: false, by: "root", told: { _ in }
        ).run()
    }

    /// What `script` says on each machine.
    func everywhere(_ script: String) async throws -> [String] {
        var said: [String] = []
        for node in nodes { said.append(try await node.run(script)) }
        return said
    }

    /// Runs `script` on the controller as a user, from the home.
    @discardableResult
    func run(_ script: String, as user: String) async throws -> String {
        try await controller.run(
            "cd /home/\(user) && exec setpriv --reuid=$(id -u \(user)) --regid=$(id -g \(user)) --init-groups env -i HOME=/home/\(user) "
                + "PATH=/usr/bin:/bin bash -c \(shellQuoted(script))")
    }
}

/// Makes pairs and remembers them, as an archive would.
actor KeyDesk {
    private(set) var made: [UserName: KeyPair] = [:]

    nonisolated var keys: ClusterSetup.Keys { .init(brought: [:], source: source, renew: false) }
    nonisolated var source: ClusterSetup.KeySource {
        { users in try await self.make(users) }
    }

    private func make(_ users: [UserName]) throws -> [UserName: PublicKey] {
        for user in users { made[user] = try KeyPair.make(.ed25519, comment: "\(user)") }
        return made.filter { users.contains($0.key) }.mapValues(\.publicKey)
    }
}
