// SPDX-License-Identifier: Apache-2.0

extension SlurmRecord {
    /// Leaves of the objects that stand in the list `key` those that say all of `wanted`, by their own keys. What does not say
    /// it goes, too.
    package mutating func keep(_ key: String, where wanted: [String: String]) {
        guard let slot = noun.table.slot(key), let inner = noun.table.fields[slot].inner,
            case .records(let objects) = values[slot]
        else { return }
        let left = objects.filter { object in
            wanted.allSatisfy { name, text in
                guard let place = inner.slot(name), let said = object[place].text else { return false }
                return said.utf8.elementsEqual(text.utf8)
            }
        }
        values[slot] = left.isEmpty ? .unset : .records(left)
    }

    /// Amounts of trackable resources as sacctmgr(1) spells them: `cpu=4,gres/gpu=2`. Nil where no amount is set.
    package func tres(_ key: String) -> String? {
        guard let slot = noun.table.slot(key), let inner = noun.table.fields[slot].inner,
            case .records(let objects) = values[slot], let type = inner.slot("type"), let name = inner.slot("name"),
            let count = inner.slot("count")
        else { return nil }
        let amounts = objects.compactMap { object -> String? in
            // Below zero are INFINITE and NO_VAL64.
            guard let kind = object[type].text, let amount = object[count].integer, amount >= 0 else { return nil }
            return "\(kind)\(object[name].text.map { "/\($0)" } ?? "")=\(amount)"
        }
        return amounts.isEmpty ? nil : amounts.joined(separator: ",")
    }
}
