// SPDX-License-Identifier: Apache-2.0

/// Seconds of `90s`, `15m`, `12h`, `7d`, `D-HH[:MM[:SS]]` or `HH:MM:SS`. A number without a unit is none.
package func parseDuration(_ text: String) -> Int64? {
    guard let last = text.last else { return nil }
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
    if let unit = units[last] { return digits(text.dropLast()).flatMap { product($0, unit) } }
    let halves = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    if halves.count == 2 {
        guard let days = digits(halves[0]), let clock = clock(halves[1], parts: 1...3),
            let seconds = product(days, 86400)
        else { return nil }
        return sum(seconds, clock)
    }
    return clock(text[...], parts: 3...3)
}

/// Bytes of `100K`, `512M`, `256G`, `2T` or `4096B`, in powers of 1024 as Slurm counts them.
func parseSize(_ text: String) -> Int64? {
    guard let last = text.last else { return nil }
    let units: [Character: Int64] = ["B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
    guard let unit = units[last] else { return nil }
    return digits(text.dropLast()).flatMap { product($0, unit) }
}

private func clock(_ text: Substring, parts: ClosedRange<Int>) -> Int64? {
    let fields = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.contains(fields.count) else { return nil }
    var total: Int64 = 0
    for (index, unit) in [Int64(3600), 60, 1].prefix(fields.count).enumerated() {
        guard let value = digits(fields[index]), index == 0 || value < 60, let seconds = product(value, unit),
            let next = sum(total, seconds)
        else { return nil }
        total = next
    }
    return total
}

private func digits(_ text: Substring) -> Int64? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int64(text)
}

private func product(_ left: Int64, _ right: Int64) -> Int64? {
    let (value, overflow) = left.multipliedReportingOverflow(by: right)
    return overflow ? nil : value
}

private func sum(_ left: Int64, _ right: Int64) -> Int64? {
    let (value, overflow) = left.addingReportingOverflow(right)
    return overflow ? nil : value
}
