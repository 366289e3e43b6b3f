// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallyTestSupport
import SallyTransport
import Synchronization
import Testing

@testable import SallySteward

/// Somebody who was made sure of, and then got power over Slurm or the machines.
@Suite struct PowerTests {
    /// Machines that know alice as made by us, and what a test adds for one of them.
    final class Powers: Sendable {
        private let lines = Mutex<[String: String]>([:])
        private let gone = Mutex<Set<String>>([])
        func give(_ line: String, on node: String) { lines.withLock { $0[node] = line } }
        func lose(_ node: String) { _ = gone.withLock { $0.insert(node) } }

        var cluster: FakeCluster {
            FakeCluster { [self] script, _, node in
                if gone.withLock({ $0.contains(node.rawValue) }) {
                    throw TransportError.unreachable(node: node, reason: "gone")
                }
                let added = lines.withLock { $0[node.rawValue] } ?? ""
                if script.contains("\nadmins\n") { return FakeCluster.said(added + "end\n") }
                guard script.contains("\nprobe_") else { return FakeCluster.said("step\tdone\tdone\t\nend\n") }
                let record =
                    "record\t{\"user\":\"alice\",\"uid\":20001,\"profile\":\"standard\",\"origin\":\"created\",\"state\":\"active\",\"revision\":1}\n"
                return FakeCluster.said((node.rawValue == "master" ? record : "") + added + "end\n")
            }
        }
    }

    final class Held: Sendable { let flag = Mutex(false) }

    static let given = [
        ("admin\talice\tOperator\n", "master"), ("admin\talice\tAdministrator\n", "master"),
        ("member\talice\tsudo\t27\n", "master"), ("member\talice\tdocker\t30000\n", "node001"),
        ("member\talice\todd\t500\n", "node001"), ("daemon\talice\t20001\n", "master"),
    ]

    @Test(arguments: given) func withdrawsWhoGotPowerSince(_ line: String, _ node: String) async throws {
        try await withScratchFolder { folder in
            let powers = Powers()
            let fixture = try StewardFixture(folder, powers.cluster)
            let request = try ensureRequest("alice", 20001)
            _ = try await fixture.steward.ensure(request)
            powers.give(line, on: node)
            let calls = fixture.cluster.calls.count
            fixture.clock.move(by: 59)
            _ = try await fixture.steward.ensure(request)
            #expect(fixture.cluster.calls.count == calls)
            fixture.clock.move(by: 1)
            try await StewardTests.refuses(.conflict) { _ = try await fixture.steward.ensure(request) }
            #expect(fixture.registry.withdrawn.map(\.rawValue) == ["alice"])
            try await StewardTests.refuses(.conflict) { _ = try await fixture.steward.ensure(request) }
            powers.give("", on: node)
            _ = try await fixture.steward.ensure(request)
            #expect(fixture.registry.withdrawn.isEmpty)
        }
    }

    @Test func looksOnceAMinuteWhileNothingChanges() async throws {
        try await withScratchFolder { folder in
            let fixture = try StewardFixture(folder, Powers().cluster)
            let request = try ensureRequest("alice", 20001)
            _ = try await fixture.steward.ensure(request)
            for round in 1...3 {
                let before = fixture.cluster.calls.count
                fixture.clock.move(by: 60)
                for _ in 0..<5 { #expect(try await fixture.steward.ensure(request).changed == false) }
                #expect(fixture.cluster.calls.count == before + 2, "round \(round): one call to each machine")
            }
            #expect(fixture.registry.accounts.count == 1)
        }
    }

    @Test func withdrawsAfterARestartToo() async throws {
        try await withScratchFolder { folder in
            let powers = Powers()
            do {
                let fixture = try StewardFixture(folder, powers.cluster)
                _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            }
            powers.give("admin\talice\tOperator\n", on: "master")
            let fixture = try StewardFixture(folder, powers.cluster)
            try await StewardTests.refuses(.conflict) {
                _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            }
            #expect(fixture.registry.withdrawn.map(\.rawValue) == ["alice"])
        }
    }

    /// A serve that never asks to ensure gets no tokens either.
    @Test func withdrawsWithoutBeingAsked() async throws {
        try await withScratchFolder { folder in
            let powers = Powers()
            let fixture = try StewardFixture(folder, powers.cluster)
            let dev = try ClusterName("dev")
            _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            try await fixture.steward.withdrawPowerful(dev)
            #expect(fixture.registry.withdrawn.isEmpty)
            powers.give("member\tbob\tsudo\t27\nmember\talice\tsudo\t27\n", on: "master")
            try await fixture.steward.withdrawPowerful(dev)
            #expect(fixture.registry.withdrawn.map(\.rawValue) == ["alice"])
        }
    }

    @Test func withdrawsTheOthersWhereOneFails() async throws {
        try await withScratchFolder { folder in
            let fixture = try StewardFixture(
                folder,
                FakeCluster { script, _, _ in
                    if script.contains("\nadmins\n") {
                        return FakeCluster.said(
                            ["alice", "bob", "carol"].map { "admin\t\($0)\tOperator\n" }.joined() + "end\n")
                    }
                    return FakeCluster.said(
                        script.contains("\nprobe_") ? "end\n" : "step\tdone\tdone\t\nend\n")
                })
            for (index, name) in ["alice", "bob", "carol"].enumerated() {
                _ = try await fixture.steward.ensure(try ensureRequest(name, 20001 + UInt32(index)))
            }
            fixture.registry.failWithdrawal(of: try UserName("bob"))
            let error = try await #require(throws: SallyError.self) {
                try await fixture.steward.withdrawPowerful(try ClusterName("dev"))
            }
            #expect(error.code == .unavailable && error.message.contains("bob"))
            #expect(fixture.registry.withdrawn.map(\.rawValue).sorted() == ["alice", "carol"])
        }
    }

    /// An `ensure` under way, which found nothing in the way, would otherwise register after the withdrawal.
    @Test func withdrawsInTurnWithEnsure() async throws {
        try await withScratchFolder { folder in
            let powers = Powers()
            let fixture = try StewardFixture(folder, powers.cluster)
            let dev = try ClusterName("dev")
            let alice = try UserName("alice")
            _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            powers.give("admin\talice\tOperator\n", on: "master")
            let place = StewardBook.Place(cluster: dev, user: alice)
            let steward = fixture.steward
            let held = Held()
            async let withdrawal: Void = {
                // After the other has its turn.
                try await eventually("the other has its turn") { held.flag.withLock { $0 } }
                try await steward.withdrawPowerful(dev)
            }()
            // In the place of that `ensure`.
            try await steward.turns.withLock(place) {
                held.flag.withLock { $0 = true }
                try await eventually("the withdrawal waits or is done") {
                    let waiting = await steward.turns.waiting(place)
                    return waiting == 1 || !fixture.registry.withdrawn.isEmpty
                }
                #expect(fixture.registry.withdrawn.isEmpty)
            }
            try await withdrawal
            #expect(fixture.registry.withdrawn == [alice])
        }
    }

    @Test func refusesNobodyBecauseOfAMachineThatIsDown() async throws {
        try await withScratchFolder { folder in
            let powers = Powers()
            let fixture = try StewardFixture(folder, powers.cluster)
            let request = try ensureRequest("alice", 20001)
            _ = try await fixture.steward.ensure(request)
            fixture.clock.move(by: 60)
            powers.lose("node001")
            #expect(try await fixture.steward.ensure(request).changed == false)
            fixture.clock.move(by: 60)
            powers.lose("master")
            try await StewardTests.refuses(.unavailable) { _ = try await fixture.steward.ensure(request) }
            #expect(fixture.registry.withdrawn.isEmpty)
        }
    }
}
