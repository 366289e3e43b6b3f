// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyKeepProtocol
import SallyModel
import SallySteward
import SallyTestSupport
import SallyTransport
import Synchronization
import Testing

@Suite struct StewardTests {
    static func refuses(
        _ code: SallyError.Code, at location: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
    ) async throws {
        let error = try await #require(throws: SallyError.self, sourceLocation: location) { try await body() }
        #expect(error.code == code, sourceLocation: location)
    }

    @Test func makesAnAccountOnceAndTellsTheSigner() async throws {
        try await withScratchFolder { folder in
            let fixture = try StewardFixture(folder, .willing())
            let first = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            #expect(first.changed && first.home == "/home/alice" && first.accounts.map(\.rawValue) == ["research"])
            let told = try #require(fixture.registry.accounts.first)
            #expect(told.user.rawValue == "alice" && told.uid.rawValue == 20001 && told.home == "/home/alice")
            #expect(!told.gecos.isEmpty)
            let calls = fixture.cluster.calls.count
            let second = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            #expect(!second.changed && second.home == first.home)
            #expect(fixture.cluster.calls.count == calls)
        }
    }

    @Test func makesItOnceWhenAskedAtOnce() async throws {
        try await withScratchFolder { folder in
            let fixture = try StewardFixture(folder, .willing())
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask { _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001)) }
                }
                try await group.waitForAll()
            }
            #expect(fixture.registry.accounts.count == 1)
        }
    }

    @Test func connectsOncePerMachineAndPhase() async throws {
        try await withScratchFolder { folder in
            let fixture = try StewardFixture(folder, .willing())
            _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            #expect(fixture.cluster.calls.map(\.node.rawValue).sorted() == ["master", "master", "node001", "node001"])
        }
    }

    @Test func refusesAServeThatLies() async throws {
        try await withScratchFolder { folder in
            let fixture = try StewardFixture(folder, .willing())
            _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            let before = fixture.cluster.calls.count
            let lies: [(EnsureRequest, SallyError.Code)] = [
                (try ensureRequest("alice", 20002), .conflict), (try ensureRequest("mallory", 20001), .conflict),
                (try ensureRequest("bob", 19999), .denied), (try ensureRequest("bob", 30000), .denied),
                (try ensureRequest("bob", 20002, cluster: "other"), .notFound),
                (try ensureRequest("bob", 20002, profile: "root"), .notFound),
            ]
            for (lie, expected) in lies {
                try await Self.refuses(expected) { _ = try await fixture.steward.ensure(lie) }
            }
            #expect(fixture.cluster.calls.count == before)
        }
    }

    @Test func keepsNameAndUidAcrossRestarts() async throws {
        try await withScratchFolder { folder in
            do {
                let fixture = try StewardFixture(folder, .willing())
                _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            }
            let fixture = try StewardFixture(folder, .willing())
            try await Self.refuses(.conflict) {
                _ = try await fixture.steward.ensure(try ensureRequest("alice", 20002))
            }
            try await Self.refuses(.conflict) { _ = try await fixture.steward.ensure(try ensureRequest("bob", 20001)) }
        }
    }

    @Test func leavesAForeignAccountAlone() async throws {
        try await withScratchFolder { folder in
            let cluster = FakeCluster { script, _, _ in
                guard script.contains("\nprobe_") else {
                    throw TransportError.outputLimit(node: try NodeName("x"), bytes: 0)
                }
                return FakeCluster.said("user\talice\talice:x:20001:20001::/home/alice:/bin/sh\nend\n")
            }
            let fixture = try StewardFixture(folder, cluster)
            let error = try await #require(throws: SallyError.self) {
                try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            }
            #expect(error.code == .conflict && error.message.contains("made by somebody else"))
            #expect(fixture.registry.accounts.isEmpty)
        }
    }

    @Test func saysWhichStepFailedAndDoesNotTellTheSigner() async throws {
        try await withScratchFolder { folder in
            let cluster = FakeCluster { script, _, node in
                if script.contains("\nprobe_") { return FakeCluster.said("end\n") }
                if node.rawValue == "node001" {
                    return FakeCluster.said("step\taccount\tfailed\tdisk full\nend\n", status: 1)
                }
                return FakeCluster.said("step\taccount\tdone\t\nend\n")
            }
            let fixture = try StewardFixture(folder, cluster)
            let error = try await #require(throws: SallyError.self) {
                try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            }
            #expect(error.code == .unavailable && error.message == "account on node001: disk full")
            #expect(fixture.registry.accounts.isEmpty)
        }
    }

    @Test func plansAgainWhenTheRecordChanged() async throws {
        try await withScratchFolder { folder in
            let tries = Counting()
            let cluster = FakeCluster { script, _, node in
                if script.contains("\nprobe_") { return FakeCluster.said("end\n") }
                if node.rawValue == "master", tries.next() == 1 { return FakeCluster.said("end\n", status: 75) }
                return FakeCluster.said("step\taccount\tdone\t\nend\n")
            }
            let fixture = try StewardFixture(folder, cluster)
            #expect(try await fixture.steward.ensure(try ensureRequest("alice", 20001)).changed)
        }
    }

    /// Offboarding has denied the name already; an administrator at the steward's own socket has not.
    @Test func anAdministratorsLockDeniesInTheSigner() async throws {
        try await withScratchFolder { folder in
            let fixture = try StewardFixture(folder, .willing())
            let lock = StewardRequest.lock(LockRequest(cluster: try ClusterName("dev"), user: try UserName("alice")))
            _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            guard case .locked(let quiet) = await fixture.server.reply(to: lock, at: .serve, uid: 0) else {
                return #expect(Bool(false), "serve was refused")
            }
            #expect(fixture.registry.denied.isEmpty && !quiet.steps.contains { $0.name == "deny list" })
            guard case .locked(let report) = await fixture.server.reply(to: lock, at: .administrators, uid: 0) else {
                return #expect(Bool(false), "the administrator was refused")
            }
            #expect(fixture.registry.denied.map(\.rawValue) == ["alice"])
            #expect(report.steps.first?.name == "deny list" && report.steps.first?.outcome == .done)
            let nowhere = LockRequest(cluster: try ClusterName("other"), user: try UserName("bob"))
            guard case .refused = await fixture.server.reply(to: .lock(nowhere), at: .administrators, uid: 0) else {
                return #expect(Bool(false), "an unknown cluster was taken")
            }
            #expect(fixture.registry.denied.count == 1)
        }
    }

    @Test func locksTheAccountThoughTheSignerIsGone() async throws {
        try await withScratchFolder { folder in
            let fixture = try StewardFixture(folder, .willing())
            _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            fixture.registry.fail(SallyError(.unavailable, "the signer does not answer"))
            let request = LockRequest(cluster: try ClusterName("dev"), user: try UserName("alice"))
            let report = try await fixture.steward.lockForAdministrator(request)
            #expect(report.steps.filter { $0.outcome == .failed }.map(\.name) == ["deny list"])
            #expect(report.steps.count > 1)
            try await Self.refuses(.denied) { _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001)) }
        }
    }

    @Test func unlockingSaysWhatRemainsToBeDone() async throws {
        try await withScratchFolder { folder in
            let fixture = try StewardFixture(folder, .willing())
            let dev = try ClusterName("dev")
            let alice = try UserName("alice")
            _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            _ = try await fixture.steward.lock(LockRequest(cluster: dev, user: alice))
            let reply = await fixture.server.reply(
                to: .unlock(cluster: dev, user: alice), at: .administrators, uid: 0)
            guard case .done(let report) = reply else { return #expect(Bool(false), "\(reply)") }
            #expect(report.steps.last?.name == "deny list" && report.steps.last?.outcome == .skipped)
        }
    }

    /// Where a directory has the accounts, the primary group need not have the uid's number.
    @Test func tellsTheSignerTheDirectorysPrimaryGroup() async throws {
        try await withScratchFolder { folder in
            let cluster = FakeCluster { script, _, _ in
                guard script.contains("\nprobe_") else { return FakeCluster.said("step\taccount\tdone\t\nend\n") }
                return FakeCluster.said(
                    "user\talice\talice:x:20001:5000::/nfs/alice:/bin/zsh\ngroup\tteam\t5000\n"
                        + "member\talice\tteam\t5000\nmember\talice\tlab\t5001\nend\n")
            }
            let fixture = try StewardFixture(folder, mode: .directory, cluster)
            _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            let told = try #require(fixture.registry.accounts.first)
            #expect(told.gid == 5000 && told.gids == [5001] && told.home == "/nfs/alice")
        }
    }

    @Test func locksForEverThatIsUntilUnlocked() async throws {
        try await withScratchFolder { folder in
            let dev = try ClusterName("dev")
            let alice = try UserName("alice")
            do {
                let fixture = try StewardFixture(folder, .willing())
                _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
                let report = try await fixture.steward.lock(LockRequest(cluster: dev, user: alice))
                #expect(report.steps.allSatisfy { $0.outcome == .done })
                try await Self.refuses(.denied) {
                    _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
                }
            }
            let fixture = try StewardFixture(folder, .willing())
            try await Self.refuses(.denied) { _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001)) }
            try await Self.refuses(.denied) { _ = try await fixture.steward.readOutput(try outputRequest("alice", 5)) }
            _ = try await fixture.steward.unlock(cluster: dev, user: alice)
            _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            try await Self.refuses(.conflict) { _ = try await fixture.steward.unlock(cluster: dev, user: alice) }
        }
    }

    @Test func goesOnLockingWhenMachinesFail() async throws {
        try await withScratchFolder { folder in
            let down = Counting()
            let cluster = FakeCluster { script, _, node in
                if script.contains("\nprobe_") {
                    if down.value > 0 { throw TransportError.unreachable(node: node, reason: "gone") }
                    return FakeCluster.said("end\n")
                }
                if down.value > 0, node.rawValue == "node001" {
                    throw TransportError.unreachable(node: node, reason: "gone")
                }
                return FakeCluster.said("step\taccount\tdone\t\nend\n")
            }
            let fixture = try StewardFixture(folder, cluster)
            _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            _ = down.next()
            let request = LockRequest(cluster: try ClusterName("dev"), user: try UserName("alice"))
            let report = try await fixture.steward.lock(request)
            #expect(report.steps.contains { $0.place == "master" && $0.outcome == .done })
            #expect(report.steps.contains { $0.place == "node001" && $0.outcome == .failed })
            try await Self.refuses(.denied) { _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001)) }
        }
    }

    @Test func locksInSlurmAloneWhatItDidNotMake() async throws {
        try await withScratchFolder { folder in
            let fixture = try StewardFixture(folder, .willing())
            _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            let before = fixture.cluster.calls.count
            _ = try await fixture.steward.lock(
                LockRequest(cluster: try ClusterName("dev"), user: try UserName("alice")))
            let lock = try #require(fixture.cluster.calls[before...].last)
            #expect(lock.script.contains("\nslurm_lock 'alice'"))
            #expect(!lock.script.contains("\nlock_account 'alice'"))
            let stranger = LockRequest(cluster: try ClusterName("dev"), user: try UserName("bob"))
            #expect(try await fixture.steward.lock(stranger).steps.map(\.outcome) == [.skipped])
        }
    }

    /// A name that another cluster or a refused request made known is no account of ours.
    @Test func locksNobodyWhereItMadeNobody() async throws {
        try await withScratchFolder { folder in
            let cluster = FakeCluster { script, _, _ in
                if !script.contains("\nbob\t") || !script.contains("\nprobe_users\n") {
                    return FakeCluster.said(script.contains("\nprobe_") ? "end\n" : "step\taccount\tdone\t\nend\n")
                }
                return FakeCluster.said("user\tbob\tbob:x:1001:1001::/home/bob:/bin/sh\nend\n")
            }
            let fixture = try StewardFixture(folder, cluster)
            let dev = try ClusterName("dev")
            let bob = try UserName("bob")
            try await Self.refuses(.conflict) {
                _ = try await fixture.steward.ensure(try ensureRequest("bob", 20001))
            }
            let calls = fixture.cluster.calls.count
            let report = try await fixture.steward.lock(LockRequest(cluster: dev, user: bob))
            #expect(report.steps.map(\.outcome) == [.skipped])
            _ = try await fixture.steward.lock(LockRequest(cluster: dev, user: bob))
            #expect(fixture.cluster.calls.count == calls)
            try await Self.refuses(.denied) { _ = try await fixture.steward.ensure(try ensureRequest("bob", 20001)) }
            #expect(fixture.cluster.calls.count == calls)
            _ = try await fixture.steward.unlock(cluster: dev, user: bob)
            try await Self.refuses(.conflict) {
                _ = try await fixture.steward.ensure(try ensureRequest("bob", 20001))
            }
            // The refused request has bound neither name nor uid.
            #expect(try await fixture.steward.ensure(try ensureRequest("alice", 20001)).changed)
        }
    }

    @Test func readsTheRecordForALockFromTheControllerAlone() async throws {
        try await withScratchFolder { folder in
            let fixture = try StewardFixture(folder, .willing())
            _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            let before = fixture.cluster.calls.count
            _ = try await fixture.steward.lock(
                LockRequest(cluster: try ClusterName("dev"), user: try UserName("alice")))
            let read = fixture.cluster.calls[before...].filter { $0.script.contains("\nprobe_") }
            #expect(read.map(\.node.rawValue) == ["master"])
            #expect(read.first?.script.contains("\nprobe_slurm\n") == false)
        }
    }

    @Test func removesOnlyWhatIsLockedAndItsOwn() async throws {
        try await withScratchFolder { folder in
            let fixture = try StewardFixture(folder, .willing())
            let dev = try ClusterName("dev")
            let alice = try UserName("alice")
            _ = try await fixture.steward.ensure(try ensureRequest("alice", 20001))
            try await Self.refuses(.conflict) { _ = try await fixture.steward.remove(cluster: dev, user: alice) }
            _ = try await fixture.steward.lock(LockRequest(cluster: dev, user: alice))
            try await Self.refuses(.denied) { _ = try await fixture.steward.remove(cluster: dev, user: alice) }
        }
    }

    @Test func admitsEachRequestAtItsDoorsOnly() async throws {
        let dev = try ClusterName("dev")
        let alice = try UserName("alice")
        let table: [(StewardRequest, Set<StewardDoor>)] = [
            (.ensure(try ensureRequest("alice", 20001)), [.serve]),
            (.readOutput(try outputRequest("alice", 1)), [.serve]),
            (.outputRecords(after: 0, limit: 1), [.serve, .administrators]),
            (.lock(LockRequest(cluster: dev, user: alice)), [.serve, .administrators]),
            (.unlock(cluster: dev, user: alice), [.administrators]),
            (.adopt(cluster: dev, user: alice), [.administrators]),
            (.remove(cluster: dev, user: alice), [.administrators]), (.list(cluster: dev), [.administrators]),
            (.health, [.serve, .administrators]),
        ]
        for (request, doors) in table {
            #expect(Set(StewardDoor.allCases.filter { $0.admits(request) }) == doors, "\(request)")
        }
        try await withScratchFolder { folder in
            let fixture = try StewardFixture(folder, .willing())
            let reply = await fixture.server.reply(to: .remove(cluster: dev, user: alice), at: .serve, uid: 1)
            #expect(reply.refusal?.code == .denied)
            #expect(fixture.cluster.calls.isEmpty)
        }
    }
}

final class Counting: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func next() -> Int {
        count.withLock {
            $0 += 1
            return $0
        }
    }
}
