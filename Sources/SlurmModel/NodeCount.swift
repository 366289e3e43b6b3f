// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// How many nodes: `2`, `2-4`, `1k` (sbatch(1) --nodes). The larger number bounds what the job can use.
package struct NodeCount: Sendable, Hashable, CustomStringConvertible {
    package var minimum: Int
    package var maximum: Int

    package init(minimum: Int, maximum: Int) {
        self.minimum = minimum
        self.maximum = maximum
    }

    /// - Throws: `SallyError(.invalidRequest)`; lists and steps (`2,4`, `2-8:2`) are refused like everything else.
    package init(_ text: String) throws {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(NodeCount.number)
        guard (1...2).contains(parts.count), let first = parts[0], let last = parts[parts.count - 1], first > 0,
            first <= last
        else {
            throw SallyError(
                .invalidRequest, "nodes \(quoted(text)) is not valid", hint: "a number or MINIMUM-MAXIMUM, such as 2-4")
        }
        minimum = first
        maximum = last
    }

    package var description: String { minimum == maximum ? "\(minimum)" : "\(minimum)-\(maximum)" }

    private static func number(_ text: Substring) -> Int? {
        let factor: Int
        switch text.last {
        case "k", "K": factor = 1024
        case "m", "M": factor = 1_048_576
        default: return decimal(text).flatMap { $0 <= 10_000_000 ? $0 : nil }
        }
        return decimal(text.dropLast()).flatMap { $0 * factor <= 10_000_000 ? $0 * factor : nil }
    }
}
