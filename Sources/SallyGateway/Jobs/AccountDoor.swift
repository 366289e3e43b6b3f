// SPDX-License-Identifier: Apache-2.0

package import SallyConfig
import SallyKeepProtocol
package import SallyModel
import Synchronization

/// Sees to it that a person has what a job needs on one cluster. What the steward made is remembered for an hour, so that
/// a second job costs no call.
package final class AccountDoor: Sendable {
    private let config: ClusterConfig
    private let keeper: any AccountKeeper
    private let clock: any WallClock
    private let known = Mutex<[Key: Known]>([:])

    private static let life = Duration.seconds(3600)
    private static let capacity = 20_000

    private struct Key: Hashable {
        var account: Account
        var profile: ProfileName
    }

    private struct Known {
        var account: EnsuredAccount
        var until: Timestamp
    }

    package init(config: ClusterConfig, keeper: some AccountKeeper, clock: some WallClock) {
        self.config = config
        self.keeper = keeper
        self.clock = clock
    }

    /// - Precondition: policy lets the person use this cluster.
    /// - Throws: `.denied` where no profile is meant for the person; the steward's refusal.
    func ensure(_ principal: Principal) async throws -> EnsuredAccount {
        let key = try key(principal)
        if let account = remembered(key) { return account }
        let account = try await keeper.ensure(
            EnsureRequest(
                cluster: config.name, user: key.account.name, uid: key.account.uid, profile: key.profile))
        let until = clock.now + AccountDoor.life
        known.withLock { known in
            if known.count >= AccountDoor.capacity { known = [:] }
            known[key] = Known(account: account, until: until)
        }
        return account
    }

    /// What is remembered, without a call.
    func ifKnown(_ principal: Principal) throws -> EnsuredAccount? { remembered(try key(principal)) }

    /// After Slurm said that it does not know the account.
    func forget(_ principal: Principal) {
        known.withLock { known in known = known.filter { $0.key.account != principal.account } }
    }

    private func key(_ principal: Principal) throws -> Key {
        guard let profile = config.profile(for: principal.groups) else {
            throw SallyError(
                .denied, "no profile of cluster \(config.name) is meant for \(principal.account.name)",
                hint: "ask an administrator which group gives access")
        }
        return Key(account: principal.account, profile: profile)
    }

    private func remembered(_ key: Key) -> EnsuredAccount? {
        let now = clock.now
        return known.withLock { known in
            guard let entry = known[key] else { return nil }
            guard now < entry.until else {
                known[key] = nil
                return nil
            }
            return entry.account
        }
    }
}
