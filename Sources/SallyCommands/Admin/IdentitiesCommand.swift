// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire

struct IdentitiesCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "identities", abstract: "List who has signed in: account, groups, role.")
    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        try await common.connected(here) { connection in
            let list: IdentityList = try await connection.gateway.get(Path.identities)
            if common.json { return try here.putJSON("identities", list) }
            try here.putTable(
                ["USER", "UID", "NAME", "ROLE", "GROUPS", "SINCE", "OFFBOARDED"],
                list.identities.map { identity in
                    [
                        identity.user.rawValue, "\(identity.uid)", identity.displayName, identity.role.rawValue,
                        identity.groups.map(\.rawValue).joined(separator: ","), "\(identity.created)",
                        identity.offboarded.map { "\($0)" } ?? "",
                    ]
                })
        }
    }
}
