// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// An action that was decided and, where it is of the recorded kind, whose decision is durable.
///
/// Only `Gate` makes one, after its transaction committed. What talks to Slurm takes nothing else.
package struct Authorized<Subject: Sendable>: Sendable {
    package let action: Subject
    package let actor: Actor
    /// The place of the decision in the audit chain; nil for reads that are only counted.
    package let position: AuditPosition?
    package let decidedAt: Timestamp

    init(action: Subject, actor: Actor, position: AuditPosition?, decidedAt: Timestamp) {
        self.action = action
        self.actor = actor
        self.position = position
        self.decidedAt = decidedAt
    }

    /// The account in whose name the action is done; nil for the gateway itself and for a local administrator.
    package var account: Account? {
        switch actor {
        case .person(let principal): principal.account
        case .localAdministrator, .system: nil
        }
    }
}
