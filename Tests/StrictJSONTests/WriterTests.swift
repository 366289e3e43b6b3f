// SPDX-License-Identifier: Apache-2.0

import StrictJSON
import Testing

@Suite struct WriterTests {
    private let value: JSONValue = ["b": [1, "x\"\\\n\u{1}\u{1f}é/"], "a": [:], "c": [], "d": nil]

    @Test func writesCompactly() {
        #expect(value.text() == #"{"b":[1,"x\"\\\n\u0001\u001fé/"],"a":{},"c":[],"d":null}"#)
    }

    @Test func sortsKeysByTheirBytes() {
        #expect(
            JSONValue.object(JSONObject([("b", 1), ("B", 2), ("é", 3), ("a", 4)])).text(.sorted)
                == #"{"B":2,"a":4,"b":1,"é":3}"#)
    }

    @Test func indentsForPeople() {
        let value: JSONValue = ["a": [1, [:]]]
        #expect(value.text(.indented) == "{\n  \"a\": [\n    1,\n    {}\n  ]\n}")
    }

    @Test func keepsNumbersAsWritten() throws {
        let text = "[1.0,1e400,-0,123456789012345678901234567890]"
        #expect(try JSONValue(parsing: text).text() == text)
    }

    @Test func objectsKeepOrderAndForget() {
        var object = JSONObject((0..<20).map { ("k\($0)", .integer($0)) })
        object["k3"] = nil
        object["k19"] = "last"
        object["new"] = true
        #expect(object.count == 20)
        #expect(object["k3"] == nil)
        #expect(object["k19"] == "last")
        #expect(Array(object).map(\.key).last == "new")
    }

    /// Whatever is written is read back as the same value, and written again as the same bytes.
    @Test(arguments: 0..<200) func readsBackWhatItWrote(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let value = random.value(depth: 5)
        for layout in [JSONLayout.compact, .sorted, .indented] {
            let bytes = value.bytes(layout)
            let read = try JSONValue(parsing: bytes)
            #expect(read == value)
            #expect(read.bytes(layout) == bytes)
        }
    }

    /// Broken texts are read or refused; nothing else happens, and what is read can be written.
    @Test(arguments: 0..<200) func survivesBrokenTexts(seed: UInt64) throws {
        var random = SeededRandom(seed: seed &+ 10_000)
        var bytes = random.value(depth: 4).bytes()
        for _ in 0..<50 {
            var broken = bytes
            for _ in 0...random.below(3) {
                let place = random.below(max(1, broken.count))
                switch random.below(3) {
                case 0: if !broken.isEmpty { broken[place % broken.count] = UInt8(random.below(256)) }
                case 1: broken.insert(UInt8(random.below(256)), at: place)
                default: if !broken.isEmpty { broken.remove(at: place % broken.count) }
                }
            }
            do throws(JSONError) {
                let value = try JSONValue(parsing: broken)
                #expect((try? JSONValue(parsing: value.bytes())) == value)  // nil would differ
            } catch {
                #expect((error.offset ?? 0) <= broken.count)
                #expect(!error.description.isEmpty)
            }
            bytes = broken.count < 4000 ? broken : bytes
        }
    }
}

/// Random numbers that are the same for the same seed (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &self) }

    mutating func text() -> String {
        String(
            String.UnicodeScalarView(
                (0..<below(12)).map { _ in
                    let range: ClosedRange<UInt32> = [0...0x7f, 0x80...0x7ff, 0x800...0xd7ff, 0x10000...0x10ffff][
                        below(4)]
                    return Unicode.Scalar(UInt32.random(in: range, using: &self)) ?? "x"
                }))
    }

    mutating func value(depth: Int) -> JSONValue {
        switch below(depth > 0 ? 7 : 5) {
        case 0: .null
        case 1: .bool(below(2) == 0)
        case 2: .integer(Int64.random(in: .min ... .max, using: &self))
        case 3: .number("\(Double.random(in: -1e9...1e9, using: &self))")
        case 4: .string(text())
        case 5: .array((0..<below(6)).map { _ in value(depth: depth - 1) })
        default: .object(JSONObject((0..<below(14)).map { ("k\($0)" + text(), value(depth: depth - 1)) }))
        }
    }
}
