// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyKeepProtocol
import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

/// Taking users of a whole cluster away again, on real machines with a real Slurm.
@Suite(.enabled(if: StewardBench.isWanted, "SALLYPORT_CLUSTER_JSON names no cluster"), .serialized)
struct RemovalOnSlurmTests {
    /// The cluster with a machine that cannot be reached: others use it meanwhile, so none is stopped for this.
    struct Without: Transport {
        let transport: PodmanTransport
        let down: NodeName?

        func run(_ invocation: Invocation, on node: NodeName) async throws -> Completion {
            guard node != down else { throw TransportError.unreachable(node: node, reason: "it is down") }
            return try await transport.run(invocation, on: node)
        }

        func converse<Answer: Sendable>(
            on node: NodeName, limits: ConversationLimits, _ body: (NodeShell) async throws -> Answer
        ) async throws -> Answer {
            guard node != down else { throw TransportError.unreachable(node: node, reason: "it is down") }
            return try await transport.converse(on: node, limits: limits, body)
        }
    }

    static func act(
        _ act: RemovalAct, _ names: [UserName], _ bench: StewardBench, leavings: Leavings = .keep,
        down: NodeName? = nil
    ) async throws -> RemovalReport {
        try await ClusterRemoval(
            layout: bench.engine().layout, transport: Without(transport: bench.transport, down: down), act: act,
            of: names, leavings: leavings, dryRun: false, by: "root", told: { _ in }
        ).run()
    }

    static func list(_ names: [UserName], _ bench: StewardBench) async throws -> [ClusterUser] {
        let list = try await ClusterUsers(layout: bench.engine().layout, transport: bench.transport)
            .list(.everyMachine)
        #expect(list.failed.isEmpty)
        return names.compactMap { name in list.users.first { $0.user == name } }
    }

    static func states(_ names: [UserName], _ bench: StewardBench) async throws -> [ClusterUser.State] {
        try await list(names, bench).map(\.state)
    }

    static func made(_ count: Int, _ bench: StewardBench) async throws -> [DesiredAccount] {
        try await made(EngineOnSlurmTests.requests(bench, count), bench)
    }

    static func made(_ users: [UserRequest], _ bench: StewardBench) async throws -> [DesiredAccount] {
        let report = try await EngineOnSlurmTests.run(bench, users)
        try #require(report.isComplete, "\(report.failures) \(report.plan.conflicts) \(report.failed)")
        let keys = report.accounts.map {
            "install -d -m 700 -o \($0.uid) -g \($0.uid) \($0.home)/.ssh; echo key >\($0.home)/.ssh/authorized_keys; chown \($0.uid) \($0.home)/.ssh/authorized_keys"
        }
        try await bench.run(keys.joined(separator: "\n"))
        return report.accounts
    }

    static func entries(_ names: [UserName], _ bench: StewardBench, on node: NodeName) async throws -> [String] {
        try await bench.run("getent passwd \(names.map(\.rawValue).joined(separator: " ")) | cut -d: -f1", on: node)
            .split(separator: "\n").map(String.init)
    }

    @Test func locksUnlocksAndRemovesWhileAJobRunsOn() async throws {
        try await StewardBench.with { bench in
            let accounts = try await Self.made(5, bench)
            let names = accounts.map(\.name)
            let text = names.map(\.rawValue).joined(separator: ",")
            let worker = accounts[0]
            let job = try await bench.submit(worker.name, worker.uid, ["--wrap=sleep 900"])
            try await eventually("the job runs") { try await bench.run("squeue -h -j \(job) -t R -o %A") == "\(job)\n" }
            let limits =
                "sacctmgr -nP show assoc where user=\(text) format=user,account,maxsubmit,grpsubmit,qos,defaultqos"
            let before = try await bench.run(limits + "; getent shadow " + names.map(\.rawValue).joined(separator: " "))
            #expect(
                try await Self.list(names, bench).allSatisfy {
                    $0.key == true && $0.missing.isEmpty && $0.accounts.count == 1
                })

            let locked = try await Self.act(.lock, names, bench)
            #expect(locked.isComplete, "\(locked.failures) \(locked.plan.conflicts) \(locked.failed)")
            for node in bench.nodes {
                let days = try await bench.run(
                    "for one in \(names.map(\.rawValue).joined(separator: " ")); do getent shadow $one | cut -d: -f8; done",
                    on: node)
                #expect(days == "1\n1\n1\n1\n1\n")
            }
            #expect(try await Self.list(names, bench).allSatisfy { $0.state == .locked && $0.key == false })
            #expect(try await bench.run("squeue -h -j \(job) -t R -o %A") == "\(job)\n")
            for account in accounts {
                let said = try await bench.run(
                    "cd /home/\(account.name) && setpriv --reuid=\(account.uid) --regid=\(account.uid) --init-groups sbatch --hold --wrap=true"
                )
                #expect(!said.contains("Submitted"), "\(said)")
            }

            let back = try await Self.act(.unlock, names, bench)
            #expect(back.isComplete, "\(back.failures) \(back.plan.conflicts) \(back.failed)")
            #expect(
                try await bench.run(limits + "; getent shadow " + names.map(\.rawValue).joined(separator: " "))
                    == before)
            #expect(try await Self.list(names, bench).allSatisfy { $0.state == .active && $0.key == true })
            _ = try await bench.submit(worker.name, worker.uid, ["--hold", "--wrap=true"])
            #expect(try await Self.act(.unlock, names, bench).steps.isEmpty)

            // Somebody of nobody's making is there as well.
            let (foreign, foreignUID) = try bench.person()
            _ = try await bench.run("useradd -u \(foreignUID) -M \(foreign)", on: bench.nodes[1])
            let first = try await Self.act(.remove, names + [foreign], bench)
            #expect(first.waiting.keys.map(\.self) == [worker.name] && first.waiting[worker.name]?.count == 2)
            #expect(first.removed == Set(names.dropFirst()) && first.failures.isEmpty, "\(first.failures)")
            #expect(first.plan.conflicts.map(\.user) == [foreign] && !first.isComplete)
            for node in bench.nodes {
                #expect(try await Self.entries(names, bench, on: node) == [worker.name.rawValue])
            }
            #expect(try await Self.entries([foreign], bench, on: bench.nodes[1]) == [foreign.rawValue])
            #expect(try await bench.run("squeue -h -j \(job) -t R -o %A") == "\(job)\n")
            #expect(try await bench.run(limits + " | cut -d'|' -f1 | sort -u") == "\(worker.name)\n")
            #expect(try await Self.states(names, bench) == [.locked, .removed, .removed, .removed, .removed])
            for name in names { #expect(try await bench.run("ls -d /home/\(name)") == "/home/\(name)\n") }

            _ = try await bench.run("scancel -u \(worker.uid)")
            try await eventually("the jobs have ended") {
                try await bench.run("squeue -h -u \(worker.uid) -o %A").isEmpty
            }
            let second = try await Self.act(.remove, names, bench, leavings: .delete(homes: "/home", scratch: nil))
            #expect(second.isComplete && second.removed == Set(names), "\(second.failures) \(second.waiting)")
            #expect(
                try await bench.run(
                    "ls -d \(names.map { "/home/\($0)" }.joined(separator: " ")) 2>/dev/null; ls -A /home | grep sallyport-removed"
                ).isEmpty)
            #expect(try await Self.states(names, bench).allSatisfy { $0 == .removed })
            let third = try await Self.act(.remove, names, bench, leavings: .delete(homes: "/home", scratch: nil))
            #expect(third.isComplete && third.steps.allSatisfy { $0.step.outcome == .unchanged }, "\(third.steps)")
            // The name keeps its uid for ever.
            let again = try await EngineOnSlurmTests.run(
                bench, [try #require(try EngineOnSlurmTests.requests(bench, 1).first)])
            #expect(!accounts.map(\.uid).contains(try #require(again.accounts.first).uid))
        }
    }

    @Test func aMachineThatIsDownIsReportedAndDoneTheNextTime() async throws {
        try await StewardBench.with { bench in
            let requests = try EngineOnSlurmTests.requests(bench, 3)
            let accounts = try await Self.made(requests, bench)
            let names = accounts.map(\.name)
            let down = try #require(bench.nodes.last)
            let locked = try await Self.act(.lock, names, bench, down: down)
            #expect(!locked.isComplete && Set(locked.failed.keys) == [down] && locked.failures.isEmpty)
            let unlocked = try await Self.act(.unlock, names, bench)
            #expect(unlocked.isComplete, "\(unlocked.failures)")

            let first = try await Self.act(.remove, names, bench, down: down)
            #expect(!first.isComplete && Set(first.failed.keys) == [down] && first.removed.isEmpty)
            for node in bench.nodes {
                #expect(try await Self.entries(names, bench, on: node).count == (node == down ? 3 : 0))
            }
            #expect(try await Self.states(names, bench) == [.locked, .locked, .locked])
            let second = try await Self.act(.remove, names, bench)
            #expect(second.isComplete && second.removed == Set(names), "\(second.failures) \(second.failed)")
            #expect(try await Self.entries(names, bench, on: down).isEmpty)
            #expect(try await Self.states(names, bench) == [.removed, .removed, .removed])

            // Whoever comes back has the uid, the home and nothing of the lock.
            #expect(try await Self.made(requests, bench) == accounts)
            let user = accounts[0]
            _ = try await bench.submit(user.name, user.uid, ["--hold", "--wrap=true"])
            // The bench gives the uid to somebody else.
            _ = try await bench.run("scancel -u \(user.uid)")
        }
    }

    @Test func aLoginEndsAndAProcessOfAJobDoesNot() async throws {
        try await StewardBench.with { bench in
            let accounts = try await Self.made(2, bench)
            let login = accounts[1]
            for node in bench.nodes {
                _ = try await bench.run(
                    "cd /; setsid setpriv --reuid=\(login.uid) --regid=\(login.uid) --init-groups sleep 8002 >/dev/null 2>&1 & until pgrep -u \(login.uid) sleep >/dev/null; do :; done",
                    on: node)
            }
            let report = try await Self.act(.remove, accounts.map(\.name), bench)
            #expect(
                report.isComplete && report.removed.count == 2,
                "\(report.failures) \(report.waiting) \(report.failed)")
            #expect(report.steps.count { $0.step.name == "sessions" && $0.step.outcome == .done } == bench.nodes.count)
            for node in bench.nodes { #expect(try await bench.run("pgrep -u \(login.uid)", on: node).isEmpty) }
        }
    }
}
