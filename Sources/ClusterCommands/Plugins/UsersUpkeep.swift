// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyClusters
import SallyConfig
import SallyModel

/// Gives every machine of a cluster the users that the others have, and takes machines that are gone out of the known
/// hosts and out of what keys are good for. No key is handed out, and nobody is made who is nowhere.
struct UsersUpkeep: Sendable {
    let cluster: ClusterMachines
    let settings: CreateUsersSettings?
    let share: Share
    /// Slurm accounts of whoever has lost theirs.
    let defaultAccounts: [AccountName]
    let surroundings: Surroundings
    let announcer: Announcer

    /// Whose users a plugin looks after, of all that the managed record has. One plugin of a cluster takes the rest.
    enum Share: Sendable, Equatable {
        case own
        /// All but those that other plugins list.
        case all(besides: Set<UserName>)

        func has(_ user: UserName, listed: Set<UserName>) -> Bool {
            switch self {
            case .own: listed.contains(user)
            case .all(let others): listed.contains(user) || !others.contains(user)
            }
        }
    }

    struct Members: Sendable {
        var active: [ClusterUsers.Member]
        var locked: [UserName]
    }

    static let profile = "createusers"

    /// What the managed record says of this plugin's users: also who was made with another list, or from another host.
    func members() async throws -> Members {
        let found = try await ClusterUsers(layout: cluster.layout, transport: cluster.transport())
            .members(of: ProfileName(UsersUpkeep.profile))
        let listed = Set(settings?.users ?? [])
        return Members(
            active: found.active.filter { share.has($0.user, listed: listed) },
            locked: found.locked.filter { share.has($0, listed: listed) })
    }

    func run(_ members: [ClusterUsers.Member]) async throws -> ClusterReport {
        let scratch = settings.map(\.scratch) ?? .documented
        let uids = settings?.uids
        let run = ClusterRun(
            layout: cluster.layout, transport: cluster.transport(), users: try members.map(request),
            setup: try cluster.setup(ClusterSetup.Keys(brought: [:], source: nil, renew: false), scratch),
            uids: (uids?.first.rawValue ?? 30000)...(uids?.last.rawValue ?? 39999), dryRun: false,
            by: "\(surroundings.userName) (sally cluster)", told: announcer.tell)
        return try await run.run()
    }

    /// As the controller has them, so that nothing changes where they are already.
    func request(_ member: ClusterUsers.Member) throws -> UserRequest {
        let accounts: [AccountName] =
            switch cluster.accounting {
            case .notEnforced: []
            case .enforced, .unknown:
                [member.accounts, settings?.accounts ?? [], defaultAccounts].first { !$0.isEmpty } ?? []
            }
        let usual = settings?.shell ?? "/bin/bash"
        // Who is not on the controller is made now, and ends as the list says; everybody else ends as there.
        let isNew = member.home == nil && settings?.users.contains(member.user) == true
        let expiry = isNew ? settings?.expiry(from: surroundings.now()) : nil
        return UserRequest(
            name: member.user, profile: member.profile, gecos: "Cluster user account \(member.user)",
            home: member.home ?? "/home/\(member.user)", shell: member.shell.flatMap(UsersUpkeep.shell) ?? usual,
            groups: [], accounts: accounts, adoptsHome: false, expiry: expiry ?? .unchanged)
    }

    /// A shell that can be written into passwd(5); users may have chosen theirs (chsh(1)).
    private static func shell(_ path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        let isPlain =
            path.hasPrefix("/") && path.utf8.count <= 200 && parts.count >= 2
            && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.allSatisfy(isPlainByte) }
        return isPlain ? path : nil
    }

    private static func isPlainByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            || [0x2d, 0x2e, 0x5f].contains(byte)
    }
}
