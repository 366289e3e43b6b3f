// SPDX-License-Identifier: Apache-2.0

/// Trackable resources as slurmctld writes them: `cpu=4,mem=8G,node=1,billing=4,gres/gpu:a100=2`.
package struct TRES: Sendable, Hashable {
    /// Amounts as they are written, by name. Memory has a unit.
    package let amounts: [String: String]

    /// What is not `name=amount` is left out: it comes from Slurm and is shown, not judged.
    package init(_ text: String) {
        var amounts: [String: String] = [:]
        for part in text.split(separator: ",") {
            guard let equals = part.firstIndex(of: "=") else { continue }
            amounts[String(part[..<equals])] = String(part[part.index(after: equals)...])
        }
        self.amounts = amounts
    }

    package var cpus: Int? { amounts["cpu"].flatMap { Int($0) } }
    package var nodes: Int? { amounts["node"].flatMap { Int($0) } }

    /// Nil where it is not there or cannot be read. slurmctld writes fractions: `1.50G`.
    package var memory: Memory? {
        guard let text = amounts["mem"] else { return nil }
        if let memory = try? Memory(text) { return memory }  // nil: a fraction, or nothing
        guard let unit = text.last, let factor = ["K": 1.0 / 1024, "M": 1, "G": 1024, "T": 1_048_576][unit],
            let number = Double(text.dropLast()), number >= 0, number * factor <= 1e12
        else { return nil }
        return Memory(mebibytes: Int64((number * factor).rounded(.up)))
    }

    package var gpus: GPUCounts {
        var typed: [String: Int] = [:]
        for (name, amount) in amounts where name.hasPrefix("gres/gpu:") {
            typed[String(name.dropFirst(9))] = TRES.count(amount)
        }
        let all = amounts["gres/gpu"].map(TRES.count) ?? 0
        return GPUCounts(byType: typed, untyped: max(0, all - typed.values.reduce(0, +)))
    }

    /// So small that sums of them can be held.
    private static func count(_ amount: String) -> Int { min(max(Int(amount) ?? 0, 0), 1_000_000_000) }
}
