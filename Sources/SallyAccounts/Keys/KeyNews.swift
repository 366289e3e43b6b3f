// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
package import SallyModel

/// How the keys that an administrator holds stand to those that the cluster knows, at the end of a run. Pure.
package struct KeyNews: Sendable, Equatable {
    /// New keys that the cluster knows by now; they can be handed out.
    package var known: [UserName] = []
    /// Of these, those that an earlier run had made and did not bring to its end.
    package var finished: [UserName] = []
    /// New keys that the cluster does not know, of users who have none: they wait.
    package var waiting: [UserName] = []
    /// The same, of users whose old key opens the cluster still.
    package var unrenewed: [UserName] = []
    /// The key that is there to hand out is not the one that the cluster knows: it opens nothing.
    package var stale: [UserName] = []
    /// The cluster knows a key that was handed out, and none of theirs lies here or waits.
    package var unheld: [UserName] = []
    /// Whose key lay here and does not any more: the cluster has nobody by that name, and no list of users does.
    package var dropped: [UserName] = []
    /// Encrypted files of people who are not wanted any more.
    package var files = KeyFileList.Swept()

    /// Of others there is a number: an archive that was handed out whole and taken away is nobody's mistake.
    private static let namedUnheld = 5

    package init() {}

    /// - Parameters:
    ///   - report: of the run that ended.
    ///   - users: who get a key of ours, in order.
    ///   - held: what lay in the folder before the run.
    ///   - made: whose key was made in it.
    package init(_ report: ClusterReport, users: [UserName], held: HeldKeys, made: Set<UserName>) {
        let given = report.keyed
        for user in users {
            let lines = report.plan.keyLines[user]
            let waits = held.waiting[user]
            let wasThere = waits.map { lines?.contains($0.description) == true } ?? false
            if given.contains(user) || wasThere, made.contains(user) || waits != nil {
                known.append(user)
                if !made.contains(user) { finished.append(user) }
            } else if let key = held.handedOut[user], let lines, !lines.isEmpty, !lines.contains(key.description) {
                stale.append(user)
            } else if made.contains(user) || waits != nil {
                if lines?.isEmpty == false { unrenewed.append(user) } else { waiting.append(user) }
            } else if held.handedOut[user] == nil, lines?.isEmpty == false {
                unheld.append(user)
            }
        }
    }

    /// A line for each thing that an administrator has to know.
    package var warnings: [String] {
        func people(_ users: [UserName]) -> String { users.map(\.rawValue).joined(separator: ", ") }
        var lines: [String] = []
        if !waiting.isEmpty {
            lines.append("new keys wait, of \(people(waiting)): the cluster does not know them; run the same again")
        }
        if !unrenewed.isEmpty {
            lines.append(
                "keys were not renewed, of \(people(unrenewed)): their old ones open the cluster still; run the same "
                    + "with --renew-keys to go on")
        }
        if !stale.isEmpty {
            lines.append(
                "keys that lie here open nothing, of \(people(stale)): the cluster knows others; do not hand them out, and "
                    + "run the same with --renew-keys, which makes new ones for everybody")
        }
        if !unheld.isEmpty {
            let names = people(Array(unheld.prefix(KeyNews.namedUnheld)))
            let more = unheld.count > KeyNews.namedUnheld ? " and \(unheld.count - KeyNews.namedUnheld) more" : ""
            lines.append(
                "no key lies here of \(names)\(more), and the cluster knows theirs: it was handed out and taken away, or lies "
                    + "elsewhere; where it is lost, run the same with --renew-keys, which makes new ones for everybody")
        }
        for file in files.left {
            lines.append("\(file) is of nobody who is wanted any more, and not what was written: it is left alone")
        }
        return lines
    }
}

extension ClusterReport {
    /// Whose key to sign in with was written by this run.
    var keyed: Set<UserName> {
        let written = Set(
            steps.filter { $0.step.name == "ssh" && $0.step.outcome == .done }.compactMap(\.user))
        var users: Set<UserName> = []
        for case .authorize(let account, let need) in plan.steps.values.joined()
        where need.key && written.contains(account.name.rawValue) {
            users.insert(account.name)
        }
        return users
    }
}
