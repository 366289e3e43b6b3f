// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import StrictJSON

@Suite struct JSONListStreamTests {
    /// The list and the rest, read in pieces of `size` bytes.
    private static func read(
        _ text: String, _ size: Int, element: Int = 1000, total: Int = 10000
    ) throws(JSONError) -> (list: [JSONValue], rest: JSONObject) {
        var stream = JSONListStream(
            list: "jobs", element: JSONLimits(maximumBytes: element, maximumDepth: 8), total: total)
        let bytes = Array(text.utf8)
        var list: [JSONValue] = []
        var index = 0
        while index < bytes.count {
            let piece = Array(bytes[index..<min(bytes.count, index + size)])
            let found: Result<[JSONValue], JSONError> = piece.withUnsafeBufferPointer { pointer in
                do throws(JSONError) { return .success(try stream.read(pointer)) } catch { return .failure(error) }
            }
            list += try found.get()
            index += size
        }
        return (list, try stream.end())
    }

    private static let good = [
        #"{"jobs":[{"a":1},{"b":"}]\"{[\\"},3,"x",null,[[]]],"meta":{"jobs":[1]},"n":-1.5e3}"#,
        " {\n\"errors\" : [ ] ,\"jobs\"\t: [ ] , \"last\":true } \n", #"{"jobs":[{"k":"\u00e9\ud83d\ude00ü"}]}"#, "{}",
        #"{"jobs":null}"#, #"{"other":{"jobs":[{}]},"jobs":[[1],{"jobs":[2]}]}"#,
    ]

    @Test(arguments: good, [1, 2, 3, 7, 64, 4096])
    func saysWhatTheParserOfWholeTextsSays(text: String, size: Int) throws {
        let whole = try JSONValue(parsing: text)
        let (list, rest) = try Self.read(text, size)
        #expect(list == whole["jobs"]?.array ?? [])
        var expected = try #require(whole.object)
        if expected["jobs"]?.array != nil { expected["jobs"] = [] }
        #expect(rest == expected)
    }

    @Test(
        arguments: [
            "", " ", "[", "[]", "null", "{", #"{"jobs":[1}"#, #"{"jobs":[1,]}"#, #"{"jobs":[,1]}"#, #"{"jobs":[1 2]}"#,
            #"{"jobs":[{"a":1,"a":2}]}"#, #"{"jobs":[],"jobs":[]}"#, #"{"a":1,"a":2}"#, #"{"jobs":[{"a":1]]}"#,
            #"{"jobs":[]"#, #"{"jobs":[{"a":"#, #"{"jobs":[]}x"#, #"{"jobs":[01]}"#, #"{"jobs":[NaN]}"#,
            #"{"jobs":[],}"#,
            #"{jobs:[]}"#, #"{"jobs"[]}"#, "\u{feff}{}", #"{"jobs":["\ud800"]}"#, #"{"jobs":[[[[[[[[[[]]]]]]]]]]}"#,
            #"{"jobs":}"#, #"{"a":}"#, "{\"jobs\":[\"a\u{01}\"]}", "Authentication failure",
        ], [1, 5, 4096])
    func refusesWhatTheParserRefuses(text: String, size: Int) {
        #expect(throws: JSONError.self) { try Self.read(text, size) }
    }

    @Test func elementsComeBeforeTheEnd() throws {
        var stream = JSONListStream(list: "jobs", element: .request, total: 1000)
        let piece = Array(#"{"jobs":[{"a":1},{"b":2},{"#.utf8)
        #expect(try piece.withUnsafeBufferPointer { try stream.read($0) } == [["a": 1], ["b": 2]])
    }

    @Test func isBounded() {
        let long = #"{"jobs":["\#(String(repeating: "a", count: 300))"]}"#
        #expect(throws: JSONError(.tooLong(maximumBytes: 200))) { try Self.read(long, 4096, total: 200) }
        #expect(throws: JSONError.self) { try Self.read(long, 16, element: 200) }
        #expect(throws: Never.self) { try Self.read(long, 16, element: 400) }
    }

    /// Neither brackets nor quotes in what is passed over mislead, and what follows is read as if it were not there.
    @Test(arguments: [1, 2, 3, 7, 64, 4096])
    func anElementThatIsTooLongCostsItself(size: Int) throws {
        let long = String(repeating: #"]}\"\\[{,"#, count: 40)
        let number = String(repeating: "9", count: 200)
        let text =
            #"{"n":1,"jobs":[{"a":1},{"long":"\#(long)","in":[[{}]]},2,"\#(long)",[[3]],\#(number)],"#
            + #""meta":{"jobs":[4]}}"#
        var stream = JSONListStream(
            list: "jobs", element: JSONLimits(maximumBytes: 100, maximumDepth: 8), oversize: .passedOver, total: 10000)
        var list: [JSONValue] = []
        var most = 0
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = Array(bytes[start..<min(bytes.count, start + size)])
            list += try piece.withUnsafeBufferPointer { try stream.read($0) }
            most = max(most, stream.held)
        }
        #expect(list == [["a": 1], 2, [[3]]])
        #expect(stream.passedOver == 3)
        #expect(most <= 100)
        let rest = try stream.end()
        let others: [(String, JSONValue)] = [("n", 1), ("jobs", []), ("meta", ["jobs": [4]])]
        #expect(rest == JSONObject(others))
        #expect(throws: JSONError.self) { try Self.read(text, size, element: 100) }
    }

    /// What is no element of the list is refused as before, and all of it together as well.
    @Test func nothingElseIsPassedOver() {
        let long = String(repeating: "a", count: 300)
        let texts = [
            #"{"jobs":[],"other":"\#(long)"}"#, #"{"\#(long)":1}"#, #"{"other":["\#(long)"],"jobs":[]}"#,
            // Were the member taken for an element, its list would end here.
            #"{"other":"\#(long)"]}"#,
        ]
        for text in texts {
            let error = #expect(throws: JSONError.self, "\(text)") { try passing(text, total: 10000) }
            #expect(error?.reason == .tooLong(maximumBytes: 200), "\(text)")
        }
        #expect(throws: JSONError(.tooLong(maximumBytes: 200))) { try passing(#"{"jobs":["\#(long)"]}"#, total: 200) }
        #expect(throws: JSONError.self) { try passing(#"{"jobs":["\#(long)"#, total: 10000) }
        #expect(throws: Never.self) { try passing(#"{"jobs":["\#(long)"]}"#, total: 10000) }
    }

    private func passing(_ text: String, total: Int) throws {
        var stream = JSONListStream(
            list: "jobs", element: JSONLimits(maximumBytes: 200, maximumDepth: 8), oversize: .passedOver, total: total)
        _ = try Array(text.utf8).withUnsafeBufferPointer { try stream.read($0) }
        _ = try stream.end()
    }
}
