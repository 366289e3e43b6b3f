// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire

struct JobCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "Show one job in full.",
        discussion: """
            The id is what the first column of `sally jobs` shows: a job's number, 123_4 for a task of an array, 123_[5-9] for \
            those of its tasks that wait (in quotes, where the shell would take the brackets); and 123+1 for a component of a \
            heterogeneous job. `sally jobs --array 123 --all` lists the tasks of an array.
            """)

    @Argument(help: "The job, or a part of it.") var id: String
    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        let shown = try ShownJob(id)
        try await common.connected(here) { connection in
            let job = try await shown.view(of: connection.gateway, try await connection.cluster(), here)
            if let note = shown.note(job) { try here.say("sally: \(note)") }
            if common.json { return try here.putJSON("job", job) }
            for line in Table.pairs(JobCommand.facts(job)) { try here.put(line) }
        }
    }

    private static func facts(_ job: JobView) -> [(String, String?)] {
        func text(_ value: (some CustomStringConvertible)?) -> String? { value.map { $0.description } }
        var facts: [(String, String?)] = [
            ("job", job.displayID), ("name", job.name), ("cluster", job.cluster.rawValue), ("user", job.user),
            ("account", job.account), ("partition", job.partition), ("qos", job.qos),
        ]
        facts.append(("state", job.states.joined(separator: "+")))
        facts.append(("reason", job.reason))
        facts.append(("submitted", text(job.submitted)))
        facts.append(("started", text(job.started)))
        facts.append(("ended", text(job.ended)))
        facts.append(("time limit", slurmTime(minutes: job.timeLimitMinutes)))
        facts.append(("nodes", text(job.nodes)))
        facts.append(("node list", job.nodeList))
        facts.append(("cpus", text(job.cpus)))
        facts.append(("tres", job.tres))
        facts.append(("exit status", text(job.exitStatus)))
        facts.append(("signal", text(job.signal)))
        facts.append(("working directory", job.workingDirectory))
        facts.append(("output", job.standardOutput))
        facts.append(("errors", job.standardError))
        return facts
    }
}
