// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Testing

@testable import SallyAccounts

@Suite struct SSHNeedTests {
    static func trust(_ networks: [String] = ["10.1.0.0/24"]) throws -> SSHTrust {
        try SSHTrust(cluster: ClusterName("demo"), networks: networks)
    }

    static let nodes = "from=\"10.1.0.0/24\" ssh-ed25519 AAAA sally:demo:nodes"
    static let key = "ssh-rsa BBBB sally:demo:key"

    static func state(_ marked: [String], kind: String = "d", mode: String = "700", hasKey: Bool = true) -> SSHState {
        var state = SSHState()
        state.kind = kind
        state.mode = mode
        state.owner = 20001
        state.hasKey = hasKey
        state.marked = Set(marked)
        return state
    }

    static func need(
        _ state: SSHState?, wanted: String? = nil, wantsKey: Bool = true, renew: Bool = false
    ) throws -> [Bool] {
        let need = SSHNeed(
            state, from: "10.1.0.0/24", wanted: wanted, wantsKey: wantsKey, renew: renew, trust: try trust())
        return [need.nodeKey, need.nodesLine, need.key]
    }

    @Test func whoHasNothingNeedsAll() throws {
        #expect(try Self.need(nil) == [true, true, true])
        #expect(try Self.need(SSHState()) == [true, true, true])
        #expect(try Self.need(nil, wantsKey: false) == [true, true, false])
    }

    @Test func whoHasAllNeedsNothing() throws {
        #expect(try Self.need(Self.state([Self.nodes, Self.key])) == [false, false, false])
        #expect(try Self.need(Self.state([Self.nodes]), wantsKey: false) == [false, false, false])
    }

    @Test func whatDiffersIsNeeded() throws {
        #expect(try Self.need(Self.state([Self.nodes, Self.key], mode: "755"))[1])
        #expect(try Self.need(Self.state([Self.nodes, Self.key], kind: "l"))[1])
        #expect(try Self.need(Self.state([Self.nodes, Self.key], hasKey: false)) == [true, true, false])
        let elsewhere = Self.nodes.replacing("10.1", with: "10.2")
        #expect(try Self.need(Self.state([elsewhere, Self.key])) == [false, true, false])
        let others = [Self.nodes, Self.key].map { $0.replacing("demo", with: "demo2") }
        #expect(try Self.need(Self.state(others)) == [false, true, true])
    }

    @Test func aBroughtKeyReplacesWhatThereIs() throws {
        #expect(try Self.need(Self.state([Self.nodes, Self.key]), wanted: "ssh-rsa BBBB")[2] == false)
        #expect(try Self.need(Self.state([Self.nodes, Self.key]), wanted: "ssh-rsa CCCC")[2])
        #expect(
            try Self.need(Self.state([Self.nodes, Self.key, "ssh-rsa C sally:demo:key"]), wanted: "ssh-rsa BBBB")[2])
    }

    @Test func aKeyIsRenewedWhenAsked() throws {
        #expect(try Self.need(Self.state([Self.nodes, Self.key]), renew: true) == [false, false, true])
    }

    @Test(arguments: [
        "10.1.0.0/33", "10.1.0.0/0", "10.1.0", "10.1.0.256", "*", "10.1.0.0/24\" ssh-rsa", "node*", "", "::1/129",
        "g::1",
        "10.1.0.0/24/8",
    ]) func whatIsNoNetworkIsRefused(_ network: String) throws {
        #expect(throws: SallyError.self) { try Self.trust([network]) }
    }

    @Test func machinesSayWhereTheyAre() throws {
        var one = NodeObservation()
        one.addresses = ["10.0.0.2", "fd00::2"]
        var two = NodeObservation()
        two.addresses = ["10.0.0.1", "10.0.0.2"]
        #expect(try Self.trust([]).from([one, two]) == "10.0.0.1,10.0.0.2,fd00::2")
        #expect(try Self.trust().from([one, two]) == "10.1.0.0/24")
    }

    /// What a machine says goes into a line that opens doors.
    @Test func whatAMachineSaysIsAnAddressOrNothing() throws {
        let text = "address\t10.0.0.1\naddress\t0.0.0.0/0\naddress\t*\naddress\tx\" ssh-rsa AAAA\nend\n"
        let seen = try NodeObservation(parsing: text, node: NodeName("node001"))
        #expect(seen.addresses == ["10.0.0.1"])
    }
}

@Suite struct KnownHostsTests {
    private static func observation(_ keys: [String], _ addresses: Set<String>) -> NodeObservation {
        var seen = NodeObservation()
        seen.hostKeys = keys
        seen.addresses = addresses
        return seen
    }

    @Test func everyMachineByAllItsNames() throws {
        let master = try NodeName("master")
        let node = try NodeName("node001")
        let lines = KnownHosts.lines(
            [
                master: Self.observation(["ssh-ed25519 A", "ssh-rsa B"], ["10.0.0.1"]),
                node: Self.observation(["ssh-ed25519 C"], []),
            ], names: [node: ["10.0.0.2"]], absent: [], before: ["node009,10.0.0.9 ssh-ed25519 Z"])
        #expect(
            lines == ["master,10.0.0.1 ssh-ed25519 A", "master,10.0.0.1 ssh-rsa B", "node001,10.0.0.2 ssh-ed25519 C"])
    }

    /// One that is down is not forgotten; one that is no more is.
    @Test func whoIsDownIsKept() throws {
        let node = try NodeName("node002")
        let before: Set = ["node002,10.0.0.2 ssh-ed25519 C", "node0022 ssh-ed25519 D", "old ssh-ed25519 E"]
        #expect(
            KnownHosts.lines([:], names: [:], absent: [node], before: before) == ["node002,10.0.0.2 ssh-ed25519 C"])
    }
}
