// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// What Slurm reports of an accepted job is what its #SBATCH lines ask for, on both versions.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct OptionTests {
    struct Script: Sendable, CustomTestStringConvertible {
        var user: String
        var lines: [String]
        /// Words of `scontrol show job`; several spellings where versions differ.
        var shows: [[String]]
        var environment: [String: String] = [:]
        var testDescription: String { lines.joined(separator: " ") }
    }

    static let scripts: [Script] = [
        Script(
            user: "alice", lines: ["--nodelist=node001"],
            shows: [["ReqNodeList=node001"], ["NumNodes=1", "NumNodes=1-1"]]),
        Script(
            user: "alice", lines: ["--nodelist=node[001-002]"],
            shows: [["ReqNodeList=node[001-002]"], ["NumNodes=2", "NumNodes=2-2"]]),
        Script(user: "alice", lines: ["-x node002"], shows: [["ExcNodeList=node002"]]),
        Script(
            user: "alice", lines: ["--exclusive", "--exclude=node002"],
            shows: [["OverSubscribe=NO"], ["ExcNodeList=node002"]]),
        Script(
            user: "alice", lines: ["--exclusive=user", "--exclude=node002"],
            shows: [["OverSubscribe=USER"], ["ExcNodeList=node002"]]),
        Script(
            user: "alice", lines: ["--exclude=node002"], shows: [["OverSubscribe=NO"], ["TimeLimit=00:07:00"]],
            environment: ["SBATCH_EXCLUSIVE": "exclusive", "SBATCH_TIMELIMIT": "7"]),
        Script(user: "alice", lines: ["--mail-type=END,FAIL"], shows: [["MailType=END,FAIL"]]),
        Script(
            user: "alice", lines: ["--mail-type=ALL,TIME_LIMIT_80"],
            shows: [["MailType=INVALID_DEPEND,BEGIN,END,FAIL,REQUEUE,STAGE_OUT,TIME_LIMIT_80"]]),
        Script(
            user: "carol",
            lines: [
                "--partition=gpu --account=gpu", "--gpus=a100:1 --nodes=1", "--cpus-per-gpu=2 --mem-per-gpu=100M",
            ],
            shows: [
                ["CpusPerTres=gres:gpu:2", "CpusPerTres=gres/gpu:2"],
                ["MemPerTres=gres:gpu:100", "MemPerTres=gres/gpu:100"],
            ]),
    ]

    @Test(arguments: Stack.clusters, scripts)
    func slurmReportsWhatWasAsked(_ cluster: String, _ script: Script) async throws {
        let stack = try Stack.required()
        let text = "#!/bin/sh\n#SBATCH --hold\n" + script.lines.map { "#SBATCH \($0)\n" }.joined() + "hostname\n"
        let made = try await stack.sally(
            script.user, ["submit", "-M", cluster], input: text, with: script.environment)
        #expect(made.status == 0, "\(made)")
        let job = try #require(made.output.split(whereSeparator: \.isWhitespace).last.map(String.init))
        let shown = try await stack.asked(cluster, ["scontrol", "show", "job", job])
        let cancelled = try await stack.sally(script.user, ["cancel", "-M", cluster, job])
        #expect(cancelled.status == 0, "\(cancelled)")
        let words = Set(shown.output.split(whereSeparator: \.isWhitespace).map(String.init))
        for spellings in script.shows {
            #expect(spellings.contains(where: words.contains), "\(spellings): \(shown.output)")
        }
    }

    /// The features are Slurm's to know: a job that asks for one that no node has never reaches the queue.
    @Test(arguments: Stack.clusters)
    func constraintsReachSlurm(_ cluster: String) async throws {
        let stack = try Stack.required()
        let result = try await stack.sally(
            "alice", ["submit", "-M", cluster, "--hold", "--constraint=nosuch", "--wrap", "hostname"])
        #expect(result.status == 3, "\(result)")
        #expect(result.output.isEmpty)
    }

    /// Whole nodes of `debug` may be the one with GPUs, of which alice may use none.
    @Test(arguments: Stack.clusters)
    func exclusiveIsJudgedByTheWholeNode(_ cluster: String) async throws {
        let stack = try Stack.required()
        let result = try await stack.sally(
            "alice", ["submit", "-M", cluster, "--hold", "--exclusive", "--wrap", "hostname"])
        #expect(result.status == 2, "\(result)")
        #expect(result.errors.contains("GPUs"), "\(result)")
        #expect(result.output.isEmpty)
    }
}
