// SPDX-License-Identifier: Apache-2.0

import SallyClusters
import SallyModel
import SallyTransport
import Testing

@testable import ClusterCommands

/// Machines that exist already come and go by the administrator's list.
@Suite struct ListedNodesTests {
    private static func machine(_ name: String, _ role: ClusterMachine.Role, _ address: String, port: UInt16 = 22)
        -> ClusterMachine
    {
        ClusterMachine(
            name: NodeName(unchecked: name), role: role, id: address, address: address, port: port, state: .unknown)
    }

    private static let listed = ListedNodes(
        ClusterMachines(
            name: ClusterName(unchecked: "lab"), provider: .inventory, region: "lab",
            controller: machine("master", .controller, "10.1.0.10"), nodes: [machine("node001", .node, "10.1.0.11")],
            homeServer: NodeName(unchecked: "master"), networks: [], accounting: .unknown,
            access: .openSSH(
                OpenSSHSettings(
                    login: .root, identityFile: "/k", knownHostsFile: "/etc/lab.hosts", hostKeyNaming: .address),
                environment: [:])), file: "/etc/clusters.yaml")

    private func error(_ body: () throws -> Void) -> SallyError? {
        do {
            try body()
            return nil
        } catch { return error as? SallyError }
    }

    @Test func whoIsListedIsAdded() throws {
        let names = try Self.listed.toAdd(NodeRequest(count: nil, aliases: ["node001"]))
        #expect(names.map(\.rawValue) == ["node001"])
    }

    @Test func theLinesThatTheFileNeedsAreSaid() {
        let error = error { _ = try Self.listed.toAdd(NodeRequest(count: nil, aliases: ["node002"])) }
        #expect(error?.code == .notFound)
        #expect(error?.message == "node 'node002' is not listed for cluster lab in /etc/clusters.yaml")
        #expect(
            error?.hint
                == "add `- {name: node002, address: ADDRESS}` under clusters.lab.nodes, and `ADDRESS KEY`, its host key, to /etc/lab.hosts; then ask again"
        )
    }

    @Test(arguments: [([], SallyError.Code.invalidRequest), (["master"], .conflict)])
    func nobodyIsMadeOfNothing(_ aliases: [String], _ code: SallyError.Code) {
        #expect(error { _ = try Self.listed.toAdd(NodeRequest(count: nil, aliases: aliases)) }?.code == code)
    }

    @Test func whoIsListedIsNotForgotten() throws {
        func remove(_ count: Int?, _ nodes: [String]) throws -> [NodeName] {
            try Self.listed.toRemove(NodesToRemove(count: count, aliases: [], nodes: nodes))
        }
        let listed = error { _ = try remove(nil, ["node001"]) }
        #expect(listed?.code == .conflict && listed?.message.contains("still listed") == true)
        #expect(error { _ = try remove(nil, ["master"]) }?.message.contains("controller") == true)
        #expect(error { _ = try remove(1, []) }?.code == .invalidRequest)
        #expect(try remove(nil, ["node002"]).map(\.rawValue) == ["node002"])
    }

    @Test func portsStandInKnownHosts() {
        #expect(ListedAddress.text(Self.machine("a", .node, "10.1.0.11")) == "10.1.0.11")
        #expect(ListedAddress.text(Self.machine("a", .node, "10.1.0.11", port: 2222)) == "[10.1.0.11]:2222")
    }
}
