// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// What policy says to a question.
package enum Decision: Sendable, Equatable {
    case allowed(Grant)
    case refused(Refusal)

    package var isAllowed: Bool {
        switch self {
        case .allowed: true
        case .refused: false
        }
    }
}

/// What a permission rests on.
package struct Grant: Sendable, Equatable {
    /// The allow rules, one for each partition in the order asked, without repetition; empty where no rule was needed.
    package var rules: [RuleName]
    /// For the audit event: rule names with commas, or what else the permission rests on.
    package var label: String

    init(rules: [RuleName]) {
        self.rules = rules
        label = rules.map(\.rawValue).joined(separator: ",")
    }

    init(label: String) {
        rules = []
        self.label = label
    }
}

/// Why not, which rules were nearest, and what to do about it.
package struct Refusal: Sendable, Equatable {
    /// `denied` or `limitExceeded`.
    package var code: SallyError.Code
    package var message: String
    package var hint: String?
    /// The deny rules that match, or the allow rules that came nearest.
    package var rules: [RuleName]
    /// What the nearest rule's limits say.
    package var excesses: [Excess]

    init(
        code: SallyError.Code, message: String, hint: String?, rules: [RuleName] = [], excesses: [Excess] = []
    ) {
        self.code = code
        self.message = message
        self.hint = hint
        self.rules = rules
        self.excesses = excesses
    }

    static func denied(_ message: String, on cluster: ClusterName) -> Refusal {
        Refusal(code: .denied, message: message, hint: "`sally jobs -M \(cluster)` lists what is yours")
    }

    /// For the audit event; nil when no rule came near.
    package var label: String? { rules.isEmpty ? nil : rules.map(\.rawValue).joined(separator: ",") }

    /// What people see.
    package var error: SallyError { SallyError(code, message, hint: hint) }
}

/// A decision with what each rule said.
package struct Explanation: Sendable, Equatable {
    package var decision: Decision
    /// In the order of the policy; for a job with several partitions, in the order asked and then of the policy.
    package var verdicts: [RuleVerdict]

    init(decision: Decision, verdicts: [RuleVerdict]) {
        self.decision = decision
        self.verdicts = verdicts
    }

    init(refused refusal: Refusal) {
        self.init(decision: .refused(refusal), verdicts: [])
    }
}

/// What one rule says to one question.
package struct RuleVerdict: Sendable, Equatable {
    package var rule: RuleName
    package var effect: Rule.Effect
    /// Nil where the question is not about a partition.
    package var partition: PartitionName?
    package var outcome: Outcome

    package enum Outcome: Sendable, Equatable {
        /// It matches: an allow rule grants, a deny rule denies.
        case applies
        /// It says nothing to this, because of the first thing that does not match.
        case differs(Difference)
        /// It matches and would grant a smaller job.
        case overLimit([Excess])
    }

    /// What does not match, from the furthest to the nearest.
    package enum Difference: Int, Sendable, Comparable {
        case cluster
        case partition
        case person
        case account
        case qos
        case reservation
        package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }
}
