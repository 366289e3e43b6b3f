// SPDX-License-Identifier: Apache-2.0

import SallyModel

extension JobPlace {
    private var scene: String { "partition \(partition) on \(cluster)" }

    /// The refusal with why a partition is judged that the job does not name (slurm.conf(5), Alternate).
    func told(_ refusal: Refusal) -> Refusal {
        guard let giver = job.givers[partition] else { return refusal }
        var told = refusal
        told.message = "partition \(giver) hands jobs on to \(partition): \(refusal.message)"
        return told
    }

    /// The refusal where deny rules match.
    func denied(by rules: [Rule]) -> Refusal {
        let names = rules.map(\.name)
        let verb = names.count == 1 ? "rule \(names[0]) denies" : "rules \(list(names)) deny"
        let unknownQOS = job.qos.isEmpty && job.defaultQOS == nil
        let onQOS = rules.allSatisfy { if case .only = $0.qos { true } else { false } }
        return Refusal(
            code: .denied, message: "\(verb) this job of \(person.account) in \(scene)",
            hint: unknownQOS && onQOS
                ? "the rule is about QOS and the default one is not known here: name a QOS with --qos"
                : "ask an administrator about \(names.count == 1 ? "this rule" : "these rules")",
            rules: names)
    }

    /// The refusal where no allow rule applies, told by the rules that came nearest.
    func ungranted(_ verdicts: [RuleVerdict], rules: [Rule]) -> Refusal {
        let allowing = verdicts.filter { $0.effect == .allow }
        let over = allowing.compactMap { verdict -> (rule: RuleName, excesses: [Excess])? in
            guard case .overLimit(let excesses) = verdict.outcome else { return nil }
            return (verdict.rule, excesses)
        }
        if let nearest = over.min(by: { $0.excesses.count < $1.excesses.count }) {
            return overLimit(nearest.rule, nearest.excesses)
        }
        let differences = allowing.compactMap { verdict -> RuleVerdict.Difference? in
            if case .differs(let difference) = verdict.outcome { difference } else { nil }
        }
        guard let nearest = differences.max() else { return notGranted(.cluster, near: [], all: rules) }
        let near = Set(allowing.filter { $0.outcome == .differs(nearest) }.map(\.rule))
        return notGranted(nearest, near: rules.filter { near.contains($0.name) }, all: rules)
    }

    private func overLimit(_ rule: RuleName, _ excesses: [Excess]) -> Refusal {
        Refusal(
            code: .limitExceeded,
            message:
                "over the limits of rule \(rule) for \(scene): \(excesses.map(\.description).joined(separator: "; "))",
            hint: hint(excesses), rules: [rule], excesses: excesses)
    }

    private func hint(_ excesses: [Excess]) -> String {
        if job.untypedGPUs > 0, excesses.contains(where: { $0.limit.hasPrefix("GPUs") }) {
            return "name the type of GPU, such as --gres=gpu:TYPE:1, and ask for no more than permitted"
        }
        // Where the job does not say what its GPUs bring, Slurm's own for each counts, or whole nodes.
        if job.gpus != 0, excesses.contains(where: { ["CPUs", "memory"].contains($0.limit) }) {
            return "ask for no more than permitted, and say what each GPU brings: --cpus-per-gpu and --mem-per-gpu"
        }
        if excesses.contains(where: { $0.asked == "no bound" }) {
            return "state what the job needs, such as --time, within the limit"
        }
        return "ask for no more than permitted, or ask an administrator"
    }

    private func notGranted(_ difference: RuleVerdict.Difference, near: [Rule], all: [Rule]) -> Refusal {
        func refusal(_ what: String, _ hint: String) -> Refusal {
            Refusal(code: .denied, message: "\(what): no rule grants it", hint: hint, rules: near.map(\.name))
        }
        switch difference {
        case .cluster:
            return refusal(
                "\(cluster) is not allowed for \(person.account)", "no rule is about \(cluster); ask an administrator")
        case .partition, .person:
            let yours = partitionsAllowed(by: all)
            let offer = difference == .person ? near.first?.offer : nil
            return refusal(
                "partition \(partition) is not allowed for \(person.account) on \(cluster)",
                offer.map { "\($0); ask an administrator" }
                    ?? (yours.isEmpty ? "ask an administrator" : "you may use: \(yours.joined(separator: ", "))"))
        case .account:
            return refusal(
                "account \(job.account) is not allowed for \(person.account) in \(scene)",
                permitted(near) { $0.accounts } ?? "ask an administrator")
        case .qos:
            return refusal(
                "QOS \(list(job.qos)) is not allowed for \(person.account) in \(scene)",
                permitted(near) { $0.qos } ?? "leave --qos away to use the default one, or ask an administrator")
        case .reservation:
            return refusal(
                "reservation \(list(job.reservations)) is not allowed for \(person.account) in \(scene)",
                permitted(near) { $0.reservations } ?? "leave --reservation away, or ask an administrator")
        }
    }

    /// Names of the partitions of this cluster that allow rules open to the person.
    private func partitionsAllowed(by rules: [Rule]) -> [String] {
        var names: Set<String> = []
        for rule in rules
        where rule.effect == .allow && rule.clusters.contains(cluster) && rule.people.include(person.groups) {
            if case .only(let partitions) = rule.partitions { names.formUnion(partitions.map(\.rawValue)) }
        }
        return names.sorted()
    }

    /// `rule hpc allows a, b`, of the first rule that names anything.
    private func permitted<Element: Name>(_ rules: [Rule], _ selection: (Rule) -> Selection<Element>?) -> String? {
        for rule in rules {
            guard case .only(let names)? = selection(rule) else { continue }
            return "rule \(rule.name) allows \(list(names.sorted()))"
        }
        return nil
    }
}

private func list(_ names: [some Name]) -> String { names.map(\.rawValue).joined(separator: ", ") }

extension Rule {
    /// To whom the rule gives what it gives: `rule gpu-users allows it to group demo:gpu-users`.
    var offer: String {
        switch people {
        case .everyone: "rule \(name) allows it to everyone"
        case .groups(let groups):
            "rule \(name) allows it to group\(groups.count == 1 ? "" : "s") \(groups.sorted().map(\.rawValue).joined(separator: ", "))"
        }
    }
}
