// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport
import StrictJSON
import Testing

@testable import SallyClusters

@Suite struct ClusterMachinesTests {
    private static func machine(
        _ name: String, _ id: String, _ address: String, port: UInt16 = 22, role: ClusterMachine.Role = .node,
        state: ClusterMachine.State = .running
    ) -> ClusterMachine {
        ClusterMachine(
            name: NodeName(unchecked: name), role: role, id: id, address: address, port: port, state: state)
    }

    private static func cluster(_ nodes: [ClusterMachine]) -> ClusterMachines {
        ClusterMachines(
            name: ClusterName(unchecked: "lab"), provider: .podman, region: "us-east-1",
            controller: machine("master", "c-master", "10.0.0.10", role: .controller), nodes: nodes,
            homeServer: NodeName(unchecked: "master"), networks: [], accounting: .enforced,
            access: .podman(PodmanEnvironment(variables: [:])))
    }

    private static let usual = cluster([
        machine("node002", "c-2", "10.0.0.12"), machine("node001", "c-1", "10.0.0.11"),
        machine("node1000", "c-1000", "10.0.0.13", port: 2200),
    ])

    @Test(arguments: [
        ("master", "master"), ("node002", "node002"), ("c-1", "node001"), ("10.0.0.12", "node002"), ("0", "master"),
        ("1", "node001"), ("2", "node002"), ("002", "node002"), ("1000", "node1000"), ("10.0.0.13:2200", "node1000"),
        ("[10.0.0.13]:2200", "node1000"),
    ])
    func aMachineIsFoundByAnyOfItsNames(_ text: String, _ expected: String) throws {
        #expect(try ClusterMachinesTests.usual.machine(named: text).name.rawValue == expected)
    }

    @Test(arguments: ["node007", "3", "", "-1", "9999999999999999999999", "NODE001", "10.0.0.1"])
    func oneThatIsNotThereIsNamed(_ text: String) {
        #expect {
            try ClusterMachinesTests.usual.machine(named: text)
        } throws: { error in
            let error = error as? SallyError
            return error?.code == .notFound && error?.message == "node '\(text)' does not exist"
                && error?.hint == "(nodes of lab: master, node002, node001, node1000)"
        }
    }

    @Test func programsAreToldAsJSON() {
        let json = ClusterMachinesTests.usual.json
        #expect((json["name"]?.string, json["provider"]?.string) == ("lab", "podman"))
        #expect((json["controller"]?.string, json["home_server"]?.string) == ("master", "master"))
        #expect(json["accounting"]?.bool == true)
        let machines = json["machines"]?.array ?? []
        #expect(machines.map { $0["name"]?.string } == ["master", "node002", "node001", "node1000"])
        #expect(machines.map { $0["role"]?.string } == ["controller", "node", "node", "node"])
        #expect(machines.last?["port"]?.integer() == 2200)
        #expect(machines.last?["state"]?.string == "running")
    }

    @Test func withoutNumbersInNamesTheyAreCounted() throws {
        let cluster = ClusterMachinesTests.cluster([
            ClusterMachinesTests.machine("anna", "a", "1.1.1.1"), ClusterMachinesTests.machine("bert", "b", "1.1.1.2"),
        ])
        #expect(try cluster.machine(named: "2").name.rawValue == "bert")
        #expect(throws: SallyError.self) { try cluster.machine(named: "3") }
    }

    /// As with StarCluster's DNS_PREFIX.
    @Test func masterIsTheControllerWhateverItIsCalled() throws {
        var cluster = ClusterMachinesTests.usual
        cluster.controller = ClusterMachinesTests.machine("lab-head", "c-head", "10.0.0.10", role: .controller)
        #expect(try cluster.machine(named: "master").name.rawValue == "lab-head")
        cluster.nodes.append(ClusterMachinesTests.machine("master", "c-other", "10.0.0.20"))
        #expect(try cluster.machine(named: "master").id == "c-other")
    }

    @Test func whatNamesTwoIsRefused() {
        let cluster = ClusterMachinesTests.cluster([
            ClusterMachinesTests.machine("a1", "x", "1.1.1.1", port: 1),
            ClusterMachinesTests.machine("b1", "y", "1.1.1.1", port: 2),
        ])
        for text in ["1.1.1.1", "1"] {
            #expect { try cluster.machine(named: text) } throws: {
                ($0 as? SallyError)?.message == "node '\(text)' is more than one"
            }
        }
        #expect(throws: Never.self) { try cluster.machine(named: "1.1.1.1:2") }
    }

    @Test func oneThatDoesNotRunIsSaidAsDocumented() {
        let down = ClusterMachine.State.down("stopped")
        let node = ClusterMachinesTests.machine("node001", "x", "1.1.1.1", state: down)
        #expect { try ClusterMachinesTests.usual.requireRunning(node) } throws: {
            ($0 as? SallyError)?.message == "node node001 is not running (stopped)"
        }
        let master = ClusterMachinesTests.machine("master", "x", "1.1.1.1", role: .controller, state: down)
        #expect { try ClusterMachinesTests.usual.requireRunning(master) } throws: {
            ($0 as? SallyError)?.message == "master node is not running (stopped)"
        }
        let unknown = ClusterMachinesTests.machine("a", "x", "1.1.1.1", state: .unknown)
        #expect(throws: Never.self) { try ClusterMachinesTests.usual.requireRunning(unknown) }
    }

    @Test func nothingIsForwardedToContainersOrOn() throws {
        let user = try LoginName("ann")
        #expect(throws: Never.self) { try ClusterMachinesTests.usual.requireForwarding([], to: user) }
        #expect { try ClusterMachinesTests.usual.requireForwarding([.x11], to: .root) } throws: {
            ($0 as? SallyError)?.code == .unsupported
        }
        var cluster = ClusterMachinesTests.usual
        let settings = OpenSSHSettings(login: .sudo(user: "admin"), identityFile: "/k", knownHostsFile: "/h")
        cluster.access = .openSSH(settings, environment: [:])
        for allowed in [LoginName.root, LoginName(unchecked: "admin")] {
            #expect(throws: Never.self) { try cluster.requireForwarding([.x11, .agent], to: allowed) }
        }
        #expect { try cluster.requireForwarding([.agent], to: user) } throws: {
            ($0 as? SallyError)?.code == .unsupported
        }
    }
}
