// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import StrictJSON

struct TokenCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Print the session's access token, for other clients of the gateway.",
        discussion: """
            Whoever has the token is you until it ends, usually after 15 minutes at most. Send it as
            `Authorization: Bearer TOKEN` or `X-SLURM-USER-TOKEN: TOKEN`. It is no token of Slurm's own.

            Programs that were written for slurmrestd take these addresses:
              GATEWAY/slurm/v0.0.NN/...                 the default cluster
              GATEWAY/slurmdb/v0.0.NN/...               its accounting
              GATEWAY/clusters/NAME/slurm/v0.0.NN/...   the cluster of that name, and slurmdb
            GATEWAY/openapi says which versions and endpoints there are.
            """)

    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        try await common.connected(here) { connection in
            let session = try await connection.gateway.accessToken()
            if here.output.isTerminal {
                try here.say("careful: whoever reads this token is you until \(session.expires)")
            }
            if common.json {
                return try here.putJSON(
                    "token",
                    [
                        ("token", .string(session.accessToken.reveal())), ("user", .string(session.user.rawValue)),
                        ("expires", .integer(session.expires.rawValue)),
                    ])
            }
            try here.put(session.accessToken.reveal())
        }
    }
}
