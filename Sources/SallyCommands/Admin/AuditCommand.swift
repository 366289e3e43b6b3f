// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Read and check the audit log.",
        subcommands: [AuditListCommand.self, AuditVerifyCommand.self], defaultSubcommand: AuditListCommand.self)
}

struct AuditListCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List audit events, the newest first.")
    @Option(help: ArgumentHelp("Only acts of this actor, such as person:7:alice.", valueName: "actor")) var actor:
        String?
    @Option(help: ArgumentHelp("Only this action, such as job.submit.", valueName: "action")) var action: String?
    @Option(help: ArgumentHelp("Only what was done to this.", valueName: "target")) var target: String?
    @Option(help: ArgumentHelp("Only events before this number.", valueName: "number")) var before: Int64?
    @Option(help: ArgumentHelp("Only events after this number.", valueName: "number")) var after: Int64?
    @Option(help: ArgumentHelp("At most so many, 1 to 1000.", valueName: "count")) var limit = 100
    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        guard (1...1000).contains(limit) else {
            throw SallyError(.invalidRequest, "limit \(limit) is not 1 to 1000", hint: "go on with `--before NUMBER`")
        }
        let words = query([
            "actor": actor, "action": action, "target": target, "limit": "\(limit)", "before": before.map { "\($0)" },
            "after": after.map { "\($0)" },
        ])
        try await common.connected(here) { connection in
            let page: AuditPage = try await connection.gateway.get(Path.audit + words)
            if common.json { return try here.putJSON("audit", page) }
            try here.putTable(
                ["NUMBER", "TIME", "ACTOR", "ACTION", "CLUSTER", "TARGET", "OUTCOME", "RULE", "DETAILS"],
                page.events.map { event in
                    [
                        "\(event.sequence)", "\(event.time)", event.actor, event.action, event.cluster ?? "",
                        event.target ?? "", event.outcome.rawValue, event.rule ?? "",
                        event.details.map { "\($0.name)=\($0.value)" }.joined(separator: " "),
                    ]
                })
            if let next = page.next { try here.say("older events: add `--before \(next)`") }
        }
    }
}

struct AuditVerifyCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that the log is whole: chain, countersignatures, a token for every event.",
        discussion: "The exit status is 0 only when it is.")
    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        try await common.connected(here) { connection in
            let result: AuditVerification = try await connection.gateway.get(Path.auditVerify)
            if common.json {
                try here.putJSON("audit-verification", result)
            } else {
                try here.put(
                    "\(result.good ? "good" : "NOT GOOD"): \(result.events) events, \(result.mints) tokens,"
                        + " \(result.heads) countersigned heads up to event \(result.countersigned),"
                        + " \(result.serviceReads) tokens of service accounts to read,"
                        + " output read for \(result.outputReads) decisions")
                for problem in result.problems { try here.put("  \(printable(problem))") }
            }
            if !result.good { throw ExitCode(1) }
        }
    }
}
