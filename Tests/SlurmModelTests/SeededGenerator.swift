// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// The same numbers for the same seed, on every machine (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
    mutating func one<Element>(of elements: [Element]) -> Element { elements[below(elements.count)] }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    /// How many cases a fuzz test tries: few in every run, `make fuzz` says a million.
    static let cases = ProcessInfo.processInfo.environment["SALLYPORT_FUZZ_CASES"].flatMap { Int($0) } ?? 5_000
    /// Printed with a failure; another one with SALLYPORT_FUZZ_SEED.
    static let seed = ProcessInfo.processInfo.environment["SALLYPORT_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
}
