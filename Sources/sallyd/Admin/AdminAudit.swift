// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyModel
import SallyWire

/// `sallyd admin audit`.
struct AdminAudit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Read or verify the audit chain.",
        subcommands: [AdminAuditList.self, AdminAuditVerify.self], defaultSubcommand: AdminAuditList.self)
}

/// `sallyd admin audit list`.
struct AdminAuditList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The newest events, newest first.")
    @Option(help: "At most so many, 1 to 1000.") var limit = 50
    @Option(help: "Only events before this number.") var before: Int64?
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let cursor = before.map { "&before=\($0)" } ?? ""
        let page: AuditPage = try await options.connected {
            try await $0.get("\(Path.audit)?limit=\(limit)\(cursor)")
        }
        try options.show(page, schema: "audit/1") {
            table(
                [["#", "TIME", "WHO", "ACTION", "OUTCOME", "CLUSTER", "TARGET", "RULE"]]
                    + page.events.map { event in
                        [
                            "\(event.sequence)", "\(event.time)", event.actor, event.action, event.outcome.rawValue,
                            event.cluster ?? "-", event.target ?? "-", event.rule ?? "-",
                        ]
                    })
        }
    }
}

/// `sallyd admin audit verify`.
struct AdminAuditVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check every link of the chain against what the signer countersigned and minted.")
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let result: AuditVerification = try await options.connected { try await $0.get(Path.auditVerify) }
        try options.show(result, schema: "audit-verify/1") {
            ([
                result.good ? "the chain is good" : "THE CHAIN IS NOT GOOD",
                "events: \(result.events), tokens: \(result.mints), countersigned heads: \(result.heads), the last at event \(result.countersigned)",
                "tokens of service accounts to read, which need no event: \(result.serviceReads)",
                "decisions for which output was read: \(result.outputReads)",
            ] + result.problems).joined(separator: "\n")
        }
        if !result.good { throw ExitCode(SallyError.Code.conflict.exitStatus) }
    }
}
