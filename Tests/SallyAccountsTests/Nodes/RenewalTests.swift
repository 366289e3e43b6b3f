// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallyTestSupport
import Testing

@testable import SallyAccounts

/// Renewals of keys that were ended before they were done, on machines with a real sshd.
@Suite(.enabled(if: TestContainers.nodeImage != nil, "needs podman and a node image: `make images`"))
struct RenewalTests {
    private static let people = ["ann", "ben"].map { UserName(unchecked: $0) }

    private static func keys(_ archive: KeyArchive, renew: Bool) async throws -> (ClusterSetup.Keys, HeldKeys) {
        let held = try await archive.held()
        let source: ClusterSetup.KeySource = { users in
            let waiting = held.waiting.filter { users.contains($0.key) }
            let new = try users.filter { waiting[$0] == nil }.map { try freshKey($0) }
            try await archive.prepare(new, at: KeyArchiveTests.now)
            return waiting.merging(new.map { ($0.user, $0.pair.publicKey) }) { $1 }
        }
        var keys = ClusterSetup.Keys(brought: [:], source: source, renew: renew)
        keys.waiting = held.waiting
        return (keys, held)
    }

    /// Ended when the machines have the keys, and nobody can be told any more.
    @Test func whatMachinesHaveIsHandedOutByTheNextRun() async throws {
        try await NodesBench.with { bench in
            try await withScratchFolder { folder in
                let archive = try KeyArchiveTests.archive(in: folder)
                func lines() async throws -> [String] {
                    try await bench.controller.run(
                        "grep -h ':key$' /home/ann/.ssh/authorized_keys /home/ben/.ssh/authorized_keys"
                    )
                    .split(separator: "\n").map { String($0.dropLast(" sally:lab:key".count)) }
                }
                let first = try await bench.run(["ann", "ben"], keys: try await Self.keys(archive, renew: false).0)
                #expect(first.isComplete && exists(archive.waitingPath) && !exists(archive.path), "\(first.failures)")

                let (keys, held) = try await Self.keys(archive, renew: true)
                let second = try await bench.run(["ann", "ben"], keys: keys)
                #expect(second.isComplete && second.plan.isEmpty, "\(second.plan)")
                let news = KeyNews(second, users: Self.people, held: held, made: [])
                #expect(news.finished == Self.people && news.warnings.isEmpty)
                _ = try await archive.settle(
                    Set(news.known), for: KeyOwners(listed: Self.people, bringing: [], others: [], seen: held),
                    at: KeyArchiveTests.now
                ) { _ in }
                let handed = try await archive.held()
                #expect(handed.waiting.isEmpty)
                #expect(try await lines() == Self.people.map { handed.handedOut[$0]?.description ?? "" })

                // Ended before any machine was told: the old ones open, and that is said.
                try await archive.prepare(
                    try Self.people.map { try freshKey($0) }, at: KeyArchiveTests.now)
                let (plain, heldThen) = try await Self.keys(archive, renew: false)
                let third = try await bench.run(["ann", "ben"], keys: plain)
                #expect(third.plan.isEmpty)
                #expect(KeyNews(third, users: Self.people, held: heldThen, made: []).unrenewed == Self.people)
                let (again, heldLast) = try await Self.keys(archive, renew: true)
                let fourth = try await bench.run(["ann", "ben"], keys: again)
                #expect(KeyNews(fourth, users: Self.people, held: heldLast, made: []).finished == Self.people)
                #expect(try await lines() == Self.people.map { heldLast.waiting[$0]?.description ?? "" })
            }
        }
    }
}
