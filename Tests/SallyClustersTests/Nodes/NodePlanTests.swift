// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Testing

@testable import SallyClusters

/// Which nodes come and go: names, addresses, limits. `Samples.record` has master, node001 and node002.
@Suite struct NodePlanTests {
    private static func record(_ change: (inout ClusterRecord) -> Void = { _ in }) -> ClusterRecord {
        var record = Samples.record(folder: ClusterFolder(path: "/s/demo"))
        change(&record)
        return record
    }

    private static func plan(
        _ count: Int? = nil, _ aliases: [String] = [], _ record: ClusterRecord = Self.record()
    ) throws -> NodeAddition {
        try NodeAddition(NodeRequest(count: count, aliases: aliases), to: record)
    }

    private func error(_ body: () throws -> Void) -> SallyError? {
        do {
            try body()
            return nil
        } catch { return error as? SallyError }
    }

    @Test func theNextFreeNamesAndAddressesAreTaken() throws {
        let plan = try Self.plan(2)
        #expect(plan.names.map(\.rawValue) == ["node003", "node004"])
        #expect(plan.made.map(\.address) == ["10.231.0.13", "10.231.0.14"])
        #expect(plan.made.map(\.name) == ["sallyport-demo-node003", "sallyport-demo-node004"])
        #expect(
            plan.record.containers.map(\.hostname.rawValue) == ["master", "node001", "node002", "node003", "node004"])
        // Nobody may use them yet; the others are as they were.
        #expect(plan.record.containers.map(\.isReady) == [true, true, true, false, false])
        #expect(try Self.plan().names.map(\.rawValue) == ["node003"])
    }

    @Test func whatIsFreeAgainIsTakenAgain() throws {
        let before = Self.record { $0.containers.remove(at: 1) }
        let plan = try Self.plan(2, [], before)
        #expect(plan.names.map(\.rawValue) == ["node001", "node003"])
        #expect(plan.made.map(\.address) == ["10.231.0.11", "10.231.0.13"])
        #expect(plan.record.containers.map(\.hostname.rawValue) == ["master", "node001", "node002", "node003"])
    }

    @Test func numbersGrowBeyondThreeDigits() {
        #expect(ClusterTemplate.nodeName(number: 7).rawValue == "node007")
        #expect(ClusterTemplate.nodeName(number: 1000).rawValue == "node1000")
    }

    @Test func namesOfOnesOwnAreTakenInLists() throws {
        #expect(try Self.plan(3, ["big1,big2", "z"]).names.map(\.rawValue) == ["big1", "big2", "z"])
    }

    /// A node that an earlier command left is finished, not made again.
    @Test func whatIsNotReadyIsGoneOnWith() throws {
        let before = Self.record { $0.containers[2].isReady = false }
        let plan = try Self.plan(nil, ["node002,node009"], before)
        #expect(plan.names.map(\.rawValue) == ["node002", "node009"])
        #expect(plan.made.map(\.hostname.rawValue) == ["node009"])
        #expect(try Self.plan(nil, [], before).names.map(\.rawValue) == ["node003"])
    }

    /// (-n, -a, what is said)
    @Test(
        arguments: [
            (0, [], "0 nodes are asked for"), (-2, [], "-2 nodes"),
            (2, ["a"], "2 nodes are asked for with -n, and 1 are"),
            (nil, ["a,,b"], "empty name"), (nil, [""], "empty name"), (nil, ["a,a"], "'a' is named more than once"),
            (nil, ["a b"], "is not valid"), (nil, ["-x"], "is not valid"), (nil, ["a;b"], "is not valid"),
            (nil, ["Node3"], "cannot be the name"), (nil, ["node_3"], "cannot be the name"), (nil, ["3"], "cannot be"),
            (nil, ["a."], "cannot be"), (nil, ["a-"], "cannot be"), (nil, ["default"], "cannot be"),
            (nil, ["all"], "cannot be"), (nil, ["localhost"], "cannot be"),
            (nil, ["x" + String(repeating: "y", count: 40)], "cannot be"),
        ] as [(Int?, [String], String)])
    func whatCannotBeIsRefused(_ count: Int?, _ aliases: [String], _ said: String) {
        let error = error { _ = try Self.plan(count, aliases) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains(said) == true, "\(error?.message ?? "nothing")")
    }

    @Test func namesThatAreTakenAreRefused() {
        #expect(
            error { _ = try Self.plan(nil, ["node009,node001"]) }?.message == "cluster demo has a node node001 already")
        let master = error { _ = try Self.plan(nil, ["master"]) }
        #expect(master?.code == .conflict && master?.message.contains("controller master") == true)
    }

    @Test func tooManyAreRefused() {
        let error = error { _ = try Self.plan(63) }
        #expect(error?.code == .limitExceeded)
        #expect(error?.message == "cluster demo has 2 nodes and can have 64, not 65")
        #expect(throws: Never.self) { try Self.plan(62) }
        #expect(throws: SallyError.self) { try Self.plan(1_000_000_000) }
    }

    /// A small pool has a network with few addresses: .10 to .14 of a /28.
    @Test func addressesEnd() throws {
        let before = Self.record { $0.subnet = Subnet(base: 0x0ae7_0000, prefix: 28) }
        #expect(try Self.plan(2, [], before).made.last?.address == "10.231.0.14")
        let error = error { _ = try Self.plan(3, [], before) }
        #expect(error?.code == .limitExceeded && error?.message.contains("10.231.0.0/28") == true)
    }

    private static func removal(
        _ count: Int? = nil, _ aliases: [String] = [], _ nodes: [String] = [], _ record: ClusterRecord = Self.record()
    ) throws -> NodeRemoval {
        try NodeRemoval(NodesToRemove(count: count, aliases: aliases, nodes: nodes), from: record)
    }

    @Test func nodesAreNamedInThreeWays() throws {
        let four = try Self.plan(2).record
        var ready = four
        for index in ready.containers.indices { ready.containers[index].isReady = true }
        #expect(try Self.removal(nil, ["node001"], ["node003"], ready).names.map(\.rawValue) == ["node001", "node003"])
        #expect(try Self.removal(2, [], [], ready).names.map(\.rawValue) == ["node004", "node003"])
        let rest = try Self.removal(nil, ["node001,node002"], [], ready).record
        #expect(rest.containers.map(\.hostname.rawValue) == ["master", "node003", "node004"])
    }

    /// By number, not by the alphabet: node1000 comes after node999.
    @Test func theLastOnesAreThoseWithTheHighestNumbers() throws {
        let before = Self.record {
            for name in ["node1000", "node999", "gpu"] {
                $0.containers.append(
                    .init(name: "c-\(name)", role: .node, hostname: NodeName(unchecked: name), address: "x"))
            }
        }
        #expect(try Self.removal(2, [], [], before).names.map(\.rawValue) == ["node1000", "node999"])
    }

    /// (-n, nodes, code, what is said)
    @Test(
        arguments: [
            (nil, [], .invalidRequest, "no node is named"), (0, [], .invalidRequest, "0 nodes"),
            (2, ["node001"], .invalidRequest, "2 nodes are asked for"),
            (nil, ["node001", "node001"], .invalidRequest, "more than once"),
            (nil, ["node007"], .notFound, "node 'node007' does not exist"),
            (nil, ["master"], .conflict, "is the controller of cluster demo and cannot be removed"),
            (nil, ["node001", "node002"], .conflict, "no node left"), (2, [], .conflict, "no node left"),
            (99, [], .conflict, "no node left"),
        ] as [(Int?, [String], SallyError.Code, String)])
    func whatCannotGoIsRefused(_ count: Int?, _ nodes: [String], _ code: SallyError.Code, _ said: String) {
        let error = error { _ = try Self.removal(count, [], nodes) }
        #expect(error?.code == code && error?.message.contains(said) == true, "\(error?.message ?? "nothing")")
    }

    /// One that nobody may use is no node that jobs could run on.
    @Test func theLastNodeThatIsReadyStays() {
        let before = Self.record { $0.containers[2].isReady = false }
        #expect(error { _ = try Self.removal(nil, [], ["node001"], before) }?.message.contains("no node left") == true)
        #expect(throws: Never.self) { try Self.removal(nil, [], ["node002"], before) }
    }
}
