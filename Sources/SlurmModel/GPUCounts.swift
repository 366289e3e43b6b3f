// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// GPUs by type; those without a type apart, because Slurm may hand out any for them.
package struct GPUCounts: Sendable, Hashable, CustomStringConvertible {
    package var byType: [String: Int] = [:]
    package var untyped = 0

    /// The most types in one request. Each is told in events and messages, and multiplied there by its number.
    static let mostTypes = 64

    package init() {}

    package init(byType: [String: Int], untyped: Int) {
        self.byType = byType
        self.untyped = untyped
    }

    /// Reads the value of --gpus, --gpus-per-node or --gpus-per-task: `2`, `a100:2`, `a100:1,v100:1`.
    /// - Throws: `SallyError(.invalidRequest)`.
    package init(gpus text: String) throws {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let pieces = part.split(separator: ":", omittingEmptySubsequences: false)
            switch pieces.count {
            case 1:
                guard let count = decimal(pieces[0]) else { throw GPUCounts.refused(text) }
                try add(nil, count, text)
            case 2:
                guard let count = decimal(pieces[1]) else { throw GPUCounts.refused(text) }
                try add(String(pieces[0]), count, text)
            default: throw GPUCounts.refused(text)
            }
        }
    }

    /// Reads the value of --gres: `gpu`, `gpu:2`, `gpu:a100:2`, `gpu=2`, `gres/gpu:a100=2`, in a list. `none` is nothing.
    /// - Throws: `SallyError(.unsupported)` for another resource than `gpu`: policy counts no others.
    package init(gres text: String) throws {
        if text.lowercased() == "none" { return }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            var item = part
            if item.hasPrefix("gres/") || item.hasPrefix("gres:") { item = item.dropFirst(5) }
            var count = 1
            if let equals = item.firstIndex(of: "=") {
                guard let number = decimal(item[item.index(after: equals)...]) else { throw GPUCounts.refused(text) }
                count = number
                item = item[..<equals]
            }
            var pieces = item.split(separator: ":", omittingEmptySubsequences: false)
            guard pieces[0] == "gpu" else {
                throw SallyError(
                    .unsupported, "generic resource \(quoted(String(pieces[0]))) is not offered", hint: "only gpu is")
            }
            if !item.contains("="), part.firstIndex(of: "=") == nil, pieces.count > 1,
                let number = decimal(pieces[pieces.count - 1])
            {
                count = number
                pieces.removeLast()
            }
            switch pieces.count {
            case 1: try add(nil, count, text)
            case 2: try add(String(pieces[1]), count, text)
            default: throw GPUCounts.refused(text)
            }
        }
    }

    package var isEmpty: Bool { byType.isEmpty && untyped == 0 }
    /// Of whatever type.
    package var total: Int { byType.values.reduce(untyped) { $0.saturatingAdd($1) } }

    /// `a100:2,v100:1,1`, types in order.
    package var description: String {
        (parts { "\($0):\($1)" } + (untyped > 0 ? ["\(untyped)"] : [])).joined(separator: ",")
    }

    /// `gres/gpu:a100:2,gres/gpu:1`, as slurmctld spells trackable resources of a job.
    var tres: String {
        (parts { "gres/gpu:\($0):\($1)" } + (untyped > 0 ? ["gres/gpu:\(untyped)"] : [])).joined(separator: ",")
    }

    /// `gpu:a100:2,gpu:1`, as --gres spells it.
    var gres: String {
        (parts { "gpu:\($0):\($1)" } + (untyped > 0 ? ["gpu:\(untyped)"] : [])).joined(separator: ",")
    }

    package static func + (left: Self, right: Self) -> Self {
        GPUCounts(
            byType: left.byType.merging(right.byType) { $0.saturatingAdd($1) },
            untyped: left.untyped.saturatingAdd(right.untyped))
    }

    package static func * (left: Self, factor: Int) -> Self {
        GPUCounts(
            byType: left.byType.mapValues { $0.saturatingMultiply(factor) },
            untyped: left.untyped.saturatingMultiply(factor))
    }

    /// Types as policy knows them.
    var inLowerCase: GPUCounts {
        GPUCounts(
            byType: Dictionary(byType.map { ($0.key.lowercased(), $0.value) }) { $0.saturatingAdd($1) },
            untyped: untyped)
    }

    /// With at least so many of each type, and at least so many in all.
    func atLeast(_ floor: GPUCounts) -> GPUCounts {
        guard !floor.isEmpty else { return self }
        let (known, floor) = (inLowerCase, floor.inLowerCase)
        var counts = GPUCounts(
            byType: known.byType.merging(floor.byType, uniquingKeysWith: max), untyped: known.untyped)
        if floor.total > counts.total { counts.untyped = counts.untyped.saturatingAdd(floor.total - counts.total) }
        return counts
    }

    private func parts(_ text: (String, Int) -> String) -> [String] {
        byType.sorted { $0.key < $1.key }.map { text($0.key, $0.value) }
    }

    /// GPUs of a type and GPUs without one in the same request are refused: slurmctld reads such lists differently from
    /// version to version.
    private mutating func add(_ type: String?, _ count: Int, _ text: String) throws {
        guard count > 0, count <= 1_000_000 else { throw GPUCounts.refused(text) }
        guard let type else {
            guard byType.isEmpty, untyped == 0 else { throw GPUCounts.refused(text) }
            untyped = count
            return
        }
        guard untyped == 0, byType.count < GPUCounts.mostTypes, byType[type] == nil, isGPUType(type) else {
            throw GPUCounts.refused(text)
        }
        byType[type] = count
    }

    private static func refused(_ text: String) -> SallyError {
        SallyError(
            .invalidRequest, "GPUs \(quoted(text)) are not valid",
            hint: "a number, or TYPE:NUMBER for each type, such as 2 or a100:2; at most \(mostTypes) types")
    }
}

/// A type in gres.conf(5): it begins with a letter, so that it is never taken for a number.
private func isGPUType(_ text: String) -> Bool {
    guard let first = text.utf8.first, (first | 0x20) >= 0x61, (first | 0x20) <= 0x7a else { return false }
    return text.utf8.count <= 64
        && text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
            default: false
            }
        }
}

extension Int {
    func saturatingAdd(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
    func saturatingMultiply(_ other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
