// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyModel
import SallyWire

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension LeaverJobs: ExpressibleByArgument {}

/// `sallyd admin offboard`.
struct AdminOffboard: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "offboard",
        abstract: "End everything of somebody who leaves; running jobs run on.",
        discussion:
            "Idempotent: where a step failed, the same command again finishes the work. The name is asked for unless --yes."
    )
    @Argument(help: "The user name.") var user: String
    @Flag(help: "Do not ask.") var yes = false
    @Option(help: "Pending jobs: cancel, hold or leave. As each cluster is configured, unless given.")
    var pendingJobs: LeaverJobs?
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let name = try UserName(user)
        if !yes { try confirm(name) }
        let report: OffboardReport = try await options.connected {
            try await $0.post(Path.offboard(name), OffboardRequest(pendingJobs: pendingJobs))
        }
        try options.show(report, schema: "offboard/1") {
            let rows = report.steps.map { step in
                ["\(step.milliseconds) ms", step.outcome, step.place, step.name, step.detail]
            }
            return table(rows)
                + (report.complete ? "\n\(name) is offboarded" : "\nnot complete: run the same command again")
        }
        if !report.complete { throw ExitCode(SallyError.Code.unavailable.exitStatus) }
    }

    private func confirm(_ name: UserName) throws {
        guard isatty(STDIN_FILENO) == 1 else {
            throw SallyError(.invalidRequest, "nobody is there to confirm", hint: "give --yes")
        }
        complain("type the name of the user to offboard:")
        guard readLine() == name.rawValue else {
            throw SallyError(.invalidRequest, "that was not \(name); nothing was done")
        }
    }
}
