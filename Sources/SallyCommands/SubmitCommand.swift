// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire
import SlurmModel

struct SubmitCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Submit a batch job, with sbatch's options and #SBATCH lines.",
        usage: "sally submit [sbatch options] [options] [script [arguments]]", discussion: SubmissionHelp.text)

    @Argument(
        parsing: .captureForPassthrough,
        help: ArgumentHelp("sbatch's options, then the script.", valueName: "arguments"))
    var arguments: [String] = []

    func perform(_ here: Surroundings) async throws {
        if SubmissionReader.asksForHelp(arguments) { throw CleanExit.helpRequest(self) }
        let submission = try SubmissionReader.read(arguments, here)
        guard submission.mode == .submit else { return try await CanICommand.ask(submission, here) }
        try await submission.common.connected(here) { connection in
            let cluster = try await connection.cluster()
            let submitter = Submitter(
                gateway: connection.gateway, cluster: cluster, here: here, json: submission.common.json)
            let reply = try await submitter.submit(submission.request, key: submission.key)
            for message in reply.messages { try here.say("sally: \(printable(message))") }
            try tell(reply, submission, here)
            guard submission.follow else { return }
            try here.say("watching job \(reply.job); interrupting this does not end the job")
            let submitted = JobTarget(job: reply.job)
            if let array = submission.request.array {
                let follower = ArrayFollower(
                    follower: Follower(gateway: connection.gateway, cluster: cluster, job: submitted, here: here),
                    job: reply.job, tasks: array.indexes, here: here)
                let worst = try await follower.follow { task in
                    if submission.common.json { try here.putJSON("job", task) }
                }
                if worst != 0 { throw ExitCode(worst) }
                return
            }
            var reader = OutputReader(
                gateway: connection.gateway, cluster: cluster, job: submitted, stream: .standardOutput)
            let follower = Follower(gateway: connection.gateway, cluster: cluster, job: submitted, here: here)
            let job = try await follower.stream(&reader) { piece, bytes in
                if submission.common.json { try here.putJSON("output", piece) } else { try here.output.write(bytes) }
            }
            if submission.common.json { try here.putJSON("job", job) }
            if job.exitCode != 0 { throw ExitCode(job.exitCode) }
        }
    }

    /// Exactly what sbatch prints: other programs read it.
    private func tell(_ reply: SubmitReply, _ submission: Submission, _ here: Surroundings) throws {
        if submission.common.json {
            try here.putJSON("submit", reply)
        } else if submission.parsable {
            try here.put(submission.common.cluster == nil ? "\(reply.job)" : "\(reply.job);\(reply.cluster)")
        } else {
            try here.put("Submitted batch job \(reply.job)")
        }
    }
}

/// A job as the command line has it.
struct Submission {
    enum Mode { case submit, testOnly }

    var request: JobRequest
    var mode: Mode
    var follow: Bool
    var parsable: Bool
    var common: CommonOptions
    /// One for the whole submission, however often it is sent.
    var key: String
}
