// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire

struct SessionsCommand: SallySubcommand {
    static let configuration = CommandConfiguration(commandName: "sessions", abstract: "List sessions.")
    @Option(help: ArgumentHelp("Only this person's.", valueName: "name")) var user: String?
    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        let user = try user.map { try UserName($0) }
        try await common.connected(here) { connection in
            let list: SessionList = try await connection.gateway.get(Path.sessions + query(["user": user?.rawValue]))
            if common.json { return try here.putJSON("sessions", list) }
            try here.putTable(
                ["SESSION", "USER", "CLIENT", "BEGAN", "USED", "ENDS", "ENDED"],
                list.sessions.map { session in
                    [
                        session.session.rawValue, session.user.rawValue, session.client, "\(session.created)",
                        "\(session.lastUsed)", "\(session.expires)", session.ended.map { "\($0)" } ?? "",
                    ]
                })
        }
    }
}
