// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SallyClusters

@Suite struct SubnetTests {
    @Test(arguments: ["10.231.0.0/16", "192.168.4.0/24", "10.0.0.4/30"])
    func prefixesAreRead(_ text: String) { #expect(Subnet(text)?.description == text) }

    @Test(arguments: [
        "", "10.231.0.0", "10.231.0.0/0", "10.231.0.0/31", "10.231.0.1/24", "10.231.0/24", "256.0.0.0/8", "+1.0.0.0/8",
        "10.0.0.0/08x", "10.0.0.0/24/24", "a.b.c.d/8", "10.0.0.0.0/24",
    ])
    func everythingElseIsRefused(_ text: String) { #expect(Subnet(text) == nil) }

    @Test func theFirstFreeOneIsChosen() throws {
        let pool = try #require(Subnet("10.231.0.0/16"))
        let taken = ["10.231.0.0/24", "10.231.1.128/25", "172.16.0.0/12"].compactMap { Subnet($0) }
        #expect(pool.firstFree(besides: taken)?.description == "10.231.2.0/24")
    }

    @Test func aWiderNetworkTakesThePool() throws {
        let pool = try #require(Subnet("10.231.0.0/16"))
        #expect(pool.firstFree(besides: [try #require(Subnet("10.0.0.0/8"))]) == nil)
    }

    @Test func routesAreReadFromTheKernelsTable() throws {
        let table = """
            Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
            eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
            podman1\t0000E70A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
            junk
            """
        #expect(Subnet.routed(table).map(\.description) == ["10.231.0.0/24"])
    }

    @Test func hostsAreNumbered() throws {
        #expect(try #require(Subnet("10.231.7.0/24")).host(10) == "10.231.7.10")
    }
}
