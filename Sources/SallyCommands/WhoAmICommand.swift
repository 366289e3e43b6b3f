// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire

struct WhoAmICommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "whoami", abstract: "Show who you are at the gateway: account, groups, clusters.")

    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        try await common.connected(here) { connection in
            let me: Me = try await connection.gateway.get(Path.me)
            if common.json { return try here.putJSON("me", me) }
            let clusters = me.clusters.map {
                "\($0.name)\($0.isDefault ? " (default)" : "")\($0.ready ? "" : " (not ready)")"
            }
            for line in Table.pairs([
                ("user", "\(me.user)"), ("name", me.displayName), ("uid", "\(me.uid)"), ("role", me.role.rawValue),
                ("groups", me.groups.map(\.rawValue).joined(separator: ", ")),
                ("clusters", clusters.joined(separator: ", ")),
                ("gateway", "\(connection.context.gateway)"), ("context", "\(connection.context.name)"),
            ]) { try here.put(line) }
        }
    }
}
