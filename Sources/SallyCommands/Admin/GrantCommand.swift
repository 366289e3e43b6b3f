// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire

struct GrantCommand: SallySubcommand {
    static let configuration = CommandConfiguration(commandName: "grant", abstract: "Make a person an administrator.")
    @Argument(help: "The person's user name.") var user: String
    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws { try await setRole(.administrator, of: user, common, here) }
}

/// `grant` and `withdraw`.
func setRole(_ role: Principal.Role, of user: String, _ common: CommonOptions, _ here: Surroundings) async throws {
    let user = try UserName(user)
    try await common.connected(here) { connection in
        let identity: IdentityView = try await connection.gateway.post(Path.role(user), RoleRequest(role: role))
        if common.json { return try here.putJSON("identity", identity) }
        try here.say("\(identity.user) is now \(identity.role == .administrator ? "an administrator" : "a researcher")")
    }
}
