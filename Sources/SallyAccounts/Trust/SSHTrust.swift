// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// What lets a cluster's users sign in from one of its machines to another, and from outside with the key they were given.
///
/// Lines of ours in authorized_keys(5) end with a mark that names the cluster; no other line is ever touched.
package struct SSHTrust: Sendable, Equatable {
    package let cluster: ClusterName
    /// Where the machines call each other from, as `from=` of authorized_keys(5) has it. What a machine says of itself is not
    /// asked: it would open everybody's door.
    let networks: [String]

    /// - Parameter networks: addresses and prefixes, as an administrator or the provider knows them.
    /// - Throws: `SallyError(.misconfigured)` for none, and for one that is no address and no prefix of one.
    package init(cluster: ClusterName, networks: [String]) throws {
        self.cluster = cluster
        self.networks = networks
        for network in networks where Network(network) == nil {
            throw SallyError(
                .misconfigured, "network \(quoted(network)) is no address and no network such as 10.1.0.0/24",
                hint: "it says from where users' keys between nodes are good")
        }
        guard !networks.isEmpty else {
            throw SallyError(
                .misconfigured, "nothing says from where the machines of \(cluster) call each other",
                hint: "give the cluster its networks, such as `networks: [10.1.0.0/24]`")
        }
    }

    var from: String { networks.joined(separator: ",") }

    /// Ends the line with a user's key of the cluster itself.
    package var nodesMark: String { "sally:\(cluster):nodes" }
    /// Ends the line with the key that was handed out or brought.
    package var keyMark: String { "sally:\(cluster):key" }
}

/// What was found in a user's ~/.ssh on the machine that serves homes.
package struct SSHState: Sendable, Equatable {
    /// ~/.ssh: `d` for a folder, `l` for a link and so on (find(1) -printf %y); nil where there is none.
    package var kind: String?
    package var owner: UInt32?
    /// Permissions in octal digits.
    package var mode: String?
    package var hasKey = false
    /// authorized_keys is there and was not read: too large, not a text, too many lines of ours, or not in time.
    package var isUnread = false
    /// Lines of authorized_keys that have a mark of ours.
    package var marked: Set<String> = []

    package init() {}
}

/// What a user's ~/.ssh lacks.
package struct SSHNeed: Sendable, Equatable {
    /// A key pair for going from one machine to another.
    package var nodeKey: Bool
    /// The line that says from where it is good.
    package var nodesLine: Bool
    /// A key to sign in with from outside.
    package var key: Bool

    var isEmpty: Bool { !nodeKey && !nodesLine && !key }

    /// - Parameters:
    ///   - state: nil where there is no home yet.
    ///   - wanted: the key line that the user is to have, if it is known; any of ours is good otherwise.
    ///   - waiting: the key that a renewal has made for the user and not brought to its end.
    ///   - wantsKey: whether the user is to have one at all.
    ///   - renew: a new one, whatever there is but the one that waits.
    init(_ state: SSHState?, wanted: String?, waiting: String?, wantsKey: Bool, renew: Bool, trust: SSHTrust) {
        let nodes = "from=\"\(trust.from)\" ssh-ed25519 "
        let state = state ?? SSHState()
        let isFolder = state.kind == "d" && state.mode == "700"
        nodeKey = !state.hasKey
        nodesLine =
            !isFolder || !state.hasKey
            || !state.marked.contains { $0.hasPrefix(nodes) && $0.hasSuffix(" \(trust.nodesMark)") }
        let keys = state.marked.filter { $0.hasSuffix(" \(trust.keyMark)") }
        if let wanted {
            key = keys != ["\(wanted) \(trust.keyMark)"]
        } else {
            let isRenewed = waiting.map { keys == ["\($0) \(trust.keyMark)"] } ?? false
            key = wantsKey && (keys.isEmpty || (renew && !isRenewed))
        }
    }

    /// For people and `--dry-run`.
    var summary: String {
        var parts: [String] = []
        if nodeKey { parts.append("a key pair for going between nodes") }
        if nodesLine, !nodeKey { parts.append("that key's line in authorized_keys") }
        if key { parts.append("a key to sign in with") }
        return parts.joined(separator: ", ")
    }
}
