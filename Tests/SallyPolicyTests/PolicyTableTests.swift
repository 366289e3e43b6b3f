// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import Testing

@Suite struct PolicyTableTests {
    struct Line: Sendable, CustomTestStringConvertible {
        let name: String
        let who: Asker
        let job: JobFacts
        /// Nil allows.
        let refusal: SallyError.Code?
        var testDescription: String { name }
    }

    static let table: [Line] = [
        Line(name: "within everything", who: alice, job: job("debug"), refusal: nil),
        Line(
            name: "exactly at every limit", who: alice,
            job: job("debug", nodes: 2, cpus: 8, memory: 8 << 30, time: .seconds(3600), tasks: 10), refusal: nil),
        Line(name: "nobody's groups", who: stranger, job: job("debug"), refusal: .denied),
        Line(
            name: "a group of the same name from another source", who: asker("eve", "other:hpc-users"),
            job: job("debug"), refusal: .denied),
        Line(name: "a partition of others", who: alice, job: job("gpu"), refusal: .denied),
        Line(name: "a partition in another case", who: alice, job: job("Debug"), refusal: .denied),
        Line(name: "a partition that no rule knows", who: alice, job: job("bigmem"), refusal: .denied),
        Line(name: "one of two partitions not granted", who: alice, job: job("debug", "gpu"), refusal: .denied),
        Line(name: "two partitions by two rules", who: carol, job: job("debug", "gpu"), refusal: nil),
        Line(name: "no partition at all", who: carol, job: job(), refusal: .denied),
        Line(name: "another account", who: alice, job: job("debug", account: "secret"), refusal: .denied),
        Line(name: "an account of another rule", who: carol, job: job("debug", account: "gpu"), refusal: .denied),
        Line(name: "a QOS where none is granted", who: alice, job: job("debug", qos: ["long"]), refusal: .denied),
        Line(name: "a QOS that is granted", who: carol, job: job("gpu", qos: ["long"]), refusal: nil),
        Line(
            name: "one of two QOS not granted", who: carol, job: job("gpu", qos: ["long", "urgent"]), refusal: .denied),
        Line(
            name: "a reservation where none is granted", who: alice, job: job("debug", reservations: ["course"]),
            refusal: .denied),
        Line(
            name: "a reservation that is granted", who: carol, job: job("gpu", reservations: ["course"]), refusal: nil),
        Line(
            name: "one of two reservations not granted", who: carol, job: job("gpu", reservations: ["course", "x"]),
            refusal: .denied),
        Line(name: "nodes", who: alice, job: job("debug", nodes: 3), refusal: .limitExceeded),
        Line(name: "nodes without a bound", who: alice, job: job("debug", nodes: nil), refusal: .limitExceeded),
        Line(name: "CPUs", who: alice, job: job("debug", cpus: 9), refusal: .limitExceeded),
        Line(name: "CPUs without a bound", who: alice, job: job("debug", cpus: nil), refusal: .limitExceeded),
        Line(name: "memory", who: alice, job: job("debug", memory: (8 << 30) + 1), refusal: .limitExceeded),
        Line(name: "all memory of the node", who: alice, job: job("debug", memory: nil), refusal: .limitExceeded),
        Line(name: "time", who: alice, job: job("debug", time: .seconds(3601)), refusal: .limitExceeded),
        Line(name: "time without a bound", who: alice, job: job("debug", time: nil), refusal: .limitExceeded),
        Line(name: "array tasks", who: alice, job: job("debug", tasks: 11), refusal: .limitExceeded),
        Line(
            name: "a GPU where the total is 0", who: alice, job: job("debug", gpus: ["a100": 1]),
            refusal: .limitExceeded),
        Line(
            name: "an untyped GPU where the total is 0", who: alice, job: job("debug", untyped: 1),
            refusal: .limitExceeded),
        Line(
            name: "GPUs of a type at its limit", who: carol, job: job("gpu", gpus: ["a100": 2, "t4": 1]), refusal: nil),
        Line(
            name: "GPUs of a type over its limit", who: carol, job: job("gpu", gpus: ["a100": 3]),
            refusal: .limitExceeded),
        Line(
            name: "a type in another case", who: carol, job: job("gpu", gpus: ["a100": 2, "A100": 1]),
            refusal: .limitExceeded),
        Line(
            name: "a type that is not listed", who: carol, job: job("gpu", gpus: ["h100": 1]), refusal: .limitExceeded),
        Line(name: "untyped GPUs past typed limits", who: carol, job: job("gpu", untyped: 1), refusal: .limitExceeded),
        Line(
            name: "more GPUs than a number holds", who: alice, job: job("debug", gpus: ["a": .max, "b": .max]),
            refusal: .limitExceeded),
    ]

    @Test(arguments: table) func decides(_ line: Line) throws {
        let policy = try Policy(rules: demoRules())
        let decision = policy.explain(line.job, on: demo, for: line.who).decision
        switch decision {
        case .allowed: #expect(line.refusal == nil)
        case .refused(let refusal): #expect(refusal.code == line.refusal)
        }
    }

    @Test(arguments: [(1, true), (2, false), (4, false)])
    func countsUntypedGPUsAgainstEveryTypeAndTheTotal(count: Int, allowed: Bool) throws {
        let rules = [rule("r", limits: Limits(gpus: 3, gpusByType: ["a100": 2, "t4": 1]))]
        let decision = try Policy(rules: rules).explain(job("gpu", untyped: count), on: demo, for: alice).decision
        #expect(decision.isAllowed == allowed)
    }

    /// As of an exclusive job on nodes of unknown size.
    @Test(arguments: [Limits(gpus: 1000), Limits(gpusByType: ["a100": 1000]), Limits(gpus: .max)])
    func unboundedGPUsAreOverEveryLimit(limits: Limits) throws {
        let policy = try Policy(rules: [rule("r", limits: limits)])
        guard case .refused(let refusal) = policy.explain(job("gpu", untyped: .max), on: demo, for: alice).decision
        else {
            Issue.record("allowed")
            return
        }
        #expect(refusal.excesses.allSatisfy { $0.asked == "no bound" } && !refusal.excesses.isEmpty)
        let open = try Policy(rules: [rule("r", limits: Limits(nodes: 9))])
        #expect(open.explain(job("gpu", untyped: .max), on: demo, for: alice).decision.isAllowed)
    }

    @Test func typesThatAreNotListedFallUnderTheTotal() throws {
        let policy = try Policy(rules: [rule("r", limits: Limits(gpus: 3, gpusByType: ["a100": 2]))])
        #expect(policy.explain(job("gpu", gpus: ["h100": 3]), on: demo, for: alice).decision.isAllowed)
        #expect(!policy.explain(job("gpu", gpus: ["h100": 4]), on: demo, for: alice).decision.isAllowed)
    }

    @Test func rulesOfAnotherClusterGrantNothing() throws {
        let policy = try Policy(rules: demoRules())
        let other = ClusterName(unchecked: "other")
        #expect(!policy.explain(job("debug"), on: other, for: alice).decision.isAllowed)
        #expect(!policy.decide(.look(other), for: alice).isAllowed)
        #expect(policy.decide(.look(demo), for: alice).isAllowed)
        #expect(!policy.decide(.look(demo), for: stranger).isAllowed)
    }

    @Test func anEmptyPolicyRefusesEverything() throws {
        let policy = try Policy(rules: [])
        #expect(!policy.explain(job("debug"), on: demo, for: carol).decision.isAllowed)
        #expect(!policy.decide(.own(demo, owner: carol.account), for: carol).isAllowed)
        #expect(policy.decide(.selfService, for: carol).isAllowed)
    }

    @Test(arguments: [
        rule("no", .deny), rule("no", .deny, groups: ["demo:gpu-users"]), rule("no", .deny, clusters: .any),
        rule("no", .deny, partitions: only("gpu")), rule("no", .deny, accounts: only("research")),
        rule("no", .deny, qos: only("normal")), rule("no", .deny, partitions: only("debug"), qos: .any),
    ])
    func oneDenyRuleWins(_ deny: Rule) throws {
        for rules in [[deny] + demoRules(), demoRules() + [deny]] {
            let decision = try Policy(rules: rules).explain(job("debug", "gpu"), on: demo, for: carol).decision
            guard case .refused(let refusal) = decision else {
                Issue.record("allowed")
                continue
            }
            #expect(refusal.code == .denied)
            #expect(refusal.rules == [deny.name])
        }
    }

    @Test(arguments: [
        rule("no", .deny, groups: ["demo:others"]), rule("no", .deny, clusters: only("other")),
        rule("no", .deny, partitions: only("bigmem")), rule("no", .deny, accounts: only("x")),
        rule("no", .deny, qos: only("urgent")), rule("no", .deny, reservations: .any),
    ])
    func aDenyRuleThatDiffersSaysNothing(_ deny: Rule) throws {
        let policy = try Policy(rules: [deny] + demoRules())
        #expect(policy.explain(job("debug", "gpu"), on: demo, for: carol).decision.isAllowed)
        #expect(policy.decide(.look(demo), for: carol).isAllowed)
    }

    @Test func anUnknownDefaultQOSMayBeTheOneRefused() throws {
        let policy = try Policy(rules: demoRules() + [rule("no-urgent", .deny, qos: only("urgent"))])
        let decision = policy.explain(job("gpu", defaultQOS: nil), on: demo, for: carol).decision
        guard case .refused(let refusal) = decision else {
            Issue.record("allowed")
            return
        }
        #expect(refusal.hint?.contains("--qos") == true)
        #expect(policy.explain(job("gpu", qos: ["long"], defaultQOS: nil), on: demo, for: carol).decision.isAllowed)
    }

    @Test func aWholesaleDenyRuleShutsOutOfReadingToo() throws {
        let policy = try Policy(rules: demoRules() + [rule("out", .deny, groups: ["demo:hpc-users"])])
        #expect(!policy.decide(.own(demo, owner: alice.account), for: alice).isAllowed)
        let narrow = try Policy(rules: demoRules() + [rule("no-gpu", .deny, partitions: only("gpu"))])
        #expect(narrow.decide(.own(demo, owner: alice.account), for: alice).isAllowed)
    }

    @Test func ownIsOnesOwnForAdministratorsToo() throws {
        let policy = try Policy(rules: demoRules())
        let dana = asker("dana", "demo:hpc-users", role: .administrator)
        #expect(policy.decide(.own(demo, owner: dana.account), for: dana).isAllowed)
        #expect(!policy.decide(.own(demo, owner: alice.account), for: dana).isAllowed)
        #expect(policy.decide(.administer, for: dana).isAllowed)
        #expect(!policy.decide(.administer, for: alice).isAllowed)
    }
}
