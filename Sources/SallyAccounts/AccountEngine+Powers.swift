// SPDX-License-Identifier: Apache-2.0

package import SallyModel
import SallyTransport

/// Looking again at accounts that were found well before: somebody may have given them power since.
extension AccountEngine {
    /// What stands in the way of `account` by now. Machines other than the controller that do not answer are left out:
    /// nobody is refused because of a machine that is down, and nobody uses power there meanwhile.
    ///
    /// - Throws: `SallyError(.unavailable)` when the controller does not answer.
    package func recheck(_ account: DesiredAccount) async throws -> [AccountConflict] {
        let layout = layout
        let subject = ProbeScript.Subject(name: account.name, uid: account.uid, home: nil)
        let answers = await onEach(layout.probedNodes) { node in
            ProbeScript.make([subject], groups: Set(account.groups), on: node, in: layout)
        }
        var observed: [NodeName: NodeObservation] = [:]
        for (node, answer) in answers {
            do {
                let completion = try answer.get()
                guard completion.succeeded else {
                    throw SallyError(
                        .unavailable, "node \(node) cannot be looked at",
                        hint: "is Slurm's accounting running there?",
                        cause: "status \(completion.status): \(quoted(completion.errorOutput))")
                }
                observed[node] = try NodeObservation(parsing: completion.output, node: node)
            } catch  where node != layout.controller {
                continue
            }
        }
        return AccountConflict.find(account, on: observed.keys.sorted(), observed: observed, layout: layout)
    }

    /// Who of `users` is an administrator of Slurm or in a privileged group of the controller, and why. One connection
    /// and two commands, whatever their number.
    ///
    /// - Throws: `SallyError(.unavailable)` when the controller or Slurm's accounting does not answer.
    package func powerful(among users: Set<UserName>) async throws -> [UserName: String] {
        let script = PowerScript.make(among: users, in: layout)
        var reasons: [UserName: String] = [:]
        for (node, answer) in await onEach([layout.controller], { _ in script }) {
            let completion = try answer.get()
            guard completion.succeeded else {
                throw SallyError(
                    .unavailable, "node \(node) does not say who has power there",
                    hint: "is Slurm's accounting running there?",
                    cause: "status \(completion.status): \(quoted(completion.errorOutput))")
            }
            let seen = try NodeObservation(parsing: completion.output, node: node)
            for user in users { reasons[user] = AccountConflict.powers(of: user, seen).first }
        }
        return reasons
    }
}
