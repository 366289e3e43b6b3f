// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// What the users of a cluster get besides their accounts: ssh between its machines, a key to sign in with, a folder on
/// each machine's own disk.
package struct ClusterSetup: Sendable {
    package var trust: SSHTrust
    /// Where each machine is reached, as known_hosts(5) has it: `10.1.0.10`, `[10.1.0.10]:2222`, a host's name.
    package var addresses: [NodeName: String]
    package var keys: Keys
    package var scratch: Scratch?

    /// Which keys users sign in with from outside. Who has one already keeps it, unless it is brought or renewed.
    package struct Keys: Sendable {
        /// Each user's own.
        package var brought: [UserName: PublicKey]
        /// Makes one for whoever brings none and has none; nil makes none.
        package var source: KeySource?
        /// Whether those that are made take the place of what there is.
        package var renew: Bool
        /// Those that a run made and did not bring to its end: they are not renewed again.
        package var waiting: [UserName: PublicKey] = [:]

        package init(brought: [UserName: PublicKey], source: KeySource?, renew: Bool) {
            self.brought = brought
            self.source = source
            self.renew = renew
        }
    }

    /// Called at most once in a run, with those who need a key. Gives the public halves; the private ones
    /// never reach the cluster. What it throws is what the run throws: nothing was changed on any machine by then.
    package typealias KeySource = @Sendable ([UserName]) async throws -> [UserName: PublicKey]

    /// Whether keys may be restricted to it: an address or a prefix that is not the machine's own.
    package static func isUsable(network: String) -> Bool { Network(network).map { !$0.isLoopback } ?? false }
    package static func isLoopback(_ address: String) -> Bool { Network(address)?.isLoopback ?? false }

    /// Folders of users, and of links to them; the user's name is added to each.
    package struct Scratch: Sendable, Equatable {
        package var folders: String
        package var links: String?

        /// - Throws: `SallyError(.misconfigured)` for what is no absolute path.
        package init(folders: String, links: String?) throws {
            for path in [folders, links].compactMap(\.self) {
                let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
                guard path.hasPrefix("/"), path.utf8.count <= 200, !parts.isEmpty,
                    parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.allSatisfy(isPathByte) })
                else {
                    throw SallyError(
                        .misconfigured, "\(quoted(path)) cannot be the folder of scratch folders",
                        hint: "an absolute path of A-Z a-z 0-9 . _ -, such as /mnt")
                }
            }
            guard folders != links else {
                throw SallyError(.misconfigured, "scratch folders and the links to them are both in \(folders)")
            }
            self.folders = folders
            self.links = links
        }

        func folder(of user: UserName) -> String { "\(folders)/\(user)" }
        func link(of user: UserName) -> String? { links.map { "\($0)/\(user)" } }
    }

    package init(trust: SSHTrust, addresses: [NodeName: String], keys: Keys, scratch: Scratch?) {
        self.trust = trust
        self.addresses = addresses
        self.keys = keys
        self.scratch = scratch
    }
}

extension AccountPlan {
    /// What users lack besides their accounts. To be called after `make`; accounts with conflicts get nothing.
    mutating func add(
        _ setup: ClusterSetup, for accounts: [DesiredAccount], observed: [NodeName: NodeObservation],
        layout: ClusterLayout
    ) {
        standing = observed[layout.controller]?.standing ?? []
        let good = accounts.filter { account in !conflicts.contains { $0.user == account.name } }
        for account in good {
            if let scratch = setup.scratch { add(scratch, for: account, observed: observed, layout: layout) }
            guard let seen = observed[layout.homeServer] else { continue }
            let state = seen.ssh[account.home]
            guard state?.isUnread != true else {
                let reason =
                    "~/.ssh/authorized_keys cannot be read: over 256 KiB, NUL bytes in it, more than 19 lines of ours, or "
                    + "not in time"
                steps[layout.homeServer, default: []].append(.blocked(account, reason: reason))
                continue
            }
            let mark = " \(setup.trust.keyMark)"
            let lines = state?.marked.filter { $0.hasSuffix(mark) } ?? []
            keyLines[account.name] = Set(lines.map { String($0.dropLast(mark.count)) })
            let need = SSHNeed(
                state, wanted: setup.keys.brought[account.name]?.description,
                waiting: setup.keys.waiting[account.name]?.description, wantsKey: setup.keys.source != nil,
                renew: setup.keys.renew, trust: setup.trust)
            if !need.isEmpty { steps[layout.homeServer, default: []].append(.authorize(account, need)) }
        }
        let absent = Set(layout.accountNodes).subtracting(observed.keys)
        let before = observed[layout.controller]?.knownHosts ?? []
        let lines = KnownHosts.lines(
            observed, addresses: setup.addresses, networks: setup.trust.networks, absent: absent, before: before)
        for (node, seen) in observed where seen.knownHosts != Set(lines) {
            steps[node, default: []].append(.knownHosts(lines))
        }
    }

    private mutating func add(
        _ scratch: ClusterSetup.Scratch, for account: DesiredAccount, observed: [NodeName: NodeObservation],
        layout: ClusterLayout
    ) {
        let folder = scratch.folder(of: account.name)
        let link = scratch.link(of: account.name)
        for node in layout.accountNodes {
            guard let seen = observed[node] else { continue }
            let isThere = seen.paths[folder].map { $0.kind == "d" && $0.owner == account.uid.rawValue } ?? false
            let isLinked = link.map { seen.paths[$0]?.kind == "l" && seen.paths[$0]?.target == folder } ?? true
            if !isThere || !isLinked {
                steps[node, default: []].append(.makeScratch(account, scratch))
            }
        }
    }
}
