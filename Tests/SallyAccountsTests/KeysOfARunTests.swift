// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Synchronization
import Testing

@testable import SallyAccounts

/// Which keys a run asks for, with machines that say what a test wants.
@Suite struct KeysOfARunTests {
    private static func run(
        _ names: [String], on machines: ClusterRunTests.Machines, keys: ClusterSetup.Keys
    ) async throws -> ClusterReport {
        let setup = ClusterSetup(
            trust: try SSHNeedTests.trust(), addresses: [:], keys: keys, scratch: nil)
        return try await ClusterRun(
            layout: AccountPlanTests.layout, transport: machines, users: try names.map(ClusterRunTests.user),
            setup: setup, uids: 30000...30999, dryRun: false, by: "root", told: { _ in }
        ).run()
    }

    /// No private key exists of those who bring their own.
    @Test func whoBringsAKeyGetsNone() async throws {
        let machines = ClusterRunTests.Machines()
        let own = try KeyPair.make(.ed25519, comment: "").publicKey
        let made = try KeyPair.make(.ed25519, comment: "").publicKey
        let asked = Mutex<[[UserName]]>([])
        let report = try await Self.run(
            ["alice", "bob"], on: machines,
            keys: .init(
                brought: [try UserName("alice"): own],
                source: { users in
                    asked.withLock { $0.append(users) }
                    return Dictionary(uniqueKeysWithValues: users.map { ($0, made) })
                }, renew: false))
        #expect(report.isComplete)
        #expect(asked.withLock(\.self) == [[try UserName("bob")]])
        #expect(machines.calls(of: "master", with: "\t\(own)\n") == 1)
        #expect(machines.calls(of: "master", with: "\t\(made)\n") == 1)
        // Nowhere else is anything said of keys.
        #expect(machines.calls(of: "node001", with: "ssh-ed25519") == 0)
    }

    /// Where keys are handed out the controller says whose may lie there; nobody else is asked, and nobody otherwise.
    @Test func whoStandsInTheRecordIsAskedForOnce() async throws {
        let machines = ClusterRunTests.Machines(said: ["master": "standing\tzoe\n"])
        let keys = ClusterSetup.Keys(brought: [:], source: { _ in [:] }, renew: false)
        let report = try await Self.run(["alice"], on: machines, keys: keys)
        #expect(report.plan.standing.map(\.rawValue) == ["zoe"])
        #expect(machines.calls(of: "master", with: "\nprobe_standing\n") == 1)
        #expect(machines.calls(of: "node001", with: "\nprobe_standing\n") == 0)
        let others = ClusterRunTests.Machines()
        _ = try await Self.run(["alice"], on: others, keys: .init(brought: [:], source: nil, renew: false))
        #expect(others.calls(of: "master", with: "\nprobe_standing\n") == 0)
    }

    /// An archive that cannot be written: one error, and nobody has an account.
    @Test func withoutTheKeysNothingIsChanged() async throws {
        let machines = ClusterRunTests.Machines()
        let error = await refusal {
            try await Self.run(
                ["alice"], on: machines,
                keys: .init(
                    brought: [:], source: { _ in throw SallyError(.misconfigured, "the disk is full") }, renew: false))
        }
        #expect(error?.message == "the disk is full" && error?.code == .misconfigured)
        for text in ["\nrecord_lines <<", "\nread_ssh ", "\ncreate_accounts <<"] {
            for node in ["master", "node001", "node002"] { #expect(machines.calls(of: node, with: text) == 0) }
        }
    }
}
