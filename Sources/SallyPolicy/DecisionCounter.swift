// SPDX-License-Identifier: Apache-2.0

/// Where decisions are counted for metrics. Called after the decision; must return at once.
package protocol DecisionCounter: Sendable {
    /// - Parameter action: `Action.verb`, or `SystemAction.name`.
    func count(_ action: String, _ outcome: DecisionOutcome)
}

package enum DecisionOutcome: String, Sendable, CaseIterable {
    case allowed
    case refused
    /// The session was not live any more.
    case unauthenticated
    /// A submission that had come before.
    case repeated
}

/// Counts nothing.
package struct NoDecisionCounter: DecisionCounter {
    package init() {}
    package func count(_ action: String, _ outcome: DecisionOutcome) {}
}
