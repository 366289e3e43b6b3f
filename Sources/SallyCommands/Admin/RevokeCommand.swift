// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire

struct RevokeCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "End all sessions of a person, who can sign in again. See also offboard.")
    @Argument(help: "The person's user name.") var user: String
    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        let user = try UserName(user)
        try await common.connected(here) { connection in
            let reply: RevokeReply = try await connection.gateway.post(Path.revoke(user))
            if common.json { return try here.putJSON("revoke", reply) }
            try here.say("ended \(reply.ended) session\(reply.ended == 1 ? "" : "s") of \(user)")
        }
    }
}
