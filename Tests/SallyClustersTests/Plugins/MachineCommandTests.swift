// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport
import Testing

@testable import SallyClusters

@Suite struct MachineCommandTests {
    private let node = ClusterMachine(
        name: NodeName(unchecked: "node001"), role: .node, id: "sallyport-lab-node001", address: "10.0.0.11",
        port: 2222, state: .running)

    private func cluster(_ access: ClusterMachines.Access) -> ClusterMachines {
        ClusterMachines(
            name: ClusterName(unchecked: "lab"), provider: .inventory, region: "r", controller: node, nodes: [],
            homeServer: node.name, networks: [], accounting: .unknown, access: access)
    }

    @Test func podmanRunsInTheContainer() {
        let command = cluster(.podman(PodmanEnvironment(program: "/p", variables: [:]))).command(on: node)
        #expect(command == ["/p", "exec", "--interactive", "sallyport-lab-node001"])
    }

    @Test(arguments: [
        (OpenSSHLogin.root, "root", ["10.0.0.11"]), (.sudo(user: "ann"), "ann", ["10.0.0.11", "sudo", "-n", "--"]),
    ])
    func sshTakesWhatFollows(_ login: OpenSSHLogin, _ user: String, _ end: [String]) {
        let settings = OpenSSHSettings(
            login: login, identityFile: "/k", knownHostsFile: "/h", hostKeyNaming: .address,
            sharing: .shared(folder: "/gone", persist: .seconds(5)))
        let command = cluster(.openSSH(settings, environment: [:])).command(on: node)
        #expect(command.starts(with: ["ssh", "-F", "/dev/null", "-l", user, "-p", "2222"]))
        #expect(command.suffix(end.count + 2) == ["-T", "--"] + end)
        #expect(command.contains("StrictHostKeyChecking=yes") && command.contains("UserKnownHostsFile=\"/h\""))
        #expect(command.contains("ControlPath=none"))
        #expect(!command.contains { $0.hasPrefix("HostKeyAlias") })
    }
}
