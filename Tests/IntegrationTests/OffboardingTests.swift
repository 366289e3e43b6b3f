// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// erin is signed in, has a running and a pending job on both clusters and a key of her own on the nodes; then she leaves.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct OffboardingTests {
    @Test func nothingNewWorksAndTheRunningJobRunsOn() async throws {
        let stack = try Stack.required()
        let script = """
            #!/bin/bash
            touch ~/running-$SLURM_CLUSTER_NAME
            until [ -e ~/go-on ]; do sleep 0.3; done
            echo "sbatch: $(sbatch --wrap=hostname 2>&1)"
            echo "requeue: $(scontrol requeue $SLURM_JOB_ID 2>&1)"
            echo finished

            """
        var running: [String: String] = [:]
        var pending: [String: String] = [:]
        for cluster in Stack.clusters {
            running[cluster] = try await stack.submit("erin", cluster, ["--time=30"], script: script)
            pending[cluster] = try await stack.submit(
                "erin", cluster, ["--begin=now+1hour", "--time=1"], script: "#!/bin/bash\ntrue\n")
        }
        for cluster in Stack.clusters {
            try await eventually("erin's job on \(cluster) running") {
                try await stack.onNode(
                    cluster, "master", ["sh", "-c", "ls /home/erin/running-*"]
                ).status == 0
            }
        }
        let access = try await stack.token("erin")
        #expect(try await stack.request("GET", "/v1/me", token: access).status == 200)

        _ = try await stack.sally("dana", ["whoami"])
        let report = try await offboard(stack)
        #expect(report.status == 0, "\(report)")
        #expect(report.output.contains("\"complete\":true"), "\(report)")

        #expect(try await stack.request("GET", "/v1/me", token: access).status == 401)
        let next = try await stack.sally("erin", ["jobs", "-M", "it12"])
        #expect(next.status == 77, "\(next)")
        let signIn = try await stack.signIn("erin", context: "erin-again")
        #expect(signIn.status != 0, "somebody who left signed in again")

        for cluster in Stack.clusters {
            let job = try #require(running[cluster])
            #expect(try await stack.jobState(cluster, job) == "RUNNING")
            for node in ["master", "node001", "node002"] {
                let expiry = try await stack.onNode(cluster, node, ["chage", "-l", "erin"])
                #expect(expiry.output.contains("Jan 0"), "\(node): \(expiry)")
            }
            let limits = try await stack.asked(
                cluster, ["sacctmgr", "-n", "-P", "show", "assoc", "user=erin", "format=MaxSubmitJobs"])
            #expect(limits.output.split(separator: "\n").allSatisfy { $0 == "0" }, "\(limits)")
            _ = try await stack.onNode(cluster, "master", ["touch", "/home/erin/go-on"])
            try await stack.waitForState(cluster, job, "COMPLETED")
            let output = try await stack.onNode(cluster, "master", ["cat", "/home/erin/slurm-\(job).out"])
            #expect(output.output.contains("finished"))
            #expect(output.output.contains("sbatch: sbatch: error"), "\(output.output)")
            #expect(!output.output.contains("requeue: \n"), "requeue was not refused: \(output.output)")
            let left = try #require(pending[cluster])
            try await stack.waitForState(cluster, left, "CANCELLED")
        }

        let again = try await offboard(stack)
        #expect(again.status == 0, "offboarding is not idempotent: \(again)")
        let verified = try await stack.sally("dana", ["admin", "audit", "verify"])
        #expect(verified.status == 0, "\(verified)")
    }

    /// On a busy machine a step may be left, and the same command finishes it.
    private func offboard(_ stack: Stack) async throws -> ProgramResult {
        try await untilAnswered {
            try await stack.sally("dana", ["admin", "offboard", "erin", "--yes", "--json"])
        }
    }

    @Test func onlyAdministratorsOffboard() async throws {
        let stack = try Stack.required()
        let result = try await stack.sally("alice", ["admin", "offboard", "bob", "--yes"])
        #expect(result.status == 2, "\(result)")
        #expect(try await stack.sally("bob", ["whoami"]).status == 0)
    }
}
