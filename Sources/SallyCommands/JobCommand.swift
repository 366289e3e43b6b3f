// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire
import SlurmModel

struct JobCommand: SallySubcommand {
    static let configuration = CommandConfiguration(commandName: "job", abstract: "Show one job in full.")

    @Argument(help: "The job's number.") var id: String
    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        let id = try JobID(id)
        try await common.connected(here) { connection in
            let path = Path.job(try await connection.cluster(), JobTarget(job: id))
            let job = try await here.shared(path, of: connection.gateway, as: JobView.self)
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
