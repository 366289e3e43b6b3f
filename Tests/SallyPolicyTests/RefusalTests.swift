// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import Testing

@Suite struct RefusalTests {
    private func refusal(_ job: JobFacts, _ who: Asker, _ rules: [Rule] = demoRules()) throws -> Refusal {
        guard case .refused(let refusal) = try Policy(rules: rules).explain(job, on: demo, for: who).decision else {
            throw SallyError(.internal, "allowed")
        }
        return refusal
    }

    @Test func namesPartitionPersonAndTheRuleThatWouldGrant() throws {
        let refusal = try refusal(job("gpu"), alice)
        #expect(refusal.message == "partition gpu is not allowed for alice on demo: no rule grants it")
        #expect(refusal.hint == "rule gpu-users allows it to group demo:gpu-users; ask an administrator")
        #expect(refusal.label == "gpu-users")
    }

    @Test func namesLimitAskedAndPermitted() throws {
        let refusal = try refusal(job("debug", nodes: 8, memory: 16 << 30, time: nil), alice)
        #expect(
            refusal.message
                == "over the limits of rule researchers for partition debug on demo: nodes: 8 asked, 2 permitted; "
                + "memory: 16G asked, 8G permitted; time: no bound asked, 01:00:00 permitted")
        #expect(refusal.excesses.map(\.limit) == ["nodes", "memory", "time"])
        #expect(refusal.error.code == .limitExceeded)
    }

    @Test func asksForATypeOfGPU() throws {
        #expect(try refusal(job("gpu", untyped: 1), carol).hint?.contains("--gres=gpu:TYPE:1") == true)
    }

    /// What Slurm gives for each GPU may be what is over the limit, and nothing that the person said.
    @Test func asksWhatEachGPUBrings() throws {
        let rules = [rule("all", partitions: only("gpu"), limits: Limits(cpus: 8, memory: 8 << 30))]
        for (cpus, memory) in [(64, 1 << 30), (1, nil)] as [(Int, Int64?)] {
            let gpus = job("gpu", cpus: cpus, memory: memory, gpus: ["a100": 1])
            #expect(try refusal(gpus, carol, rules).hint?.contains("--cpus-per-gpu and --mem-per-gpu") == true)
            let plain = job("gpu", cpus: cpus, memory: memory)
            #expect(try refusal(plain, carol, rules).hint?.contains("--cpus-per-gpu") == false)
        }
    }

    /// slurm.conf(5), Alternate.
    @Test func saysWhyAPartitionIsJudgedThatNobodyNamed() throws {
        var handedOn = job("debug", "gpu")
        handedOn.givers = [PartitionName(unchecked: "gpu"): PartitionName(unchecked: "debug")]
        let why = "partition debug hands jobs on to gpu: "
        let ungranted = try refusal(handedOn, alice)
        #expect(ungranted.message == why + "partition gpu is not allowed for alice on demo: no rule grants it")
        #expect(ungranted.hint == "rule gpu-users allows it to group demo:gpu-users; ask an administrator")
        let denied = try refusal(handedOn, alice, demoRules() + [rule("frozen", .deny, partitions: only("gpu"))])
        #expect(denied.message == why + "rule frozen denies this job of alice in partition gpu on demo")
    }

    @Test func namesTheDenyRule() throws {
        let refusal = try refusal(job("gpu"), carol, demoRules() + [rule("frozen", .deny, partitions: only("gpu"))])
        #expect(refusal.message == "rule frozen denies this job of carol in partition gpu on demo")
    }

    @Test func offersWhatIsAllowed() throws {
        #expect(try refusal(job("bigmem"), alice).hint == "you may use: debug")
        #expect(try refusal(job("debug", account: "x"), alice).hint == "rule researchers allows research")
        #expect(try refusal(job("gpu", qos: ["x"]), carol).hint == "rule gpu-users allows long")
        #expect(try refusal(job("gpu", reservations: ["x"]), carol).hint == "rule gpu-users allows course")
        #expect(try refusal(job("debug", qos: ["x"]), alice).hint?.hasPrefix("leave --qos away") == true)
    }

    @Test func explanationSaysWhatEveryRuleSays() throws {
        let explanation = try Policy(rules: demoRules()).explain(job("debug", nodes: 3), on: demo, for: alice)
        #expect(explanation.verdicts.map(\.rule.rawValue) == ["researchers", "gpu-users"])
        #expect(explanation.verdicts[0].outcome == .overLimit([Excess(limit: "nodes", asked: "3", permitted: "2")]))
        #expect(explanation.verdicts[1].outcome == .differs(.partition))
    }

    @Test func policiesThatContradictThemselvesAreNone() {
        #expect(throws: PolicyError.repeatedName(RuleName(unchecked: "a"))) {
            try Policy(rules: [rule("a"), rule("a")])
        }
        #expect(throws: PolicyError.limitsInDenyRule(RuleName(unchecked: "a"))) {
            try Policy(rules: [rule("a", .deny, limits: Limits(nodes: 1))])
        }
        #expect(throws: PolicyError.negativeLimit(RuleName(unchecked: "a"))) {
            try Policy(rules: [rule("a", limits: Limits(nodes: -1))])
        }
    }

    @Test func aPolicyThatFailsToLoadReplacesNothing() throws {
        let source = PolicySource(try Policy(rules: demoRules()))
        #expect(throws: SallyError.self) { try source.reload { throw SallyError(.misconfigured, "broken") } }
        #expect(source.current.revision == 1)
        #expect(source.current.policy.rules.count == 2)
        #expect(source.replace(with: try Policy(rules: [])) == 2)
        #expect(source.current.policy.rules.isEmpty)
    }

    @Test(arguments: [
        (Int64(0), "0"), (1, "1B"), (1 << 10, "1K"), (3 << 29, "1536M"), (1 << 40, "1T"), (5 << 40, "5T"),
    ])
    func describesBytes(_ bytes: Int64, _ text: String) {
        #expect(describeBytes(bytes) == text)
    }
}
