// SPDX-License-Identifier: Apache-2.0

import SallyClusters
import SallyModel
import SallyTransport
import StrictJSON
import Testing

@testable import ClusterCommands

@Suite struct ClusterListingTests {
    private static func machine(
        _ name: String, _ address: String, _ role: ClusterMachine.Role = .node, port: UInt16 = 22,
        state: ClusterMachine.State = .running, startedAt: Timestamp? = nil
    ) -> ClusterMachine {
        ClusterMachine(
            name: NodeName(unchecked: name), role: role, id: "c-\(name)", address: address, port: port, state: state,
            startedAt: startedAt)
    }

    private static func listed(
        _ machines: ClusterMachines?, _ provider: ClusterMachines.Provider = .podman,
        _ condition: ClusterFinder.Listed.Condition = .running, problem: String? = nil
    ) -> ClusterFinder.Listed {
        ClusterFinder.Listed(
            name: ClusterName(unchecked: "mycluster"), provider: provider, condition: condition, machines: machines,
            record: nil, problem: problem)
    }

    private static let local = ClusterMachines(
        name: ClusterName(unchecked: "mycluster"), provider: .podman, region: "us-east-1",
        controller: machine("master", "10.0.0.10", .controller, startedAt: Timestamp(1_266_612_920)),
        nodes: [
            machine("node001", "10.0.0.11"), machine("node1000-long", "10.0.0.12", state: .down("stopped")),
        ],
        homeServer: NodeName(unchecked: "master"), networks: [], accounting: .enforced,
        access: .podman(PodmanEnvironment(variables: [:])))

    private static let inventory = ClusterMachines(
        name: ClusterName(unchecked: "mycluster"), provider: .inventory, region: "lab",
        controller: machine("master", "10.1.0.10", .controller, state: .unknown),
        nodes: [machine("node001", "fd00::1", port: 2200, state: .unknown)],
        homeServer: NodeName(unchecked: "master"), networks: [], accounting: .unknown,
        access: .openSSH(
            OpenSSHSettings(login: .root, identityFile: "/home/admin/key", knownHostsFile: "/h"), environment: [:]))

    /// The layout of StarCluster's documentation, launch time in UTC and uptime as there.
    @Test func aLocalClusterIsShownAsDocumented() {
        let listing = ClusterListing(
            ClusterListingTests.listed(ClusterListingTests.local), now: Timestamp(1_266_614_702))
        #expect(
            listing.lines == [
                "-----------------------------------------",
                "mycluster (security group: @sc-mycluster)",
                "-----------------------------------------",
                "Launch time: 2010-02-19T20:55:20.000Z",
                "Uptime: 00:29:42",
                "Zone: N/A",
                "Keypair: N/A",
                "EBS volumes: N/A",
                "Cluster nodes:",
                "     master running c-master 10.0.0.10",
                "    node001 running c-node001 10.0.0.11",
                "    node1000-long stopped c-node1000-long 10.0.0.12",
                "Total nodes: 3",
                "",
            ])
    }

    /// Being added, or being removed: Slurm does not use it. All others are shown as documented.
    @Test func aNodeThatIsNotReadyIsMarked() throws {
        let text = """
            {"version": 1, "name": "mycluster", "template": "t", "status": "running", "release": "debian12",
             "containers": [
               {"name": "c-master", "role": "controller", "hostname": "master", "address": "10.0.0.10"},
               {"name": "c-node001", "role": "node", "hostname": "node001", "address": "10.0.0.11", "ready": true},
               {"name": "c-node1000-long", "role": "node", "hostname": "node1000-long", "address": "10.0.0.12",
                "ready": false}],
             "network": {"name": "n", "subnet": "10.0.0.0/24"}, "socket": "/s", "socket_group": 0,
             "token_key": {"algorithm": "HS256", "path": "/k", "kid": null}, "service_account": "sallyport",
             "accounts": [], "partitions": [], "gpu_accounts": [], "home": "/home"}
            """
        var listed = ClusterListingTests.listed(ClusterListingTests.local)
        listed.record = try ClusterRecord(parsing: Array(text.utf8), path: "/x/cluster.json")
        var listing = ClusterListing(listed, now: Timestamp(0))
        let nodes = [
            "     master running c-master 10.0.0.10", "    node001 running c-node001 10.0.0.11",
            "    node1000-long stopped c-node1000-long 10.0.0.12",
        ]
        #expect(Array(listing.lines.dropFirst(9).prefix(3)) == [nodes[0], nodes[1], nodes[2] + " (not ready)"])
        listing.answering = []
        #expect(listing.lines[11] == nodes[2] + " (SSH: Down) (not ready)")
    }

    @Test func aClusterOfTheInventorySaysWhatIsKnown() {
        var listing = ClusterListing(
            ClusterListingTests.listed(ClusterListingTests.inventory, .inventory, .listed), now: Timestamp(0))
        listing.answering = [NodeName(unchecked: "master")]
        #expect(
            Array(listing.lines.dropFirst(3)) == [
                "Launch time: N/A", "Uptime: N/A", "Zone: lab", "Keypair: /home/admin/key", "EBS volumes: N/A",
                "Cluster nodes:", "     master unknown c-master 10.1.0.10 (SSH: Up)",
                "    node001 unknown c-node001 [fd00::1]:2200 (SSH: Down)", "Total nodes: 2", "",
            ])
    }

    @Test func whoAnsweredIsInTheJSON() {
        var listing = ClusterListing(ClusterListingTests.listed(ClusterListingTests.local), now: Timestamp(0))
        listing.answering = [NodeName(unchecked: "node001")]
        let answers = listing.json["machines"]?.array?.map { $0["answers"]?.bool }
        #expect(answers == [false, true, false])
    }

    @Test func oneThatIsBrokenSaysWhy() {
        let listing = ClusterListing(
            ClusterListingTests.listed(nil, .inventory, .broken, problem: "f:1: a\nf:2: b"), now: Timestamp(0))
        #expect(listing.lines.suffix(4) == ["Cluster nodes: N/A", "    f:1: a", "    f:2: b", ""])
        #expect(listing.json["problem"]?.string == "f:1: a\nf:2: b")
        let starting = ClusterListing(ClusterListingTests.listed(nil, .podman, .starting), now: Timestamp(0))
        #expect(starting.lines.suffix(3) == ["Cluster nodes: N/A", "    starting", ""])
    }

    @Test(arguments: [
        (0, "00:00:00"), (-5, "00:00:00"), (59, "00:00:59"), (86399, "23:59:59"), (86400, "1 days, 00:00:00"),
        (1_000_000, "11 days, 13:46:40"),
    ])
    func uptimes(_ seconds: Int, _ expected: String) {
        #expect(ClusterListing.uptime(.seconds(seconds)) == expected)
    }

    @Test func thePluginsThatRanAreInTheJSON() {
        var listing = ClusterListing(ClusterListingTests.listed(ClusterListingTests.local), now: Timestamp(0))
        #expect(listing.json["plugins_remembered"]?.array?.isEmpty == true)
        let settings = CommandPluginSettings(path: "/x", settings: JSONObject([("secret", "s")]))
        listing.plugins = [RememberedPlugin(name: "mine", settings: .command(settings), ranAt: Timestamp(0))]
        let expected = #"[{"name":"mine","type":"command","ran_at":"1970-01-01T00:00:00Z","command":"/x"}]"#
        #expect(listing.json["plugins_remembered"]?.text() == expected)
        listing.plugins = nil
        #expect(listing.json["plugins_remembered"]?.isNull == true)
    }

    @Test func theJSONKeepsWhatItHad() {
        let json = ClusterListing(ClusterListingTests.listed(ClusterListingTests.local), now: Timestamp(1_266_614_702))
            .json
        #expect(json["name"]?.string == "mycluster")
        #expect(json["condition"]?.string == "running")
        #expect(json["cluster"]?.isNull == true)
        #expect(json["launched_at"]?.string == "2010-02-19T20:55:20Z")
        #expect(json["uptime_seconds"]?.integer() == 1782)
        #expect(json["machines"]?.array?.count == 3)
        #expect(json["machines"]?.array?.first?["id"]?.string == "c-master")
        #expect(json["machines"]?.array?.first?["answers"] == nil)
    }
}
