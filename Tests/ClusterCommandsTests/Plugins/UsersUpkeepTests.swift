// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyClusters
import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import ClusterCommands

@Suite struct UsersUpkeepTests {
    private func upkeep(
        _ world: PluginWorld, _ accounting: ClusterMachines.Accounting, settings: CreateUsersSettings? = nil
    ) -> UsersUpkeep {
        var cluster = world.cluster()
        cluster.accounting = accounting
        return UsersUpkeep(
            cluster: cluster, settings: settings, share: .own, defaultAccounts: [AccountName(unchecked: "usual")],
            surroundings: world.surroundings(), announcer: world.announcer())
    }

    private func member(_ shell: String?, home: String? = "/data/ann", accounts: [String] = []) -> ClusterUsers.Member {
        ClusterUsers.Member(
            user: UserName(unchecked: "ann"), profile: ProfileName(unchecked: "createusers"), home: home,
            shell: shell, accounts: accounts.map { AccountName(unchecked: $0) })
    }

    /// New machines get what the controller has, whatever list made the user; what cannot be written into passwd(5) is no
    /// reason to make nobody.
    @Test func usersAreAskedForAsTheControllerHasThem() async throws {
        try await PluginWorld.with { world in
            let upkeep = upkeep(world, .enforced)
            let known = try upkeep.request(member("/bin/zsh", accounts: ["a", "b"]))
            #expect(known.shell == "/bin/zsh" && known.home == "/data/ann")
            #expect(known.accounts.map(\.rawValue) == ["a", "b"] && known.expiry == .unchanged && !known.adoptsHome)
            let lost = try upkeep.request(member(nil, home: nil))
            #expect(lost.shell == "/bin/bash" && lost.home == "/home/ann")
            #expect(lost.accounts.map(\.rawValue) == ["usual"])
            for shell in ["", "sh", "/bin/../x", "/b,n/sh", "/sh"] {
                #expect(try upkeep.request(member(shell)).shell == "/bin/bash")
            }
            var settings = try world.createUsers("usernames: [ann]")
            func expiry(_ home: String?, _ expires: AccountExpiry?) throws -> DesiredAccount.Expiry {
                settings.expires = expires
                return try self.upkeep(world, .enforced, settings: settings).request(member(nil, home: home)).expiry
            }
            // Who is on the controller ends as there; who is made now ends as the list says, also where that is over.
            #expect(try expiry("/data/ann", .after(.seconds(86400))) == .unchanged)
            let today = ExpiryDay(notBefore: world.surroundings().now())
            guard case .atFirst(let day) = try expiry(nil, .after(.seconds(86400))) else {
                Issue.record("no day of its own")
                return
            }
            #expect(day.days > today.days)
            #expect(try expiry(nil, .on(Timestamp(86400))) == .always(ExpiryDay(days: 1)))
            #expect(try expiry(nil, nil) == .unchanged)
            settings.users = [UserName(unchecked: "ben")]
            #expect(try expiry(nil, .on(Timestamp(86400))) == .unchanged)
            #expect(try self.upkeep(world, .notEnforced).request(member("/bin/zsh", accounts: ["a"])).accounts.isEmpty)
        }
    }
}
