// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// An amount of memory, in MiB, which is the unit in which Slurm counts it.
package struct Memory: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var mebibytes: Int64

    package init(mebibytes: Int64) { self.mebibytes = mebibytes }

    /// Reads a number with K, M, G or T, M if there is none (sbatch(1) --mem). Kilobytes are rounded up.
    /// - Throws: `SallyError(.invalidRequest)`.
    package init(_ text: String) throws {
        guard let amount = Memory.parse(text) else {
            throw SallyError(
                .invalidRequest, "memory \(quoted(text)) is not valid", hint: "a number with K, M, G or T, such as 4G")
        }
        mebibytes = amount
    }

    package var bytes: Int64 {
        let (bytes, overflow) = mebibytes.multipliedReportingOverflow(by: 1_048_576)
        return overflow ? (mebibytes < 0 ? .min : .max) : bytes
    }

    package var description: String {
        if mebibytes > 0, mebibytes % 1_048_576 == 0 { return "\(mebibytes / 1_048_576)T" }
        if mebibytes > 0, mebibytes % 1024 == 0 { return "\(mebibytes / 1024)G" }
        return "\(mebibytes)M"
    }

    package static func < (left: Self, right: Self) -> Bool { left.mebibytes < right.mebibytes }

    private static func parse(_ text: String) -> Int64? {
        var digits = Substring(text)
        if let last = digits.last, "bB".contains(last), digits.count > 1, digits.dropLast().last?.isNumber == false {
            digits = digits.dropLast()
        }
        let unit = digits.last.flatMap { $0.isNumber ? nil : $0 }
        if unit != nil { digits = digits.dropLast() }
        guard let number = decimal(digits) else { return nil }
        let amount: Int64
        switch unit {
        case "k", "K": amount = (Int64(number) + 1023) / 1024
        case nil, "m", "M": amount = Int64(number)
        case "g", "G": amount = Int64(number) * 1024
        case "t", "T": amount = Int64(number) * 1_048_576
        default: return nil
        }
        // 1 EiB: far more than any node has, and sums over nodes still fit.
        return amount <= 1 << 40 ? amount : nil
    }
}
