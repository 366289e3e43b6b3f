// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
package import SallyModel

extension ClusterUsers {
    /// Somebody whom the managed record has as active, as the controller knows them.
    package struct Member: Sendable, Equatable {
        package var user: UserName
        package var profile: ProfileName
        /// nil where the controller has no account of that name and uid.
        package var home: String?
        package var shell: String?
        /// Slurm accounts.
        package var accounts: [AccountName]

        package init(user: UserName, profile: ProfileName, home: String?, shell: String?, accounts: [AccountName]) {
            self.user = user
            self.profile = profile
            self.home = home
            self.shell = shell
            self.accounts = accounts
        }
    }

    /// Everybody of a profile who is to be on every machine, by name, and who is locked.
    ///
    /// - Throws: as `list`.
    package func members(of profile: ProfileName) async throws -> (active: [Member], locked: [UserName]) {
        guard layout.mode == .everywhere || layout.mode == .controller else {
            throw SallyError(.unsupported, "accounts of this cluster are not Sallyport's")
        }
        let seen = try await look(layout.controller, UsersProbe.controller(.all, .everything, in: layout))
        return ClusterUsers.members(of: profile, seen)
    }

    static func members(of profile: ProfileName, _ seen: UsersObservation) -> (active: [Member], locked: [UserName]) {
        var newest: [UserName: ManagedRecord] = [:]
        for record in seen.records { newest[record.user] = record }
        var active: [Member] = []
        var locked: [UserName] = []
        for record in newest.values.sorted(by: { $0.user < $1.user }) where record.profile == profile {
            switch record.state {
            case .removed: break
            case .locked: locked.append(record.user)
            case .active:
                let name = record.user.rawValue
                let entry = seen.users[name].flatMap { $0.uid == record.uid.rawValue ? $0 : nil }
                active.append(
                    Member(
                        user: record.user, profile: record.profile, home: entry?.home, shell: entry?.shell,
                        accounts: seen.associations[name, default: []].sorted()))
            }
        }
        return (active, locked)
    }
}
