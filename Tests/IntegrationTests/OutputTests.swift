// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// `sally logs` where a job's owner put something else in the place of its output, and where reading is switched off.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped))
struct OutputTests {
    struct Place: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Options of the submission.
        var options: [String] = []
        /// What the job does to `$f`, the file that its output goes to.
        var act: String
    }

    static let places = [
        Place(testDescription: "a link", act: "ln -s /etc/hostname $f"),
        Place(testDescription: "a link to a device", act: "ln -s /dev/zero $f"),
        Place(testDescription: "a FIFO", act: "mkfifo $f"),
        Place(testDescription: "a device", options: ["--output=/dev/zero"], act: "true"),
        Place(testDescription: "two dots", options: ["--output=/home/alice/../alice/dots-%j"], act: "true"),
        Place(testDescription: "a folder that is a link", options: ["--output=/home/alice/linked/%j"], act: "true"),
    ]

    @Test(arguments: places, Stack.clusters)
    func whatIsNoPlainFileIsNotRead(_ place: Place, _ cluster: String) async throws {
        let stack = try Stack.required()
        let script = """
            #!/bin/bash
            f=slurm-$SLURM_JOB_ID.out
            echo before
            [ -e $f ] && rm -f $f
            \(place.act)

            """
        if place.options.contains(where: { $0.contains("linked") }) {
            // The account has to be there first.
            _ = try await stack.sally("alice", ["submit", "-M", cluster, "--wrap=true", "--time=1"])
            let made = try await stack.onNode(
                cluster, "master",
                [
                    "setpriv", "--reuid=alice", "--regid=alice", "--clear-groups", "sh", "-c",
                    "mkdir -p ~alice/plain && ln -sfn plain ~alice/linked",
                ])
            #expect(made.status == 0, "\(made)")
        }
        let job = try await stack.submit("alice", cluster, ["--time=1"] + place.options, script: script)
        try await stack.waitForState(cluster, job, "COMPLETED")
        let result = try await untilAnswered { try await stack.sally("alice", ["logs", "-M", cluster, job]) }
        #expect(result.status == 2, "\(result)")
        #expect(result.output.isEmpty, "\(result)")
        #expect(result.errors.contains("link") || result.errors.contains("regular file"), "\(result)")
    }

    @Test(arguments: Stack.clusters)
    func theOutputOfAJobThatHasEndedIsRead(_ cluster: String) async throws {
        let stack = try Stack.required()
        let job = try await stack.submit(
            "alice", cluster, ["--time=1", "--output=named-%j", "--error=wrong-%j"],
            script: "#!/bin/bash\necho good\necho bad >&2\n")
        try await stack.waitForState(cluster, job, "COMPLETED")
        let output = try await untilAnswered { try await stack.sally("alice", ["logs", "-M", cluster, job]) }
        #expect(output.status == 0 && output.output == "good\n", "\(output)")
        let another = try await untilAnswered { try await stack.sally("bob", ["logs", "-M", cluster, job]) }
        #expect(another.status == 4 && another.output.isEmpty, "\(another)")
    }

    @Test func outputIsSwitchedOffForOneCluster() async throws {
        let stack = try Stack.required()
        let jobs = [
            "it12": try await stack.submit("alice", "it12", ["--time=1"], script: "#!/bin/bash\necho text\n"),
            "it13": try await stack.submit("alice", "it13", ["--time=1"], script: "#!/bin/bash\necho text\n"),
        ]
        for (cluster, job) in jobs { try await stack.waitForState(cluster, job, "COMPLETED") }
        try await stack.withReplica(
            "output", change: { file, _ in file.set("output", "false", cluster: "it12") }
        ) { replica in
            let off = try await untilAnswered {
                try await replica.sally("alice", ["logs", "-M", "it12", jobs["it12"] ?? ""])
            }
            #expect(off.status == 6 && off.output.isEmpty, "\(off)")
            #expect(off.errors.contains("switched off on cluster it12"), "\(off)")
            let on = try await untilAnswered {
                try await replica.sally("alice", ["logs", "-M", "it13", jobs["it13"] ?? ""])
            }
            #expect(on.status == 0 && on.output == "text\n", "\(on)")
        }
    }
}
