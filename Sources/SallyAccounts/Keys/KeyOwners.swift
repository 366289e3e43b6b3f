// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// Whose keys a folder keeps. The files in it are named by cluster and region, so several lists of users on one cluster
/// share them: who is not in one list may be in another. Pure.
package struct KeyOwners: Sendable {
    /// Who is to be on the cluster by this list, in the order of the archive.
    private let listed: [UserName]
    private let own: Set<UserName>
    /// Of these, who bring a key: none of ours waits for them.
    private let bringing: Set<UserName>
    /// nil where nobody knows, and nobody's key goes.
    private let others: Set<UserName>?
    private let seen: HeldKeys

    /// - Parameters:
    ///   - listed: who is to be on the cluster by this list.
    ///   - bringing: of these, who bring a key of their own.
    ///   - others: who is on the cluster besides, or is to be by another list; nil where that is not known.
    ///   - seen: what lay in the folder before the cluster was looked at. What somebody has put there since stays: it may be of
    ///     users whom the cluster did not have then.
    package init(listed: [UserName], bringing: Set<UserName>, others: Set<UserName>?, seen: HeldKeys) {
        self.listed = listed
        own = Set(listed)
        self.bringing = bringing
        self.others = others
        self.seen = seen
    }

    /// Whether a key that is there to hand out stays.
    func keeps(_ key: PublicKey?, of user: UserName) -> Bool {
        own.contains(user) || others?.contains(user) != false || key == nil || seen.handedOut[user] != key
    }

    /// Whether one that waits does.
    func keepsWaiting(_ key: PublicKey?, of user: UserName) -> Bool {
        let isWanted = own.contains(user) || others?.contains(user) != false
        return isWanted && !bringing.contains(user) || key == nil || seen.waiting[user] != key
    }

    /// Whoever is listed, then others whose keys stay in an archive.
    func wanted(of entries: [ArchiveEntry]) -> [UserName] {
        listed
            + entries.filter { keeps(PublicKey(privateKey: $0.privateKey), of: $0.member.user) }.map(\.member.user)
            .filter { !own.contains($0) }
    }
}
