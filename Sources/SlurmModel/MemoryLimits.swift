// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// What slurm.conf(5) says of a whole cluster's memory: MaxMemPerCPU or MaxMemPerNode, the most that a job may ask for, and
/// DefMemPerCPU or DefMemPerNode, what a job gets that says nothing. A partition's own go first, whichever of the two it has.
///
/// slurmrestd reports those of partitions, and never the cluster's. Nil is none.
package struct MemoryLimits: Sendable, Equatable, CustomStringConvertible {
    /// Of the two that a pair has, Slurm keeps the one that was said last.
    package enum Amount: Sendable, Equatable {
        case perCPU(Memory)
        case perNode(Memory)
    }

    package var maximum: Amount?
    package var usual: Amount?

    /// A cluster that limits nothing, and gives all memory of a node.
    package static let nothing = MemoryLimits(maximum: nil, usual: nil)

    package init(maximum: Amount?, usual: Amount?) {
        self.maximum = maximum
        self.usual = usual
    }

    /// Reads `MaxMemPerCPU=4000,DefMemPerCPU=2000`: names in whatever case, memory in MiB, 0 and UNLIMITED for none, and blanks
    /// around `=`, as `scontrol show config` prints them.
    /// - Throws: `SallyError(.invalidRequest)`, also for both of a pair.
    package init(_ text: String) throws {
        var said: Set<String> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
                MemoryLimits.bare)
            guard sides.count == 2, let amount = MemoryLimits.amount(sides[1]) else { throw MemoryLimits.refused(text) }
            let name = sides[0].lowercased()
            guard said.insert(String(name.prefix(3))).inserted else { throw MemoryLimits.refused(text) }
            let memory = amount > 0 ? Memory(mebibytes: Int64(amount)) : nil
            switch name {
            case "maxmempercpu": maximum = memory.map { .perCPU($0) }
            case "maxmempernode": maximum = memory.map { .perNode($0) }
            case "defmempercpu": usual = memory.map { .perCPU($0) }
            case "defmempernode": usual = memory.map { .perNode($0) }
            default: throw MemoryLimits.refused(text)
            }
        }
    }

    package var description: String {
        let parts = [maximum.map { "Max\($0.setting)" }, usual.map { "Def\($0.setting)" }].compactMap(\.self)
        return parts.isEmpty ? "none" : parts.joined(separator: ",")
    }

    /// MiB; 0 is none.
    private static func amount(_ text: Substring) -> Int? { text.lowercased() == "unlimited" ? 0 : decimal(text) }

    private static func bare(_ text: Substring) -> Substring {
        let head = text.drop { $0 == " " }
        return head.prefix((head.lastIndex { $0 != " " }).map { head.distance(from: head.startIndex, to: $0) + 1 } ?? 0)
    }

    private static func refused(_ text: String) -> SallyError {
        SallyError(
            .invalidRequest, "memory limits \(quoted(text)) are not valid",
            hint: "MaxMemPerCPU=MIB,DefMemPerCPU=MIB, or either with PerNode, as `scontrol show config` writes them")
    }
}

extension MemoryLimits.Amount {
    fileprivate var setting: String {
        switch self {
        case .perCPU(let memory): "MemPerCPU=\(memory.mebibytes)"
        case .perNode(let memory): "MemPerNode=\(memory.mebibytes)"
        }
    }
}
