// SPDX-License-Identifier: Apache-2.0

import StrictJSON
import Testing

@Suite struct ParserTests {
    private static let good: [(String, JSONValue)] = [
        ("null", .null), (" true ", true), ("[]", []), ("{}", [:]), ("-0", .number("-0")),
        ("1.5e+10", .number("1.5e+10")), ("\"\"", ""), (#""a\u0041\n\"\\\/\b\f\r\t""#, "aA\n\"\\/\u{8}\u{c}\r\t"),
        (#""\ud83d\ude00é""#, "😀é"), (#"{"a":[1,{"b":null}]}"#, ["a": [1, ["b": nil]]]),
    ]

    @Test(arguments: good) func reads(text: String, value: JSONValue) throws {
        #expect(try JSONValue(parsing: text) == value)
    }

    private static let bad: [(String, JSONError.Reason, Int)] = [
        ("", .empty, 0), ("  ", .empty, 2), ("01", .invalidNumber, 0), ("-", .invalidNumber, 0),
        ("1.", .invalidNumber, 0), (".5", .unexpected(byte: 0x2e, expected: "a value"), 0), ("1e", .invalidNumber, 0),
        ("+1", .unexpected(byte: 0x2b, expected: "a value"), 0),
        ("NaN", .unexpected(byte: 0x4e, expected: "a value"), 0),
        ("Infinity", .unexpected(byte: 0x49, expected: "a value"), 0), ("-Infinity", .invalidNumber, 0),
        ("nul", .unexpectedEnd(expected: "null"), 3), ("truE", .unexpected(byte: 0x45, expected: "true"), 3),
        ("1 2", .trailingBytes, 2), ("{}x", .trailingBytes, 2),
        ("[1,]", .unexpected(byte: 0x5d, expected: "a value"), 3),
        (#"{"a":1,}"#, .unexpected(byte: 0x7d, expected: "a key"), 7),
        ("{a:1}", .unexpected(byte: 0x61, expected: "a key"), 1),
        (#"{"a" 1}"#, .unexpected(byte: 0x31, expected: "':'"), 5),
        ("[1 2]", .unexpected(byte: 0x32, expected: "',' or ']'"), 3),
        ("\"a", .unexpectedEnd(expected: "the end of a string"), 2), ("\"a\nb\"", .controlCharacter, 2),
        (#""\x""#, .invalidEscape, 1), (#""\u12g4""#, .invalidEscape, 1), (#""\ud800""#, .loneSurrogate, 1),
        (#""\ud800\u0041""#, .loneSurrogate, 1), (#""\udc00""#, .loneSurrogate, 1),
        ("\u{feff}{}", .byteOrderMark, 0), ("[1", .unexpectedEnd(expected: "',' or ']'"), 2),
        ("'a'", .unexpected(byte: 0x27, expected: "a value"), 0),
        ("// x\n1", .unexpected(byte: 0x2f, expected: "a value"), 0),
    ]

    @Test(arguments: bad) func refuses(text: String, reason: JSONError.Reason, offset: Int) {
        #expect(throws: JSONError(reason, at: path(of: text), offset: offset)) { try JSONValue(parsing: text) }
    }

    /// Where the mistakes above stand, when not at the top.
    private func path(of text: String) -> JSONPath {
        text == "[1,]" ? JSONPath([.index(1)]) : JSONPath()
    }

    @Test func namesTheDoubledKeyWithItsPath() {
        let text = #"{"jobs":[{"a":{"partition":1,"x":2,"partition":3}}]}"#
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
        #expect(error?.reason == .duplicateKey)
        #expect(error?.description == "jobs[0].a.partition: the key is given twice (byte 35)")
    }

    @Test func findsDoubledKeysAmongMany() {
        let many = (0..<50).map { "\"k\($0)\":0" }.joined(separator: ",")
        #expect(throws: Never.self) { try JSONValue(parsing: "{\(many)}") }
        for doubled in [0, 8, 9, 49] {
            #expect(throws: JSONError.self) { try JSONValue(parsing: "{\(many),\"k\(doubled)\":1}") }
        }
        // The same key, written with an escape.
        #expect(throws: JSONError.self) { try JSONValue(parsing: #"{"ab":1,"a\u0062":2}"#) }
    }

    @Test func refusesInvalidUTF8() {
        for bytes: [UInt8] in [
            [0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22],
            [0x22, 0x5c, 0x6e, 0xff, 0x22],
        ] {
            let error = #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
            #expect(error?.reason == .invalidUTF8)
        }
    }

    @Test func holdsItsLimits() throws {
        let limits = JSONLimits(maximumBytes: 10, maximumDepth: 3)
        #expect(try JSONValue(parsing: "[[[1]]]", limits: limits) == [[[1]]])
        #expect(throws: JSONError.self) { try JSONValue(parsing: "[[[[1]]]]", limits: limits) }
        #expect(throws: JSONError(.tooLong(maximumBytes: 10))) { try JSONValue(parsing: "           ", limits: limits) }
        let lazy = "[1,2,3,4,5,6]".utf8.lazy.map { $0 }
        #expect(throws: JSONError(.tooLong(maximumBytes: 10))) {
            try JSONValue(parsing: AnySequence(lazy), limits: limits)
        }
        // A nest of a million arrays ends in an error, not in an overflown stack.
        let nest = [UInt8](repeating: 0x5b, count: 1_000_000)
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: nest) }
        #expect(error?.reason == .tooDeep(maximumDepth: JSONLimits.request.maximumDepth))
    }

    @Test func knowsATruncatedText() {
        for text in [#"{"a":"#, #"{"a""#, #"{"a":[1,2"#, #"{"a":"b"#, "{", "tru"] {
            #expect((#expect(throws: JSONError.self) { try JSONValue(parsing: text) })?.isTruncation == true)
        }
        #expect((#expect(throws: JSONError.self) { try JSONValue(parsing: "}") })?.isTruncation == false)
    }
}
