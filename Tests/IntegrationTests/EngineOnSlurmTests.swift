// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyKeepProtocol
import SallyModel
import SallyTransport
import Testing

/// Many accounts at once on real machines: a local cluster whose record SALLYPORT_CLUSTER_JSON names.
@Suite(.enabled(if: StewardBench.isWanted, "SALLYPORT_CLUSTER_JSON names no cluster"), .serialized)
struct EngineOnSlurmTests {
    static func desired(_ bench: StewardBench, _ count: Int) throws -> [DesiredAccount] {
        var taken: Set<UserID> = []
        return try (0..<count).map { _ in
            var person = try bench.person()
            while !taken.insert(person.1).inserted { person = try bench.person() }
            return DesiredAccount(
                name: person.0, uid: person.1, profile: try ProfileName("standard"), gecos: "Sallyport \(person.0)",
                home: "/home/\(person.0)", shell: "/bin/bash", groups: [], accounts: [try AccountName("research")])
        }
    }

    @Test func makesManyAccountsAndThenFindsNothingToDo() async throws {
        try await StewardBench.with { bench in
            let people = try Self.desired(bench, 320)
            let engine = bench.engine()
            let done = try await engine.ensure(people) {}
            #expect(done.steps.allSatisfy { $0.outcome == .done })
            // On the controller record, account, home and association of each; on the others the account.
            #expect(done.steps.count == people.count * (4 + bench.nodes.count - 1))
            let observed = try await engine.probe(people)
            #expect(AccountPlan.make(desired: people, observed: observed, layout: engine.layout).isEmpty)
            let first = people[0].name
            let last = people[319].name
            let look = try await bench.run(
                """
                stat -c '%a %U %G' /home/\(first) /home/\(last) /home/\(last)/.bashrc
                ls -A /home | grep -c sallyport-new
                scontrol show assoc_mgr users=\(last) flags=assoc | grep -o 'UserName=[^ ]*(.*)'
                """)
            #expect(
                look == """
                    700 \(first) \(first)
                    700 \(last) \(last)
                    644 \(last) \(last)
                    0
                    UserName=\(last)(\(people[319].uid))

                    """)
        }
    }

    /// One account's failure is its own.
    @Test func whatFailsForOneIsDoneForTheOthers() async throws {
        try await StewardBench.with { bench in
            var people = try Self.desired(bench, 3)
            people[1].shell = "/bin/no-such-shell"
            let error = try await #require(throws: SallyError.self) { _ = try await bench.engine().ensure(people) {} }
            #expect(error.message.contains("shell /bin/no-such-shell does not exist"), "\(error.message)")
            let entries = try await bench.run("getent passwd \(people.map(\.name.rawValue).joined(separator: " "))")
            #expect(entries.split(separator: "\n").count == 2 && !entries.contains("\(people[1].name):"))
        }
    }

    static func requests(_ bench: StewardBench, _ count: Int) throws -> [UserRequest] {
        try (0..<count).map { _ in
            let name = try bench.person().0
            return UserRequest(
                name: name, profile: try ProfileName("standard"), gecos: "User \(name)", home: "/home/\(name)",
                shell: "/bin/bash", groups: [], accounts: [try AccountName("research")],
                adoptsHome: false, expiry: .unchanged)
        }
    }

    static func run(
        _ bench: StewardBench, _ users: [UserRequest], by who: String = "root",
        told: @escaping @Sendable (ClusterRun.News) -> Void = { _ in }
    ) async throws -> ClusterReport {
        let engine = bench.engine()
        return try await ClusterRun(
            layout: engine.layout, transport: bench.transport, users: users, setup: nil, uids: 61000...61999,
            dryRun: false,
            by: who, told: told
        ).run()
    }

    @Test func givesUsersTheSameUIDEverywhereAndThenFindsNothingToDo() async throws {
        try await StewardBench.with { bench in
            let users = try Self.requests(bench, 5)
            let report = try await Self.run(bench, users)
            #expect(report.isComplete, "\(report.failures) \(report.plan.conflicts) \(report.failed)")
            for account in report.accounts {
                for node in bench.nodes {
                    let entry = try await bench.run("getent passwd \(account.name); id -un \(account.uid)", on: node)
                    #expect(
                        entry.hasPrefix("\(account.name):x:\(account.uid):\(account.uid):User \(account.name):/home/"))
                    #expect(entry.hasSuffix("\n\(account.name)\n"))
                }
            }
            let again = try await Self.run(bench, users)
            #expect(again.isComplete && again.plan.isEmpty && again.steps.isEmpty)
            #expect(again.accounts == report.accounts)
        }
    }

    /// Both have what they asked for; nobody's uid is another's.
    @Test func twoAdministratorsComeOneAfterTheOther() async throws {
        try await StewardBench.with { bench in
            let first = try Self.requests(bench, 40)
            let second = try Self.requests(bench, 40)
            async let one = Self.run(bench, first, by: "ann")
            async let two = Self.run(bench, second, by: "ben")
            let reports = try await [one, two]
            #expect(reports.allSatisfy { $0.isComplete })
            #expect(Set(reports.flatMap(\.accounts).map(\.uid)).count == 80)
        }
    }

    @Test func whoWaitsIsToldForWhom() async throws {
        try await StewardBench.with { bench in
            let users = try Self.requests(bench, 1)
            let heard = AsyncStream.makeStream(of: ClusterRun.News.self)
            let report = try await bench.transport.converse(on: bench.nodes[0], limits: ConversationLimits()) { shell in
                let state = "/var/lib/sallyport"
                let held = try await shell.run(
                    "mkdir -p -m 0700 \(state); exec 9>>\(state)/accounts.lock; flock 9; echo 'ann since noon' >\(state)/accounts.holder"
                )
                #expect(held.succeeded)
                async let waiting = Self.run(bench, users, by: "ben") { heard.continuation.yield($0) }
                for await news in heard.stream {
                    #expect(news == .waiting(for: "ann since noon"))
                    break
                }
                #expect(try await shell.run("flock -u 9").succeeded)
                return try await waiting
            }
            #expect(report.isComplete)
        }
    }
}
