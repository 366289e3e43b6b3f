// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire

extension LeaverJobs: ExpressibleByArgument {}

struct OffboardCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "offboard", abstract: "End a person's access everywhere. Running jobs run on.",
        discussion: """
            Ends sessions, refuses new sign-ins and Slurm tokens, lets nothing more be
            queued, locks the account on the nodes. Running it again finishes what
            failed. The exit status is 69 while a step is left.
            """)

    @Argument(help: "The person's user name.") var user: String
    @Flag(help: "Do not ask for the name.") var yes = false
    @Option(
        name: .customLong("pending-jobs"),
        help: ArgumentHelp(
            "What becomes of jobs that wait; else as the cluster is configured.", valueName: "cancel|hold|leave"))
    var pendingJobs: LeaverJobs?
    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        let user = try UserName(user)
        if !yes { try confirm(user, here) }
        try await common.connected(here) { connection in
            let report: OffboardReport = try await connection.gateway.post(
                Path.offboard(user), OffboardRequest(pendingJobs: pendingJobs), deadline: .seconds(300))
            if common.json {
                try here.putJSON("offboard", report)
            } else {
                try here.putTable(
                    ["STEP", "PLACE", "OUTCOME", "MS", "DETAIL"],
                    report.steps.map { [$0.name, $0.place, $0.outcome, "\($0.milliseconds)", $0.detail] })
            }
            guard report.complete else {
                if !common.json {
                    try here.say(
                        "sally: not every step succeeded\n  run `sally admin offboard \(user)` again to finish them")
                }
                throw ExitCode(SallyError.Code.unavailable.exitStatus)
            }
            if !common.json { try here.say("\(user) is offboarded") }
        }
    }

    private func confirm(_ user: UserName, _ here: Surroundings) throws {
        guard here.inputIsTerminal else {
            throw SallyError(
                .invalidRequest, "offboarding has to be confirmed, and there is no terminal to ask on",
                hint: "add `--yes` if you are sure")
        }
        try here.talk.write(Array("this ends all access of \(user). Type the user name to go on: ".utf8))
        guard here.readLine() == user.rawValue else {
            throw SallyError(.invalidRequest, "the name is not \(user); nothing was done")
        }
    }
}
