// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The tasks of a job array: `0-99`, `1,3,5-7`, `0-100:10`, `0-99%5` (sbatch(1) --array).
package struct ArraySpec: Sendable, Hashable, CustomStringConvertible {
    /// Canonical, with the throttle.
    package let description: String
    /// How many tasks; each counts as a job for Slurm's own limits.
    package let count: Int
    /// The largest index; slurmctld wants it below MaxArraySize.
    package let largestIndex: Int
    /// At most so many tasks at once; nil is no limit.
    package let throttle: Int?
    private let ranges: [Range]

    /// The most that slurm.conf(5) permits for MaxArraySize.
    static let limit = 4_000_001

    /// - Throws: `SallyError(.invalidRequest)`, for indexes given twice as well.
    package init(_ text: String) throws {
        func refused(_ why: String) -> SallyError {
            SallyError(
                .invalidRequest, "array \(quoted(text)) is not valid: \(why)",
                hint: "indexes and ranges, such as 0-99, 1,3,5-7, 0-100:10 or 0-99%5")
        }
        let halves = text.split(separator: "%", omittingEmptySubsequences: false)
        guard halves.count <= 2, text.utf8.count <= 10_000 else { throw refused("more than one % or too long") }
        var throttle: Int?
        if halves.count == 2 {
            guard let number = decimal(halves[1]), number < ArraySpec.limit else { throw refused("the number after %") }
            throttle = number == 0 ? nil : number
        }
        var ranges: [Range] = []
        for part in halves[0].split(separator: ",", omittingEmptySubsequences: false) {
            guard let range = Range(part) else { throw refused("\(quoted(String(part))) is no index or range") }
            ranges.append(range)
        }
        guard ranges.count <= 1000, !Range.overlap(ranges) else { throw refused("an index is given twice") }
        count = ranges.reduce(0) { $0 + $1.count }
        largestIndex = ranges.map(\.last).max() ?? 0
        self.throttle = throttle
        self.ranges = ranges
        description = ranges.map(\.description).joined(separator: ",") + (throttle.map { "%\($0)" } ?? "")
    }

    package func contains(_ index: Int) -> Bool { ranges.contains { $0.contains(index) } }

    /// The indexes, in no order that means anything.
    package var indexes: Set<Int> {
        var result: Set<Int> = []
        for range in ranges { result.formUnion(stride(from: range.first, through: range.last, by: range.step)) }
        return result
    }
}
