// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyTransport
import Synchronization
import Testing

@testable import SallyAccounts

/// More users than one argument of a program holds.
@Suite(.serialized) struct ManyUsersTests {
    static func brought(_ names: [String]) throws -> [UserName: PublicKey] {
        Dictionary(
            uniqueKeysWithValues: try names.map {
                (try UserName($0), try KeyPair.make(.ed25519, comment: "").publicKey)
            })
    }

    /// 1,614 were the most that StarCluster could make.
    @Test(.enabled(if: TestContainers.nodeImage != nil, "needs podman and a node image: `make images`"))
    func moreThanOneArgumentHoldsOverOneConnection() async throws {
        try await NodesBench.with { bench in
            let names = (1...1614).map { "user\($0)" }
            let keys = ClusterSetup.Keys(brought: try Self.brought(names), source: nil, renew: false)
            let report = try await bench.run(names, keys: keys)
            #expect(
                report.isComplete, "\(report.failures.prefix(3)) \(report.plan.conflicts.prefix(3)) \(report.failed)")
            for node in bench.nodes { #expect(try await node.signIns() == 1) }
            let look = "getent passwd | grep -c ':Cluster user account '; getent passwd user1 user1614 | cut -d: -f1,3"
            #expect(
                try await bench.everywhere(look)
                    == Array(repeating: "1614\nuser1:30000\nuser1614:31613\n", count: 2))
            let last = try #require(keys.brought[try UserName("user1614")])
            let homes =
                "ls /home | wc -l; stat -c %a /home/user807; grep -c '^\(last) ' /home/user1614/.ssh/authorized_keys"
            #expect(try await bench.controller.run(homes) == "1614\n700\n1\n")
            let again = try await bench.run(names, keys: keys)
            #expect(again.isComplete && again.plan.isEmpty, "\(again.plan.steps.mapValues(\.count)) \(again.failed)")
        }
    }

    /// However many they are, a machine gets the same number of scripts, and no line of them is a long one.
    @Test func fiveThousandAreTheSameFewScripts() async throws {
        func scripts(_ count: Int) async throws -> [String] {
            let machines = Recorder()
            let names = (1...count).map { "user\($0)" }
            let users = try names.map(ClusterRunTests.user)
            let setup = ClusterSetup(
                trust: try SSHNeedTests.trust(), addresses: [:],
                keys: .init(brought: try Self.brought(names), source: nil, renew: false),
                scratch: try .init(folders: "/mnt", links: "/scratch"))
            let report = try await ClusterRun(
                layout: AccountPlanTests.layout, transport: machines, users: users, setup: setup, uids: 30000...39999,
                dryRun: false, by: "root", told: { _ in }
            ).run()
            #expect(report.isComplete && report.accounts.count == count)
            #expect(Set(report.accounts.map(\.uid)).count == count)
            return machines.scripts
        }
        let few = try await scripts(10)
        let many = try await scripts(5000)
        #expect(few.count == many.count && few.count < 20, "\(few.count) \(many.count)")
        // One key of each is the longest there is to say.
        let bytes = many.reduce(0) { $0 + $1.utf8.count }
        #expect(bytes < 12 << 20, "\(bytes)")
        for script in many {
            let words = script.split(separator: "\n").map(\.utf8.count).max() ?? 0
            #expect(words < 16384, "\(words)")
        }
        let last = try #require(many.max { $0.utf8.count < $1.utf8.count })
        let here = NodeName(unchecked: "here")
        let read = try await LocalTransport(node: here, environment: [:]).run(
            Invocation(arguments: ["/bin/bash", "-n"], standardInput: Array(last.utf8)), on: here)
        #expect(read.succeeded && read.errorOutput.isEmpty, "\(read.errorOutput)")
    }
}

/// Machines that know nobody, and remember what they were sent.
private final class Recorder: ScriptwiseTransport {
    private let heard = Mutex<[String]>([])
    var scripts: [String] { heard.withLock(\.self) }

    func run(_ invocation: Invocation, on node: NodeName) async throws -> Completion {
        let script = String(decoding: invocation.standardInput, as: UTF8.self)
        heard.withLock { $0.append(script) }
        let text = script.contains("\ntake_record '") ? "" : "end\n"
        return Completion(status: 0, standardOutput: Array(text.utf8), standardError: [])
    }
}
