// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// Who may do what where. Immutable; default deny; deny wins.
///
/// A job needs, for each partition that it names or may be handed on to (slurm.conf(5), Alternate), one allow rule that matches
/// person, cluster, partition, account, QOS and reservation together and whose limits it keeps, and no deny rule that matches any
/// of them.
package struct Policy: Sendable, Equatable {
    package let rules: [Rule]

    /// - Throws: `PolicyError` when two rules have one name, a deny rule has limits, or a limit is negative.
    package init(rules: [Rule]) throws(PolicyError) {
        var seen: Set<RuleName> = []
        for rule in rules {
            guard seen.insert(rule.name).inserted else { throw .repeatedName(rule.name) }
            if rule.effect == .deny, !rule.limits.isEmpty { throw .limitsInDenyRule(rule.name) }
            guard rule.limits.isSensible else { throw .negativeLimit(rule.name) }
        }
        self.rules = rules
    }

    /// Decides. Pure: the same question has the same answer, and nothing is recorded.
    package func decide(_ question: Question, for person: Asker) -> Decision {
        explain(question, for: person).decision
    }

    /// The decision with what every rule says to it: what `can-i` shows. `decide` is this and nothing else.
    package func explain(_ question: Question, for person: Asker) -> Explanation {
        switch question {
        case .submit(let cluster, let job, let bounds):
            explain(JobFacts(job, bounds), on: cluster, for: person)
        case .become(let cluster, let outcomes):
            explain(outcomes.map { JobFacts($0) }, on: cluster, for: person)
        case .own(let cluster, let owner) where owner != person.account:
            Explanation(refused: .denied("what belongs to \(owner) is not for \(person.account)", on: cluster))
        case .own(let cluster, _), .look(let cluster):
            explainUse(of: cluster, for: person)
        case .selfService:
            Explanation(decision: .allowed(Grant(label: "self-service")), verdicts: [])
        case .administer:
            switch person.role {
            case .administrator: Explanation(decision: .allowed(Grant(label: "role administrator")), verdicts: [])
            case .researcher:
                Explanation(
                    refused: Refusal(
                        code: .denied, message: "\(person.account) is not an administrator",
                        hint: "an administrator can grant it with `sallyd admin grant`"))
            }
        }
    }
}

/// Who asks, as far as policy is concerned.
package struct Asker: Sendable, Equatable {
    package var account: UserName
    package var groups: Set<GroupName>
    package var role: Principal.Role

    package init(account: UserName, groups: Set<GroupName>, role: Principal.Role) {
        self.account = account
        self.groups = groups
        self.role = role
    }

    package init(_ principal: Principal) {
        self.init(account: principal.account.name, groups: principal.groups, role: principal.role)
    }
}

/// Why rules do not make a policy.
package enum PolicyError: Error, Equatable, CustomStringConvertible {
    case repeatedName(RuleName)
    case limitsInDenyRule(RuleName)
    case negativeLimit(RuleName)

    package var description: String {
        switch self {
        case .repeatedName(let name): "two rules have the name \(name)"
        case .limitsInDenyRule(let name): "rule \(name) denies and has limits; limits belong to allow rules"
        case .negativeLimit(let name): "rule \(name) has a negative limit"
        }
    }
}

extension Limits {
    fileprivate var isSensible: Bool {
        [nodes, cpus, gpus, arrayTasks].allSatisfy { ($0 ?? 0) >= 0 } && gpusByType.values.allSatisfy { $0 >= 0 }
            && (memory ?? 0) >= 0 && (time ?? .zero) >= .zero
    }
}
