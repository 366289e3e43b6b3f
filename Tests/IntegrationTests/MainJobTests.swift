// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// The main way through, on both Slurm versions, with the real provider and the three daemons.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct MainJobTests {
    @Test(arguments: Stack.clusters)
    func aJobRunsAsThePersonAndItsOutputComesBack(_ cluster: String) async throws {
        let stack = try Stack.required()
        let result = try await stack.sally(
            "alice", ["submit", "-M", cluster, "--follow", "--time=5"],
            input: "#!/bin/bash\necho \"$(id -un) on $(hostname) in $PWD\"\necho problem >&2\nexit 7\n")
        #expect(result.status == 7, "\(result)")
        #expect(result.output.contains("Submitted batch job "))
        #expect(result.output.contains("alice on node00"))
        #expect(result.output.contains("in /home/alice"))
    }

    /// Every task runs and is told of; the array ends as its worst task.
    @Test(arguments: Stack.clusters)
    func anArrayIsFollowedToItsEnd(_ cluster: String) async throws {
        let stack = try Stack.required()
        let result = try await stack.sally(
            "alice", ["submit", "-M", cluster, "--array", "0-2", "--follow", "--time=5"],
            input: "#!/bin/bash\nexit $((SLURM_ARRAY_TASK_ID == 1 ? 3 : 0))\n")
        #expect(result.status == 3, "\(result)")
        let job = result.output.split(separator: " ").last?.filter(\.isNumber) ?? ""
        #expect(result.output == "Submitted batch job \(job)\n", "\(result)")
        for task in [0, 2] { #expect(result.errors.contains("job \(job)_\(task) has completed"), "\(result)") }
        #expect(result.errors.contains("job \(job)_1 ended: FAILED, exit status 3"), "\(result)")
        #expect(!result.errors.contains("is not known"), "\(result)")
    }

    @Test(arguments: Stack.clusters)
    func standardOutputIsExactlyWhatSbatchPrints(_ cluster: String) async throws {
        let stack = try Stack.required()
        let result = try await stack.sally(
            "alice", ["submit", "-M", cluster, "--begin=now+1hour", "--wrap", "hostname"])
        #expect(result.status == 0, "\(result)")
        let words = result.output.split(separator: " ")
        #expect(result.output.hasPrefix("Submitted batch job "))
        #expect(result.output.hasSuffix("\n"))
        #expect(words.count == 4)
        let job = words.last?.filter(\.isNumber) ?? ""
        let cancelled = try await stack.sally("alice", ["cancel", "-M", cluster, job])
        #expect(cancelled.status == 0, "\(cancelled)")
        try await stack.waitForState(cluster, job, "CANCELLED")
    }

    /// The others stay as they are. Slurm before 23.11 has no name for a task that waits: nothing of the array is ended there.
    @Test(arguments: Stack.clusters)
    func aTaskIsCancelledByItself(_ cluster: String) async throws {
        let stack = try Stack.required()
        let job = try await stack.submit(
            "alice", cluster, ["--hold", "--time=1", "--array=1-4"], script: "#!/bin/bash\ntrue\n")
        func left() async throws -> [String] {
            let listed = try await stack.asked(
                cluster, ["squeue", "-h", "-r", "-t", "PENDING", "-j", job, "-o", "%K"])
            return listed.output.split(separator: "\n").map { $0.filter(\.isNumber) }.sorted()
        }
        // As the list shows what waits of it; and no task that there is not.
        let shown = try await stack.sally("alice", ["job", "-M", cluster, "\(job)_[1-4]"])
        #expect(shown.status == 0 && shown.output.contains("\(job)_[1-4]"), "\(shown)")
        let none = try await stack.sally("alice", ["job", "-M", cluster, "\(job)_77"])
        #expect(none.status == 4, "\(none)")
        let isOld = cluster == "it12"
        let one = try await stack.sally("alice", ["cancel", "-M", cluster, "\(job)_2"])
        #expect(one.status == (isOld ? 6 : 0), "\(one)")
        #expect(
            one.errors.contains(isOld ? "cannot end task \(job)_2 by itself" : "cancelled job \(job)_2"), "\(one)")
        #expect(try await left() == (isOld ? ["1", "2", "3", "4"] : ["1", "3", "4"]))
        let some = try await stack.sally("alice", ["cancel", "-M", cluster, "\(job)_[3,9]"])
        #expect(some.status == (isOld ? 6 : 4) && some.errors.contains("has no task 9 in the queue"), "\(some)")
        #expect(try await left() == (isOld ? ["1", "2", "3", "4"] : ["1", "4"]))
        // Another's, whole or in part, is nobody's.
        let other = try await stack.sally("bob", ["cancel", "-M", cluster, "\(job)_1"])
        #expect(other.status == 4 && other.errors.contains("you have no job \(job) "), "\(other)")
        let whole = try await stack.sally("alice", ["cancel", "-M", cluster, job])
        #expect(whole.status == 0, "\(whole)")
        try await eventually("no task is left") { try await left().isEmpty }
    }

    @Test(arguments: Stack.clusters)
    func aJobThatIsNotAllowedNeverReachesTheQueue(_ cluster: String) async throws {
        let stack = try Stack.required()
        _ = try await stack.sally("alice", ["whoami"])
        let before = try await stack.jobCount(cluster, user: "alice", ["--partition", "gpu"])
        let result = try await stack.sally(
            "alice",
            ["submit", "-M", cluster, "--partition=gpu", "--account=gpu", "--gpus=a100:1", "--wrap", "hostname"])
        #expect(result.status == 2, "\(result)")
        #expect(result.output.isEmpty)
        #expect(result.errors.contains("gpu"))
        #expect(try await stack.jobCount(cluster, user: "alice", ["--partition", "gpu"]) == before)
    }

    @Test(arguments: Stack.clusters)
    func whoIsAllowedGetsTheGPUAndNobodyGetsItFromInsideAJob(_ cluster: String) async throws {
        let stack = try Stack.required()
        let result = try await stack.sally(
            "carol",
            ["submit", "-M", cluster, "--follow", "--partition=gpu", "--account=gpu", "--gpus=a100:1", "--time=5"],
            input: """
                #!/bin/bash
                echo "partition $SLURM_JOB_PARTITION"
                sbatch --partition=gpu --account=gpu --gpus=a100:1 --wrap=hostname 2>&1
                scontrol token 2>&1 | head -n 1
                true

                """)
        #expect(result.status == 0, "\(result)")
        #expect(result.output.contains("partition gpu"))
        #expect(result.output.lowercased().contains("denied"), "sbatch inside the job: \(result.output)")
        #expect(!result.output.contains("SLURM_JWT="), "a job made itself a token")
    }

    @Test(arguments: Stack.clusters)
    func limitsOfTheRuleAreNamed(_ cluster: String) async throws {
        let stack = try Stack.required()
        let result = try await stack.sally(
            "alice", ["submit", "-M", cluster, "--nodes=64", "--time=5", "--wrap", "hostname"])
        #expect(result.status == 2, "\(result)")
        #expect(result.errors.contains("64"))
    }

    @Test(arguments: Stack.clusters)
    func aSecondSubmitCostsNoCallToANode(_ cluster: String) async throws {
        let stack = try Stack.required()
        let calls = {
            try await runProgram(
                "/usr/bin/grep", ["-c", "node call cluster=\(cluster)", "\(stack.state)/log/steward.log"]
            ).output
        }
        var jobs = [try await stack.submit("bob", cluster, ["--time=1"], script: "#!/bin/bash\ntrue\n")]
        // The account was made over some.
        #expect(try await calls() != "0\n")
        var sawNone = false
        // Other suites and the steward's own round call nodes as well: one quiet submission of five is proof.
        for _ in 1...5 where !sawNone {
            let before = try await calls()
            jobs.append(try await stack.submit("bob", cluster, ["--time=1"], script: "#!/bin/bash\ntrue\n"))
            sawNone = try await calls() == before
        }
        #expect(sawNone, "every submission called a node")
        for job in jobs { try await stack.waitForState(cluster, job, "COMPLETED") }
    }

    @Test(arguments: Stack.clusters)
    func nobodySeesAnothersJob(_ cluster: String) async throws {
        let stack = try Stack.required()
        let job = try await stack.submit(
            "bob", cluster, ["--begin=now+1hour", "--time=1"], script: "#!/bin/bash\ntrue\n")
        for verb in [["job", job], ["logs", job], ["cancel", job]] {
            let result = try await untilAnswered {
                try await stack.sally("alice", [verb[0], "-M", cluster, verb[1]])
            }
            #expect(result.status == 4, "\(verb): \(result)")
        }
        let mine = try await stack.sally("alice", ["jobs", "-M", cluster, "--json"])
        #expect(!mine.output.contains("\"job\":\(job)"))
        try await stack.waitForState(cluster, job, "PENDING")
        _ = try await stack.sally("bob", ["cancel", "-M", cluster, job])
    }

    @Test(arguments: Stack.clusters)
    func slurmsOwnRefusalComesBackWithItsNumber(_ cluster: String) async throws {
        let stack = try Stack.required()
        let result = try await stack.sally(
            "alice", ["submit", "-M", cluster, "--time=5", "--mem=8G", "--wrap", "hostname"])
        #expect(result.status == 3, "\(result)")
        #expect(result.errors.contains("2014"), "\(result)")
    }
}
