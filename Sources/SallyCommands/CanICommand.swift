// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire
import SlurmModel

struct CanICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "can-i", abstract: "Ask whether something would be allowed, and why not.",
        subcommands: [CanISubmitCommand.self])

    /// Prints the answer; the exit status is 0 when it is yes and 2 when it is no.
    static func ask(_ submission: Submission, _ here: Surroundings) async throws {
        try await submission.common.connected(here) { connection in
            let cluster = try await connection.cluster()
            let reply: CanIReply = try await connection.gateway.post(Path.canI(cluster), submission.request)
            if submission.common.json {
                try here.putJSON("can-i", reply)
            } else {
                try here.put("\(reply.allowed ? "yes" : "no"): \(printable(reply.message))")
                for rule in reply.rules { try here.put("  rule \(printable(rule.rule)): \(printable(rule.verdict))") }
                let judged = reply.judged.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                if !judged.isEmpty { try here.put("  judged: \(printable(judged.joined(separator: " ")))") }
                if let hint = reply.hint { try here.say(printable(hint)) }
            }
            if !reply.allowed { throw ExitCode(SallyError.Code.denied.exitStatus) }
        }
    }
}

struct CanISubmitCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Ask whether a job would be accepted. Nothing is submitted.",
        usage: "sally can-i submit [sbatch options] [script [arguments]]", discussion: SubmissionHelp.text)

    @Argument(
        parsing: .captureForPassthrough,
        help: ArgumentHelp("sbatch's options, then the script.", valueName: "arguments"))
    var arguments: [String] = []

    func perform(_ here: Surroundings) async throws {
        if SubmissionReader.asksForHelp(arguments) { throw CleanExit.helpRequest(self) }
        try await CanICommand.ask(try SubmissionReader.read(arguments, here), here)
    }
}
