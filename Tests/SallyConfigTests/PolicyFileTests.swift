// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import SallyPolicy
import SallyTestSupport
import Testing

/// `LINE PATH: MESSAGE` of every problem.
func problems<File: ConfigFile>(_ type: File.Type, _ text: String, files: FileChecks = .skip) -> [String] {
    do {
        _ = try File.parse(text, file: "f", files: files)
        return []
    } catch {
        return error.problems.map { "\($0.line ?? 0) \($0.path): \($0.message)" }
    }
}

@Suite struct PolicyFileTests {
    @Test func readsEveryKey() throws {
        let policy = try PolicyFile.parse(Full.policy, file: "policy.yaml")
        let first = try #require(policy.rules.first)
        #expect(first.name.rawValue == "researchers")
        #expect(first.people == .groups([GroupName(unchecked: "okta:hpc-users")]))
        #expect(first.partitions == .only([PartitionName(unchecked: "debug"), PartitionName(unchecked: "long")]))
        #expect(first.accounts == .any)
        #expect(first.qos == .only([QOSName(unchecked: "normal")]))
        #expect(first.reservations == .any)
        #expect(
            first.limits
                == Limits(
                    nodes: 2, cpus: 64, memory: 256 << 30, gpus: 4, gpusByType: ["a100": 2], time: .seconds(36 * 3600),
                    arrayTasks: 100))
        let second = try #require(policy.rules.last)
        #expect(second.effect == .deny)
        #expect(second.people == .everyone)
        #expect(second.clusters == .any)
    }

    @Test func reportsAllProblemsWithTheirLines() {
        let text = """
            rules:
              - name: Researchers
                effect: alow
                groups: [hpc-users]
                clusters: [demo]
                partitions: debug
                acounts: [research]
                limits:
                  time: 12
                  memory: 256
                  nodes: many
              - name: b
                effect: deny
                clusters: [demo]
            version: 2
            """
        #expect(
            problems(PolicyFile.self, text) == [
                "2 rules[0].name: rule name \"Researchers\" is not valid: 1-64 characters of a-z 0-9 - _, a letter first",
                "2 rules[0]: \"accounts\" is missing",
                "3 rules[0].effect: \"alow\" is not one of allow, deny; did you mean \"allow\"?",
                "4 rules[0].groups[0]: group \"hpc-users\" is not valid: SOURCE:NAME, such as okta:hpc-users, at most 256 printable characters",
                "6 rules[0].partitions: a list of names, or the word any, is wanted",
                "7 rules[0]: unknown key \"acounts\"; did you mean \"accounts\"?",
                "9 rules[0].limits.time: \"12\" is no duration; write it with its unit, such as 90s, 15m, 12h or 1-00:00:00",
                "10 rules[0].limits.memory: \"256\" is no size; write it with its unit, such as 512M or 256G (powers of 1024)",
                "11 rules[0].limits.nodes: a whole number is wanted",
                "12 rules[1]: whom the rule is about is wanted: either groups or `everyone: true`",
                "15 : unknown key \"version\"",
            ])
    }

    private static let head = "rules:\n  - {name: a, effect: allow, "

    @Test(arguments: [
        ("", "is missing"),
        ("rules: 5", "a list is wanted"),
        ("rules: [x]", "a section"),
        (head + "groups: [], clusters: any, partitions: any, accounts: any}", "at least one"),
        (head + "groups: ['*'], clusters: any, partitions: any, accounts: any}", "is not valid"),
        (head + "everyone: false, clusters: any, partitions: any, accounts: any}", "everyone: true"),
        (head + "everyone: true, groups: ['a:b'], clusters: any, partitions: any, accounts: any}", "whom"),
        (head + "everyone: true, clusters: any, partitions: any, accounts: ['*']}", "is not valid"),
        (head + "everyone: true, clusters: any, partitions: [a, a], accounts: any}", "more than once"),
        (
            head + "everyone: true, clusters: any, partitions: any, accounts: any, limits: {gpus_by_type: {}}}",
            "at least one type"
        ),
        (head + "everyone: true, clusters: any, partitions: any, accounts: any, limits: {nodes: -1}}", "whole number"),
        ("rules:\n  - {name: a, effect: deny, everyone: true, limits: {nodes: 1}}", "limits belong to allow rules"),
        ("rules:\n  - &x {name: a, effect: deny, everyone: true}\n  - *x", "anchors"),
        ("rules: []\nrules: []", "given more than once: \"rules\""),
        ("rules: [\n", "not valid YAML"),
        ("rules: []\n---\nrules: []", "not valid YAML"),
        ("- a", "a section"),
    ])
    func refuses(_ text: String, _ message: String) {
        let found = problems(PolicyFile.self, text)
        #expect(found.contains { $0.contains(message) }, "\(found)")
    }

    @Test func twoRulesOfOneNameAreRefused() {
        let rule = "  - {name: a, effect: deny, everyone: true}\n"
        #expect(problems(PolicyFile.self, "rules:\n" + rule + rule) == ["3 rules[1]: two rules have the name a"])
    }

    @Test func noRulesAreAPolicyThatRefusesEverything() throws {
        #expect(try PolicyFile.parse("rules: []", file: "f").rules.isEmpty)
    }

    @Test func aBrokenFileReplacesNothing() async throws {
        try await withScratchFolder { folder in
            let path = "\(folder)/policy.yaml"
            try writeFile(path, Full.policy)
            let source = PolicySource(try PolicyFile.load(path))
            try writeFile(path, "rules: 5")
            #expect(throws: ConfigError.self) { try source.reload { try PolicyFile.load(path) } }
            #expect(source.current.policy.rules.count == 2)
            try writeFile(path, "rules: []")
            try source.reload { try PolicyFile.load(path) }
            #expect(source.current.policy.rules.isEmpty)
        }
    }
}
