// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import SallyClusters

@Suite struct InventoryReaderTests {
    private func read(_ text: String, files: FileChecks = .skip, home: String? = "/home/admin") throws -> Inventory {
        try InventoryReader.read(
            ConfigNode.parse(text, file: "clusters.yaml"), file: "clusters.yaml", home: home, files: files)
    }

    private func cluster(_ text: String) throws -> InventoryCluster {
        try #require(read(text).entries.first).cluster.get()
    }

    /// What is said of the first cluster, a line for each problem.
    private func problems(_ text: String, files: FileChecks = .skip, home: String? = "/home/admin") throws -> [String] {
        guard case .failure(let error) = try #require(read(text, files: files, home: home).entries.first).cluster else {
            return []
        }
        #expect(error.code == .misconfigured)
        return error.message.split(separator: "\n").map(String.init)
    }

    private static let whole = """
        lab:
          provider: inventory
          user: admin
          identity_file: ~/.ssh/id_ed25519
          known_hosts: ~/.config/sallyport/lab.known_hosts
          region: lab
          plugins: [createusers]
          networks: [10.1.0.0/24]
          nodes:
            - {name: node001, address: 10.1.0.11}
            - {name: master, address: 10.1.0.10, port: 2200, role: controller}
            - {name: files, address: "fd00::3", role: node}
          home_server: files
          accounting: true
        """

    @Test func everyKeyIsTaken() throws {
        let lab = try cluster(InventoryReaderTests.whole)
        let master = InventoryCluster.Node(name: try NodeName("master"), address: "10.1.0.10", port: 2200)
        #expect(
            lab
                == InventoryCluster(
                    name: try ClusterName("lab"), login: .sudo(user: "admin"),
                    identityFile: "/home/admin/.ssh/id_ed25519",
                    knownHostsFile: "/home/admin/.config/sallyport/lab.known_hosts", region: "lab", controller: master,
                    nodes: [
                        .init(name: try NodeName("node001"), address: "10.1.0.11", port: 22),
                        .init(name: try NodeName("files"), address: "fd00::3", port: 22),
                    ],
                    homeServer: try NodeName("files"), networks: ["10.1.0.0/24"], accounting: .enforced,
                    plugins: ["createusers"]))
    }

    @Test func whatIsNotSaidHasItsDefault() throws {
        let lab = try cluster(
            """
            lab:
              provider: inventory
              login: root
              identity_file: /k
              known_hosts: /h
              nodes:
                - {name: master, address: 10.1.0.10, role: controller}
                - {name: node001, address: 10.1.0.10, port: 23}
            """)
        #expect(lab.login == .root)
        #expect((lab.region, lab.homeServer.rawValue) == ("local", "master"))
        #expect(lab.networks == ["10.1.0.10"])
        #expect((lab.accounting, lab.plugins) == (.unknown, []))
        #expect(lab.nodes.map(\.port) == [23])
    }

    @Test func commandsSeeItWithHostKeysByAddress() throws {
        let machines = try cluster(InventoryReaderTests.whole).machines(environment: ["HOME": "/h"])
        #expect(machines.provider == .inventory)
        #expect(machines.machines.map(\.name.rawValue) == ["master", "node001", "files"])
        #expect(machines.machines.allSatisfy { $0.state == .unknown })
        guard case .openSSH(let settings, let environment) = machines.access else {
            Issue.record("no ssh")
            return
        }
        #expect((settings.hostKeyNaming, settings.login) == (.address, .sudo(user: "admin")))
        #expect(environment == ["HOME": "/h"])
    }

    /// A line of `whole` replaced by others, and what is said then.
    private static let wrong: [(String, String, [String])] = [
        ("  provider: inventory", "", ["clusters.yaml:1: clusters.lab: provider is missing"]),
        (
            "  provider: inventory", "  provider: podman",
            [
                "clusters.yaml:2: clusters.lab.provider: \"podman\" is not inventory; clusters of other providers are"
                    + " made by start, from templates"
            ]
        ),
        (
            "  user: admin", "",
            ["clusters.yaml:1: clusters.lab: who signs in is missing: `login: root`, or `user: NAME` with sudo -n"]
        ),
        (
            "  user: admin", "  login: admin",
            [
                "clusters.yaml:3: clusters.lab.login: \"admin\" is not root; another user, who may run everything with"
                    + " sudo -n, is `user: admin`"
            ]
        ),
        (
            "  user: admin", "  login: root\n  user: admin",
            ["clusters.yaml:4: clusters.lab: login and user: give one of the two"]
        ),
        (
            "  user: admin", "  user: -oProxyCommand=x",
            ["clusters.yaml:3: clusters.lab.user: \"-oProxyCommand=x\" is no user: \(LoginName.rule)"]
        ),
        (
            "  identity_file: ~/.ssh/id_ed25519", "  identity_file: keys/id",
            ["clusters.yaml:4: clusters.lab.identity_file: \"keys/id\" is neither absolute nor begins with ~/"]
        ),
        (
            "  known_hosts: ~/.config/sallyport/lab.known_hosts", "",
            ["clusters.yaml:1: clusters.lab: known_hosts is missing"]
        ),
        (
            "  region: lab", "  region: ../lab",
            [
                "clusters.yaml:6: clusters.lab.region: \"../lab\" stands in names of files: 1-40 characters of"
                    + " a-z 0-9 - are wanted"
            ]
        ),
        (
            "  networks: [10.1.0.0/24]", "  networks: [10.1.0.1/24]",
            [
                "clusters.yaml:8: clusters.lab.networks: \"10.1.0.1/24\" is no network such as 10.1.0.0/24, or has bits"
                    + " outside of it"
            ]
        ),
        (
            "  home_server: files", "  home_server: node009",
            ["clusters.yaml:13: clusters.lab.home_server: \"node009\" is none of nodes"]
        ),
        (
            "  accounting: true", "  accounting: sure",
            ["clusters.yaml:14: clusters.lab.accounting: true or false is wanted"]
        ),
        (
            "  accounting: true", "  acounting: true",
            [
                "clusters.yaml:14: clusters.lab: unknown key \"acounting\"; known are accounting, home_server,"
                    + " identity_file, known_hosts, login, networks, nodes, plugins, provider, region, user"
            ]
        ),
        (
            "port: 2200, role: controller", "port: 2200",
            ["clusters.yaml:9: clusters.lab.nodes: no machine has `role: controller`"]
        ),
        (
            "role: node}", "role: controller}",
            ["clusters.yaml:9: clusters.lab.nodes: master and files have `role: controller`; one may"]
        ),
        (
            "name: node001, address: 10.1.0.11", "name: master, address: 10.1.0.11",
            ["clusters.yaml:11: clusters.lab.nodes[1]: master stands in line 10 already"]
        ),
        (
            "address: 10.1.0.11", "address: 10.1.0.10, port: 2200",
            ["clusters.yaml:11: clusters.lab.nodes[1]: 10.1.0.10 port 2200 stands in line 10 already"]
        ),
        (
            "port: 2200", "port: 65536",
            ["clusters.yaml:11: clusters.lab.nodes[1].port: \"65536\" is no port, a whole number from 1 to 65535"]
        ),
        (
            "port: 2200", "port: 0",
            ["clusters.yaml:11: clusters.lab.nodes[1].port: \"0\" is no port, a whole number from 1 to 65535"]
        ),
        (
            "address: 10.1.0.11", "address: -v.example",
            [
                "clusters.yaml:10: clusters.lab.nodes[0].address: \"-v.example\" is neither an address nor a"
                    + " host's name"
            ]
        ),
        (
            "name: node001", "name: \"node 1\"",
            ["clusters.yaml:10: clusters.lab.nodes[0].name: \"node 1\" is no node name: \(NodeName.rule)"]
        ),
        (
            "role: node}", "role: worker}",
            ["clusters.yaml:12: clusters.lab.nodes[2].role: \"worker\" is not one of controller, node"]
        ),
        (
            "role: node}", "rack: 4}",
            ["clusters.yaml:12: clusters.lab.nodes[2]: unknown key \"rack\"; known are name, address, port, role"]
        ),
    ]

    @Test(arguments: wrong) func whatIsWrongIsSaidWithItsLine(
        _ old: String, _ new: String, _ expected: [String]
    ) throws {
        try #require(InventoryReaderTests.whole.contains(old))
        #expect(try problems(InventoryReaderTests.whole.replacing(old, with: new)) == expected)
    }

    @Test func everythingWrongIsSaidAtOnce() throws {
        let lines = try problems(
            """
            lab:
              provider: ec2
              identity_file: [a]
              nodes:
                - master
                - {name: a, address: "b c", port: x}
              accounting: 1
            """)
        #expect(
            lines.map { $0.split(separator: " ")[0] }
                == ["clusters.yaml:1:", "clusters.yaml:1:", "clusters.yaml:2:", "clusters.yaml:3:", "clusters.yaml:5:"]
                + ["clusters.yaml:6:", "clusters.yaml:6:", "clusters.yaml:7:"])
    }

    @Test func aBrokenClusterKeepsNobodyFromTheOthers() throws {
        let found = try read("bad: {provider: inventory}\n" + InventoryReaderTests.whole)
        #expect(found.entries.map(\.name.rawValue) == ["bad", "lab"])
        #expect(throws: SallyError.self) { try found.entries[0].cluster.get() }
        #expect(throws: Never.self) { try found.entries[1].cluster.get() }
    }

    @Test(arguments: ["- lab", "text", "Lab_1: {}"]) func whatIsNoListOfClustersIsRefused(_ text: String) {
        #expect { try read(text) } throws: {
            ($0 as? SallyError)?.message.hasPrefix("clusters.yaml:1: clusters: ") == true
        }
    }

    @Test func withoutAHomeNothingBeginsWithIt() throws {
        let lines = try problems(InventoryReaderTests.whole, home: nil)
        #expect(lines.count == 2)
        #expect(lines.allSatisfy { $0.hasSuffix("HOME is not set") })
    }

    @Test func keysAndHostKeysAreLookedAt() async throws {
        try await withScratchFolder { folder in
            let text = """
                lab:
                  provider: inventory
                  login: root
                  identity_file: \(folder)/key
                  known_hosts: \(folder)/known
                  nodes: [{name: master, address: 10.1.0.10, role: controller}]
                """
            let absent = try problems(text, files: .check)
            #expect(absent.count == 2)
            #expect(absent.first?.contains("the key \(folder)/key does not exist; `ssh-keygen") == true)
            #expect(absent.last?.contains("does not exist, and a first contact is not trusted; write a line") == true)
            #expect(absent.last?.contains("over a channel that you trust") == true)

            try writeFile("\(folder)/key", "x", mode: 0o640)
            try writeFile("\(folder)/known", "x", mode: 0o664)
            let open = try problems(text, files: .check)
            #expect(open.first?.contains("can be read by others (mode 0640)") == true)
            #expect(open.last?.contains("can be written by others (mode 0664)") == true)

            try writeFile("\(folder)/key", "x", mode: 0o600)
            try writeFile("\(folder)/known", "x", mode: 0o644)
            #expect(try problems(text, files: .check).isEmpty)
        }
    }

    @Test(arguments: ["started", "terminated"]) func lifeAndDeathAreRefused(_ verb: String) throws {
        let inventory = try read(InventoryReaderTests.whole)
        #expect {
            try inventory.refuse(try ClusterName("lab"), verb: verb)
        } throws: { error in
            let error = error as? SallyError
            return error?.code == .unsupported
                && error?.message
                    == "cluster lab cannot be \(verb): its machines exist already and are not ours (clusters.yaml)"
        }
        #expect(throws: Never.self) { try inventory.refuse(try ClusterName("other"), verb: verb) }
    }
}
