// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire
import SlurmModel
import StrictJSON

struct CancelCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End jobs, or send them a signal.",
        discussion: """
            A job is named as scancel(1) names it: by its number, 123_4 for a task of an array and 123_[1-3,7] for several, \
            123+1 for a component of a heterogeneous job. At most \(most) are named at once. All are tried, each once; the exit \
            status is that of the first that could not be cancelled.
            """)

    @Argument(help: "The jobs, or parts of them.") var ids: [String]

    @Option(
        help: ArgumentHelp(
            "Send this signal instead of ending the job: a name such as TERM or USR1, or a number, 1 to 64.",
            valueName: "signal"))
    var signal: String?

    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        let jobs = try Self.named(ids)
        let signal = try signal.map(Self.signalName)
        try await common.connected(here) { connection in
            let cluster = try await connection.cluster()
            var failure: SallyError?
            var results: [JSONValue] = []
            for job in jobs {
                do {
                    try await connection.gateway.delete(Path.job(cluster, job) + query(["signal": signal]))
                    results.append(["job": .integer(job.job.rawValue), "id": .string("\(job)"), "done": true])
                    if !common.json {
                        try here.say(signal.map { "sent \($0) to job \(job)" } ?? "cancelled job \(job)")
                    }
                } catch let error as SallyError where error.code != .unauthenticated {
                    results.append(Self.failure(job, error))
                    if !common.json {
                        let start = Self.isNamed(job, in: error.message) ? "sally: " : "sally: job \(job): "
                        try here.say(error.told(start))
                    }
                    failure = failure ?? error
                }
            }
            if common.json { try here.putJSON("cancel", [("jobs", .array(results))]) }
            if let failure { throw ExitCode(failure.code.exitStatus) }
        }
    }

    private static func failure(_ job: JobTarget, _ error: SallyError) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("job", .integer(job.job.rawValue)), ("id", .string("\(job)")), ("done", false),
            ("why", .string(error.message)),
        ]
        if let hint = error.hint { members.append(("hint", .string(hint))) }
        if let request = error.request { members.append(("request", .string(request))) }
        return .object(JSONObject(members))
    }

    /// Whether the message says by itself which of the jobs it is about.
    static func isNamed(_ job: JobTarget, in message: String) -> Bool {
        let words = message.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "+") }
        let text = " \(words.joined(separator: " ")) "
        func says(_ phrase: String) -> Bool { text.contains(" \(phrase) ") }
        switch job.part {
        case nil, .waiting: return says("job \(job)")
        case .task(let index): return says("\(job)") || says("job \(job.job)") && says("task \(index)")
        case .component(let offset): return says("\(job)") || says("job \(job.job)") && says("component \(offset)")
        }
    }

    /// The most of one command: each is a request.
    private static let most = 1000

    private static func named(_ texts: [String]) throws -> [JobTarget] {
        guard let named = NamedJob.all(texts, limit: most) else {
            throw SallyError(
                .tooLarge, "more than \(most) jobs and tasks", hint: "end arrays as a whole, or name fewer at once")
        }
        return try named.map { named in
            switch named {
            case .job(let target): return target
            case .text(let text) where text.contains("["):
                throw JobTarget.refusal(
                    text, hint: "\(JobTarget.notation); several tasks are NUMBER_[TASKS], such as 123_[1-3,7]")
            case .text(let text): throw JobTarget.refusal(text)
            }
        }
    }

    static func signalName(_ text: String) throws -> String {
        var name = text.uppercased()
        if name.hasPrefix("SIG") { name.removeFirst(3) }
        guard (1...10).contains(name.utf8.count),
            name.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) })
        else {
            throw SallyError(
                .invalidRequest, "signal \(quoted(text)) is not valid",
                hint: "name one such as TERM, INT or USR1, or a number such as 15")
        }
        return name
    }
}
