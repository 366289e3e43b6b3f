// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyModel
import SallyWire

/// `sallyd admin identities`.
struct AdminIdentities: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identities", abstract: "List everybody who ever signed in, with user name and uid.")
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let list: IdentityList = try await options.connected { try await $0.get(Path.identities) }
        try options.show(list, schema: "identities/1") {
            table(
                [["USER", "UID", "ROLE", "STATE", "NAME", "GROUPS"]]
                    + list.identities.map { identity in
                        [
                            identity.user.rawValue, "\(identity.uid)", identity.role.rawValue,
                            identity.offboarded == nil ? "active" : "offboarded", identity.displayName,
                            identity.groups.map(\.rawValue).joined(separator: ","),
                        ]
                    })
        }
    }
}

/// `sallyd admin sessions`.
struct AdminSessions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "sessions", abstract: "List sessions.")
    @Option(help: "Only this user's.") var user: String?
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let query = try user.map { "?user=\(try UserName($0))" } ?? ""
        let list: SessionList = try await options.connected { try await $0.get(Path.sessions + query) }
        try options.show(list, schema: "sessions/1") {
            table(
                [["USER", "LAST USED", "EXPIRES", "STATE", "CLIENT"]]
                    + list.sessions.map { session in
                        [
                            session.user.rawValue, "\(session.lastUsed)", "\(session.expires)",
                            session.ended == nil ? "live" : "ended", session.client,
                        ]
                    })
        }
    }
}

/// `sallyd admin revoke`.
struct AdminRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "End all sessions of a user. The user can sign in again.")
    @Argument(help: "The user name.") var user: String
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let name = try UserName(user)
        let reply: RevokeReply = try await options.connected { try await $0.post(Path.revoke(name)) }
        try options.show(reply, schema: "revoke/1") { "\(reply.ended) sessions of \(name) ended" }
    }
}

/// `sallyd admin grant`.
struct AdminGrant: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grant", abstract: "Make a user an administrator, who must have signed in once.")
    @Argument(help: "The user name.") var user: String
    @OptionGroup var options: AdminOptions

    func run() async throws { try await setRole(.administrator, of: UserName(user), options) }
}

/// `sallyd admin withdraw`.
struct AdminWithdraw: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "withdraw",
        abstract: "Take back what `grant` gave. Administration by a group at the provider stays.")
    @Argument(help: "The user name.") var user: String
    @OptionGroup var options: AdminOptions

    func run() async throws { try await setRole(.researcher, of: UserName(user), options) }
}

private func setRole(_ role: Principal.Role, of user: UserName, _ options: AdminOptions) async throws {
    let identity: IdentityView = try await options.connected {
        try await $0.post(Path.role(user), RoleRequest(role: role))
    }
    try options.show(identity, schema: "identity/1") { "\(identity.user) is \(identity.role.rawValue) now" }
}
