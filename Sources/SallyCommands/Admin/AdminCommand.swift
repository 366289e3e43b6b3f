// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct AdminCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin", abstract: "Identities, sessions, offboarding and the audit log; for administrators.",
        subcommands: [
            IdentitiesCommand.self, SessionsCommand.self, RevokeCommand.self, GrantCommand.self, WithdrawCommand.self,
            OffboardCommand.self, AuditCommand.self,
        ])
}
