// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import Testing

@Suite struct PolicyPropertyTests {
    private static let seeds: [UInt64] = [1, 2, 3, 5, 8, 13, 21, 34]

    /// A small world, so that rules and jobs meet often.
    private struct World {
        var random: Seeded

        mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
        mutating func maybe() -> Bool { Bool.random(using: &random) }
        mutating func seldom() -> Bool { number(0...3) == 0 }
        mutating func some<Element>(_ elements: [Element]) -> [Element] { elements.filter { _ in maybe() } }

        mutating func selection<Element: Name>(_ names: [String]) -> Selection<Element> {
            number(0...2) > 0 ? .any : .only(Set(some(names).map(Element.init(unchecked:))))
        }

        mutating func limits() -> Limits {
            var limits = Limits()
            if seldom() { limits.nodes = number(0...4) }
            if seldom() { limits.cpus = number(0...8) }
            if seldom() { limits.memory = Int64(number(0...4)) }
            if seldom() { limits.gpus = number(0...3) }
            if seldom() { limits.gpusByType = ["a100": number(0...2)] }
            if seldom() { limits.time = .seconds(number(0...4)) }
            if seldom() { limits.arrayTasks = number(1...4) }
            return limits
        }

        mutating func rule(_ name: String, _ effect: Rule.Effect) -> Rule {
            SallyPolicyTests.rule(
                name, effect, groups: maybe() ? nil : some(["demo:a", "demo:b"]),
                clusters: selection(["demo", "other"]),
                partitions: selection(["p", "q"]), accounts: selection(["x", "y"]),
                qos: maybe() ? nil : selection(["n", "l"]), reservations: maybe() ? nil : selection(["r"]),
                limits: effect == .allow ? limits() : Limits())
        }

        mutating func rules() -> [Rule] {
            (0..<number(0...5)).map { rule("r\($0)", number(0...4) == 0 ? .deny : .allow) }
        }

        mutating func job() -> JobFacts {
            SallyPolicyTests.job(
                account: maybe() ? "x" : "y", qos: seldom() ? ["n"] : [], defaultQOS: maybe() ? "n" : nil,
                reservations: seldom() ? ["r"] : [],
                nodes: seldom() ? nil : number(1...4), cpus: number(1...8), memory: Int64(number(0...4)),
                gpus: maybe() ? ["a100": number(0...2)] : [:], untyped: seldom() ? 1 : 0, time: .seconds(number(0...4)),
                tasks: number(1...4)
            ).with(maybe() ? ["p"] : some(["p", "q"]))
        }

        mutating func person() -> Asker { asker("alice", maybe() ? "demo:a" : "demo:b") }
    }

    private func cases(_ seed: UInt64, _ check: (inout World, [Rule], JobFacts, Asker) throws -> Void) throws {
        var world = World(random: Seeded(state: seed))
        for _ in 0..<400 {
            let rules = world.rules()
            let job = world.job()
            let person = world.person()
            try check(&world, rules, job, person)
        }
    }

    private func allowed(_ rules: [Rule], _ job: JobFacts, _ person: Asker) throws -> Bool {
        try Policy(rules: rules).explain(job, on: demo, for: person).decision.isAllowed
    }

    @Test(arguments: seeds) func addingADenyRuleNeverAllowsMore(_ seed: UInt64) throws {
        try cases(seed) { world, rules, job, person in
            let more = rules + [world.rule("extra", .deny)]
            if try allowed(more, job, person) { #expect(try allowed(rules, job, person)) }
            let look = { try Policy(rules: $0).decide(.look(demo), for: person).isAllowed }
            if try look(more) { #expect(try look(rules)) }
        }
    }

    @Test(arguments: seeds) func removingAnAllowRuleNeverAllowsMore(_ seed: UInt64) throws {
        try cases(seed) { _, rules, job, person in
            for index in rules.indices where rules[index].effect == .allow {
                var fewer = rules
                fewer.remove(at: index)
                if try allowed(fewer, job, person) { #expect(try allowed(rules, job, person)) }
            }
        }
    }

    @Test(arguments: seeds) func higherLimitsNeverAllowLess(_ seed: UInt64) throws {
        try cases(seed) { _, rules, job, person in
            let higher = rules.map { rule in
                var rule = rule
                rule.limits.nodes? += 1
                rule.limits.cpus? += 1
                rule.limits.memory? += 1
                rule.limits.gpus? += 1
                rule.limits.gpusByType = rule.limits.gpusByType.mapValues { $0 + 1 }
                rule.limits.time? += .seconds(1)
                rule.limits.arrayTasks? += 1
                return rule
            }
            if try allowed(rules, job, person) { #expect(try allowed(higher, job, person)) }
        }
    }

    @Test(arguments: seeds) func biggerJobsAreNeverAllowedWhereSmallerAreNot(_ seed: UInt64) throws {
        try cases(seed) { _, rules, job, person in
            var bigger = job
            bigger.nodes = job.nodes.map { $0 + 1 }
            bigger.cpus = nil
            bigger.untypedGPUs += 1
            if try allowed(rules, bigger, person) { #expect(try allowed(rules, job, person)) }
        }
    }

    @Test(arguments: seeds) func theOrderOfRulesDecidesNothing(_ seed: UInt64) throws {
        try cases(seed) { _, rules, job, person in
            let forwards = try allowed(rules, job, person)
            let backwards = try allowed(rules.reversed(), job, person)
            #expect(forwards == backwards)
        }
    }

    @Test func theCasesAreOfBothKinds() throws {
        var yes = 0
        var no = 0
        try cases(1) { _, rules, job, person in
            if try allowed(rules, job, person) { yes += 1 } else { no += 1 }
        }
        #expect(yes > 10)
        #expect(no > 10)
    }
}

extension JobFacts {
    fileprivate func with(_ partitions: [String]) -> JobFacts {
        var job = self
        job.partitions = partitions.map(PartitionName.init(unchecked:))
        return job
    }
}
