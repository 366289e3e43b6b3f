// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// SIGHUP at a gateway that runs.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped))
struct PolicyReloadTests {
    private static let question = [
        "submit", "-M", "it12", "--test-only", "--partition=gpu", "--account=gpu", "--gpus=a100:1", "--time=1",
        "--wrap", "hostname",
    ]

    @Test func aNewRuleHoldsAndABrokenFileChangesNothing() async throws {
        let stack = try Stack.required()
        let first = try await runProgram("/bin/cat", ["\(stack.state)/etc/policy.yaml"]).output
        try await stack.withReplica(
            "policy",
            change: { file, folder in
                try writeFile("\(folder)/policy.yaml", first, mode: 0o644)
                file.set("policy", "\(folder)/policy.yaml")
            }
        ) { replica in
            let policy = "\(replica.folder)/policy.yaml"
            let before = try await replica.sally("alice", PolicyReloadTests.question)
            #expect(before.status == 2, "\(before)")

            let rule = """
                  - name: everybody-gpu
                    effect: allow
                    groups: [demo:hpc-users]
                    clusters: any
                    partitions: [gpu]
                    accounts: [gpu]

                """
            try writeFile(policy, first + rule, mode: 0o644)
            try await replica.reload()
            try await eventually("the new rule holds") {
                try await replica.sally("alice", PolicyReloadTests.question).status == 0
            }

            let lines = first.split(separator: "\n", omittingEmptySubsequences: false).count
            let broken =
                first + """
                      - name: everybody-gpu
                        effect: perhaps
                        groups: [nosource]
                        clusters: any
                        partitions: [gpu]
                        accounts: [gpu]
                        bogus: 1

                    """
            try writeFile(policy, broken, mode: 0o644)
            try await replica.reload()
            // All of them, each with its line.
            let problems = [(1, "perhaps"), (2, "nosource"), (6, "bogus")]
            try await eventually("the log names every problem") {
                let log = try await replica.log()
                return problems.allSatisfy { offset, word in
                    log.split(separator: "\n").contains {
                        $0.contains("policy not reloaded, the old one stays")
                            && $0.contains("policy.yaml:\(lines + offset)") && $0.contains(word)
                    }
                }
            }
            let kept = try await replica.sally("alice", PolicyReloadTests.question)
            #expect(kept.status == 0, "a broken file took the old policy away: \(kept)")
            removeTree(policy)
            try await replica.reload()
            let count = problems.count + 1
            try await eventually("the log tells that the file is gone") {
                try await replica.log().ranges(of: "policy not reloaded").count >= count
            }
            #expect(try await replica.sally("alice", PolicyReloadTests.question).status == 0)

            try writeFile(policy, first, mode: 0o644)
            try await replica.reload()
            try await eventually("the rule is gone again") {
                try await replica.sally("alice", PolicyReloadTests.question).status == 2
            }
        }
    }
}
