// SPDX-License-Identifier: Apache-2.0

package import SallyModel

extension Policy {
    /// Judges one job: each of its partitions, and each that may get it instead, needs an allow rule of its own, and no deny rule may match any.
    package func explain(_ job: JobFacts, on cluster: ClusterName, for person: Asker) -> Explanation {
        guard !job.partitions.isEmpty else {
            return Explanation(
                refused: Refusal(
                    code: .denied, message: "the job names no partition and \(cluster) has no default one",
                    hint: "name one with --partition"))
        }
        var verdicts: [RuleVerdict] = []
        var grants: [RuleName] = []
        var denied: Refusal?
        var ungranted: Refusal?
        for partition in job.partitions {
            let place = JobPlace(cluster: cluster, partition: partition, job: job, person: person)
            let said = rules.map {
                RuleVerdict(rule: $0.name, effect: $0.effect, partition: partition, outcome: $0.verdict(place))
            }
            verdicts += said
            let denying = said.filter { $0.effect == .deny && $0.outcome == .applies }.map(\.rule)
            if !denying.isEmpty {
                denied = denied ?? place.told(place.denied(by: rules.filter { denying.contains($0.name) }))
            } else if let granting = said.first(where: { $0.effect == .allow && $0.outcome == .applies }) {
                if !grants.contains(granting.rule) { grants.append(granting.rule) }
            } else {
                ungranted = ungranted ?? place.told(place.ungranted(said, rules: rules))
            }
        }
        let decision = (denied ?? ungranted).map { Decision.refused($0) } ?? .allowed(Grant(rules: grants))
        return Explanation(decision: decision, verdicts: verdicts)
    }

    /// Judges what may become of one job: each has to be allowed, and the first that is not speaks for all.
    func explain(_ jobs: [JobFacts], on cluster: ClusterName, for person: Asker) -> Explanation {
        var grants: [RuleName] = []
        var verdicts: [RuleVerdict] = []
        for job in jobs {
            let explanation = explain(job, on: cluster, for: person)
            verdicts += explanation.verdicts
            switch explanation.decision {
            case .refused: return explanation
            case .allowed(let grant): grants += grant.rules.filter { !grants.contains($0) }
            }
        }
        guard !jobs.isEmpty else {
            return Explanation(refused: .denied("a job of which nothing is known", on: cluster))
        }
        return Explanation(decision: .allowed(Grant(rules: grants)), verdicts: verdicts)
    }

    /// Whether some rule lets the person use `cluster` at all, and no deny rule shuts the person out of it.
    func explainUse(of cluster: ClusterName, for person: Asker) -> Explanation {
        let verdicts = rules.map { rule in
            let outcome: RuleVerdict.Outcome =
                if !rule.clusters.contains(cluster) {
                    .differs(.cluster)
                } else if !rule.people.include(person.groups) {
                    .differs(.person)
                } else if rule.effect == .deny, !rule.isWholesale {
                    .differs(.partition)
                } else {
                    .applies
                }
            return RuleVerdict(rule: rule.name, effect: rule.effect, partition: nil, outcome: outcome)
        }
        let applying = verdicts.filter { $0.outcome == .applies }
        let denying = applying.filter { $0.effect == .deny }.map(\.rule)
        if !denying.isEmpty {
            let refusal = Refusal(
                code: .denied, message: "\(describe(denying)) \(person.account) on \(cluster)",
                hint: "ask an administrator", rules: denying)
            return Explanation(decision: .refused(refusal), verdicts: verdicts)
        }
        if let granting = applying.first {
            return Explanation(decision: .allowed(Grant(rules: [granting.rule])), verdicts: verdicts)
        }
        let near = rules.filter { $0.effect == .allow && $0.clusters.contains(cluster) }
        let refusal = Refusal(
            code: .denied, message: "\(cluster) is not allowed for \(person.account): no rule grants it",
            hint: near.first.map { "\($0.offer); ask an administrator" }
                ?? "no rule is about \(cluster); ask an administrator",
            rules: near.map(\.name))
        return Explanation(decision: .refused(refusal), verdicts: verdicts)
    }
}

private func describe(_ denying: [RuleName]) -> String {
    denying.count == 1 ? "rule \(denying[0]) denies" : "rules \(denying.map(\.rawValue).joined(separator: ", ")) deny"
}

/// One partition of one job of one person.
struct JobPlace {
    let cluster: ClusterName
    let partition: PartitionName
    let job: JobFacts
    let person: Asker
}

extension Rule {
    /// What this rule says to a job in one of its partitions: the first thing that differs, from cluster to limits.
    fileprivate func verdict(_ place: JobPlace) -> RuleVerdict.Outcome {
        if !clusters.contains(place.cluster) { return .differs(.cluster) }
        if !partitions.contains(place.partition) { return .differs(.partition) }
        if !people.include(place.person.groups) { return .differs(.person) }
        if !accounts.contains(place.job.account) { return .differs(.account) }
        if !matchesQOS(place.job) { return .differs(.qos) }
        if !matchesReservations(place.job) { return .differs(.reservation) }
        switch effect {
        case .deny: return .applies
        case .allow:
            let excesses = limits.excesses(of: place.job)
            return excesses.isEmpty ? .applies : .overLimit(excesses)
        }
    }

    private func matchesQOS(_ job: JobFacts) -> Bool {
        switch effect {
        case .allow: job.qos.allSatisfy { qos?.contains($0) ?? false }
        case .deny:
            switch qos {
            case nil, .any: true
            case .only(let refused):
                // A default QOS that is not known may be one of those refused.
                if job.qos.isEmpty {
                    job.defaultQOS.map { refused.contains($0) } ?? true
                } else {
                    !refused.isDisjoint(with: job.qos)
                }
            }
        }
    }

    private func matchesReservations(_ job: JobFacts) -> Bool {
        switch effect {
        case .allow: job.reservations.allSatisfy { reservations?.contains($0) ?? false }
        case .deny: reservations.map { refused in job.reservations.contains { refused.contains($0) } } ?? true
        }
    }
}
