// SPDX-License-Identifier: Apache-2.0

import SallyModel
package import SallyPolicy

/// The policy file: `rules`, each allowing or denying. docs/policy.schema.json describes the same.
package enum PolicyFile: ConfigFile {
    package static func read(_ box: ConfigSectionBox) -> Policy? {
        let section = box.section
        guard let items = section.required("rules")?.list() else { return nil }
        var rules: [Rule] = []
        var seen: Set<RuleName> = []
        for item in items {
            guard let rule = readRule(item) else { continue }
            if seen.insert(rule.name).inserted {
                rules.append(rule)
            } else {
                let _: Never? = item.fail("two rules have the name \(rule.name)")
            }
        }
        do {
            return try Policy(rules: rules)
        } catch {
            section.report(error.description)
            return nil
        }
    }

    private static func readRule(_ value: ConfigValue) -> Rule? {
        guard let section = value.section() else { return nil }
        defer { section.close() }
        let name = section.required("name")?.name(RuleName.self)
        let effect = section.required("effect")?.choice(Rule.Effect.self)
        let people = readPeople(section)
        let names = Names(section: section, effect: effect)
        let clusters = names.whole("clusters", ClusterName.self)
        let partitions = names.whole("partitions", PartitionName.self)
        let accounts = names.whole("accounts", AccountName.self)
        let qos = section.optional("qos").map { names.selection($0, QOSName.self) }
        let reservations = section.optional("reservations").map { names.selection($0, ReservationName.self) }
        let limits = readLimits(section.optional("limits"))
        if effect == .deny, let limits, !limits.isEmpty {
            section.report("limits belong to allow rules; a deny rule refuses whatever the size")
            return nil
        }
        guard let name, let effect, let people, let clusters, let partitions, let accounts, let limits,
            qos.map({ $0 != nil }) ?? true, reservations.map({ $0 != nil }) ?? true
        else { return nil }
        return Rule(
            name: name, effect: effect, people: people, clusters: clusters, partitions: partitions, accounts: accounts,
            qos: qos ?? nil, reservations: reservations ?? nil, limits: limits)
    }

    private static func readPeople(_ section: ConfigSection) -> People? {
        let groups = section.optional("groups")
        let everyone = section.optional("everyone")
        switch (groups, everyone) {
        case (let groups?, nil): return groups.set { $0.name(GroupName.self) }.map { .groups($0) }
        case (nil, let everyone?):
            guard let value = everyone.bool() else { return nil }
            return value ? .everyone : everyone.fail("either `everyone: true` or groups")
        case (nil, nil), (_?, _?):
            section.report("whom the rule is about is wanted: either groups or `everyone: true`")
            return nil
        }
    }

    private static func readLimits(_ value: ConfigValue?) -> Limits? {
        guard let value else { return Limits() }
        guard let section = value.section() else { return nil }
        defer { section.close() }
        let gpus = section.optional("gpus")
        let types = section.optional("gpus_by_type")
        return Limits(
            nodes: section.optional("nodes")?.integer(in: 0...1_000_000),
            cpus: section.optional("cpus")?.integer(in: 0...1_000_000_000),
            memory: section.optional("memory")?.size(in: 0...(1 << 60)),
            gpus: gpus?.integer(in: 0...1_000_000), gpusByType: types.map(readTypes) ?? [:],
            time: section.optional("time")?.duration(in: 1...(10 * 366 * 86400)),
            arrayTasks: section.optional("array_tasks")?.integer(in: 0...4_000_001))
    }

    private static func readTypes(_ value: ConfigValue) -> [String: Int] {
        guard let section = value.section() else { return [:] }
        var types: [String: Int] = [:]
        for (type, value) in section.named() {
            if PartitionName(rawValue: type) == nil {
                let _: Never? = value.fail("\(quoted(type)) is no type of GPU, such as a100")
            } else if let count = value.integer(in: 0...1_000_000) {
                types[type.lowercased()] = count
            }
        }
        if types.isEmpty { let _: Never? = value.fail("at least one type of GPU is wanted") }
        return types
    }
}

/// The names of one rule. An allow rule says `any` or a list; a deny rule may leave a key away for `any`.
private struct Names {
    let section: ConfigSection
    let effect: Rule.Effect?

    func whole<Element: Name>(_ key: String, _ type: Element.Type) -> Selection<Element>? {
        switch effect {
        case .deny:
            guard let value = section.optional(key) else { return .any }
            return selection(value, type)
        case .allow, nil: return section.required(key).flatMap { selection($0, type) }
        }
    }

    func selection<Element: Name>(_ value: ConfigValue, _ type: Element.Type) -> Selection<Element>? {
        if case .scalar("any") = value.node.content { return .any }
        guard case .list = value.node.content else { return value.fail("a list of names, or the word any, is wanted") }
        return value.set { $0.name(type) }.map { .only($0) }
    }
}
