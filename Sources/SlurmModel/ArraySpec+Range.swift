// SPDX-License-Identifier: Apache-2.0

extension ArraySpec {
    /// A part of the list: `5`, `1-9`, `0-100:10`.
    struct Range: CustomStringConvertible, Hashable, Sendable {
        let first: Int
        /// The last index that the step reaches.
        let last: Int
        let step: Int

        init?(_ text: Substring) {
            let halves = text.split(separator: ":", omittingEmptySubsequences: false)
            let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false).map { decimal($0) }
            guard halves.count <= 2, (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
                first <= last, last < ArraySpec.limit
            else { return nil }
            guard halves.count == 1 || ends.count == 2, let step = halves.count == 2 ? decimal(halves[1]) : 1, step > 0
            else { return nil }
            self.first = first
            self.last = last - (last - first) % step
            // A step that is never taken is none.
            self.step = self.last == first ? 1 : step
        }

        var count: Int { (last - first) / step + 1 }

        var description: String {
            first == last ? "\(first)" : "\(first)-\(last)" + (step == 1 ? "" : ":\(step)")
        }

        /// Whether any index is in two of them. The work does not grow with how many indexes there are.
        static func overlap(_ ranges: [Range]) -> Bool {
            let sorted = ranges.sorted { $0.first < $1.first }
            for (place, range) in sorted.enumerated() {
                for later in sorted[(place + 1)...] {
                    if later.first > range.last { break }
                    if range.meets(later) { return true }
                }
            }
            return false
        }

        /// Two progressions meet where one number leaves the right rest by both steps (Chinese remainder theorem), if that is in
        /// both. Products stay far below what an Int holds: everything is below `ArraySpec.limit`.
        private func meets(_ other: Range) -> Bool {
            if first == last { return other.contains(first) }
            if other.first == other.last { return contains(other.first) }
            let (divisor, inverse) = Range.inverse(step, other.step)
            let distance = other.first - first
            guard distance % divisor == 0 else { return false }
            let period = other.step / divisor
            // The least multiple of our step that reaches one of the other's indexes, ours and theirs going on for ever.
            let steps = (distance / divisor % period * inverse % period + period) % period
            var meeting = first + steps * step
            let round = step * period
            let least = max(first, other.first)
            if meeting < least { meeting += (least - meeting + round - 1) / round * round }
            return meeting <= min(last, other.last)
        }

        func contains(_ index: Int) -> Bool {
            index >= first && index <= last && (index - first) % step == 0
        }

        /// The greatest common divisor, and what `value / divisor` is to be multiplied by for 1 modulo `modulus / divisor`.
        private static func inverse(_ value: Int, _ modulus: Int) -> (divisor: Int, inverse: Int) {
            var (remainder, next) = (value, modulus)
            var (factor, nextFactor) = (1, 0)
            while next != 0 {
                let quotient = remainder / next
                (remainder, next) = (next, remainder - quotient * next)
                (factor, nextFactor) = (nextFactor, factor - quotient * nextFactor)
            }
            return (remainder, factor)
        }
    }
}
