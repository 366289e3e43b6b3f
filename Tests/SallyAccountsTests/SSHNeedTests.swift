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
        _ state: SSHState?, wanted: String? = nil, waiting: String? = nil, wantsKey: Bool = true, renew: Bool = false
    ) throws -> [Bool] {
        let need = SSHNeed(
            state, wanted: wanted, waiting: waiting, wantsKey: wantsKey, renew: renew, trust: try trust())
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

    /// The key that an interrupted renewal made is not renewed again once it is there; without `renew` nothing is changed.
    @Test func aRenewalIsFinishedAndNotBegunAnew() throws {
        let state = Self.state([Self.nodes, Self.key])
        #expect(try Self.need(state, waiting: "ssh-rsa BBBB", renew: true)[2] == false)
        #expect(try Self.need(state, waiting: "ssh-rsa CCCC", renew: true)[2])
        #expect(try Self.need(state, waiting: "ssh-rsa CCCC")[2] == false)
        #expect(try Self.need(SSHState(), waiting: "ssh-rsa CCCC")[2])
    }

    @Test(arguments: [
        "10.1.0.0/33", "10.1.0.0/0", "10.1.0", "10.1.0.256", "*", "10.1.0.0/24\" ssh-rsa", "node*", "", "::1/129",
        "g::1",
        "10.1.0.0/24/8", "10.1.0.01",
    ]) func whatIsNoNetworkIsRefused(_ network: String) throws {
        #expect(throws: SallyError.self) { try Self.trust([network]) }
    }

    @Test func somebodyHasToSayWhereTheMachinesAre() throws {
        #expect(throws: SallyError.self) { try Self.trust([]) }
        #expect(try Self.trust(["10.1.0.10", "fd00::/8"]).from == "10.1.0.10,fd00::/8")
    }

    /// What a machine says goes into files of others.
    @Test func whatAMachineSaysIsAnAddressOrNothing() throws {
        let text = """
            address\t10.0.0.1
            address\t0.0.0.0/0
            address\t*
            address\tx" ssh-rsa AAAA
            hostkey\tssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==
            hostkey\tssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== and more
            hostkey\t@cert-authority * ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==
            end

            """
        let seen = try NodeObservation(parsing: text, node: NodeName("node001"))
        #expect(seen.addresses == ["10.0.0.1"])
        #expect(seen.hostKeys == ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA=="])
    }

    /// Carriage return and newline are one character in Swift, and U+0600 clings to what follows.
    @Test func aUsersLetterJoinsNoLines() throws {
        let text =
            "authorized\t/home/alice/.ssh\t sally:demo:\r\nuser\tbob\tbob:x:20002:20002:B\u{0600}:/home/bob:/bin/sh\nend\n"
        let seen = try NodeObservation(parsing: text, node: NodeName("master"))
        #expect(seen.users["bob"]?.home == "/home/bob")
        #expect(seen.ssh["/home/alice"]?.marked.count == 1)
    }

    /// Unread is not empty: no key is made in the place of one that is there.
    @Test func whatWasNotReadIsNotWrittenAnew() throws {
        let layout = AccountPlanTests.layout
        let account = try ClusterRunTests.user("alice").account(UserID(rawValue: 30000)!)  // a permitted uid
        let seen = try NodeObservation(
            parsing: "ssh\t/home/alice/.ssh\td\t30000\t700\nunread\t/home/alice\nend\n", node: layout.homeServer)
        var plan = AccountPlan()
        plan.add(
            ClusterSetup(
                trust: try Self.trust(), addresses: [:],
                keys: .init(brought: [:], source: { _ in [:] }, renew: true), scratch: nil),
            for: [account], observed: [layout.homeServer: seen], layout: layout)
        let steps = plan.steps[layout.homeServer] ?? []
        #expect(steps.contains { if case .blocked = $0 { true } else { false } })
        #expect(!steps.contains { if case .authorize = $0 { true } else { false } })
    }
}

@Suite struct NetworkTests {
    @Test(arguments: [
        ("10.1.0.0/24", "10.1.0.255", true), ("10.1.0.0/24", "10.1.1.0", false), ("10.1.0.0/23", "10.1.1.0", true),
        ("10.1.0.7", "10.1.0.7", true), ("10.1.0.7", "10.1.0.8", false), ("fd00::/8", "fdff::1", true),
        ("fd00::/8", "10.1.0.1", false), ("10.0.0.0/8", "10.0.0.0/7", false), ("10.0.0.0/8", "10.2.0.0/16", true),
    ]) func contains(_ network: String, _ other: String, _ isInside: Bool) throws {
        #expect(try #require(Network(network)).contains(try #require(Network(other))) == isInside)
    }

    @Test func knowsWhereAMachineCallsItself() {
        for own in ["127.0.0.1", "127.9.9.9", "::1"] { #expect(ClusterSetup.isLoopback(own)) }
        for other in ["10.0.0.1", "fd00::1", "master", ""] { #expect(!ClusterSetup.isLoopback(other)) }
        #expect(ClusterSetup.isUsable(network: "10.0.0.0/8") && !ClusterSetup.isUsable(network: "node*"))
    }
}

@Suite struct KnownHostsTests {
    private static func observation(_ keys: [String], _ addresses: Set<String>) -> NodeObservation {
        var seen = NodeObservation()
        seen.hostKeys = keys
        seen.addresses = addresses
        return seen
    }

    @Test func everyMachineByItsNameAndAddress() throws {
        let master = try NodeName("master")
        let node = try NodeName("node001")
        let lines = KnownHosts.lines(
            [
                master: Self.observation(["ssh-ed25519 A", "ssh-rsa B"], ["10.0.0.1", "192.168.7.7"]),
                node: Self.observation(["ssh-ed25519 C"], []),
            ], addresses: [node: "[10.0.0.2]:2222"], networks: ["10.0.0.0/24"], absent: [],
            before: ["node009,10.0.0.9 ssh-ed25519 Z"])
        #expect(
            lines == [
                "master,10.0.0.1 ssh-ed25519 A", "master,10.0.0.1 ssh-rsa B", "node001,[10.0.0.2]:2222 ssh-ed25519 C",
            ])
    }

    /// A machine that lies answers in nobody else's place.
    @Test func anAddressOfAnothersIsNotBelieved() throws {
        let master = try NodeName("master")
        let liar = try NodeName("node001")
        let other = try NodeName("node002")
        let lines = KnownHosts.lines(
            [
                liar: Self.observation(["ssh-ed25519 EVIL"], ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.9.0.1"]),
                other: Self.observation(["ssh-ed25519 C"], ["10.0.0.3"]),
            ], addresses: [master: "10.0.0.1", liar: "10.0.0.2"], networks: ["10.0.0.0/24"], absent: [master],
            before: ["master,10.0.0.1 ssh-ed25519 A"])
        #expect(
            lines == ["master,10.0.0.1 ssh-ed25519 A", "node001,10.0.0.2 ssh-ed25519 EVIL", "node002 ssh-ed25519 C"])
    }

    /// Without any address a machine is called by its name, and nobody else's lines are less for it.
    @Test func aMachineWithoutAnAddressWipesNothing() throws {
        let nodes = try ["node001", "node002", "node003"].map { try NodeName($0) }
        let lines = KnownHosts.lines(
            [
                nodes[0]: Self.observation(["ssh-ed25519 A"], []),
                nodes[1]: Self.observation(["ssh-ed25519 B"], ["10.0.0.2"]),
            ],
            addresses: [:], networks: ["10.0.0.0/24"], absent: [nodes[2]], before: ["node003 ssh-ed25519 C"])
        #expect(lines == ["node001 ssh-ed25519 A", "node002,10.0.0.2 ssh-ed25519 B", "node003 ssh-ed25519 C"])
    }

    /// One that is down is not forgotten; one that is no more is.
    @Test func whoIsDownIsKept() throws {
        let node = try NodeName("node002")
        let before: Set = ["node002,10.0.0.2 ssh-ed25519 C", "node0022 ssh-ed25519 D", "old ssh-ed25519 E"]
        #expect(
            KnownHosts.lines([:], addresses: [:], networks: [], absent: [node], before: before) == [
                "node002,10.0.0.2 ssh-ed25519 C"
            ])
    }
}
