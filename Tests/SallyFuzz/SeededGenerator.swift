// SPDX-License-Identifier: Apache-2.0

/// The same numbers for the same seed, on every machine (SplitMix64).
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(_ seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return SeededGenerator.mixed(state)
    }

    /// Numbers that are near each other become numbers that are not.
    static func mixed(_ number: UInt64) -> UInt64 {
        var value = number
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    package mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
    package mutating func one<Element>(of elements: [Element]) -> Element { elements[below(elements.count)] }
    package mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    /// Most often one of `examples` with a few changes; else letters as they come.
    package mutating func text(like examples: [String], of letters: [UInt8]) -> String {
        var bytes = chance(70) ? Array(one(of: examples).utf8) : []
        change(&bytes, times: bytes.isEmpty ? below(12) : below(4), letters)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Bytes become others, go, come and are said again.
    package mutating func change(_ bytes: inout [UInt8], times: Int, _ letters: [UInt8]) {
        for _ in 0..<times {
            let letter = one(of: letters)
            let place = below(bytes.count + 1)
            switch below(5) {
            case 0 where place < bytes.count: bytes[place] = letter
            case 1 where place < bytes.count: bytes.remove(at: place)
            case 2 where place < bytes.count: bytes.insert(contentsOf: bytes[place...].prefix(1 + below(12)), at: place)
            case 3 where chance(20): bytes.removeSubrange(place...)
            default: bytes.insert(letter, at: place)
            }
        }
    }
}
