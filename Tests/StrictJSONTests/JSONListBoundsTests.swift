// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import StrictJSON

/// What has no end is cut off, although no value of it is large.
@Suite struct JSONListBoundsTests {
    private static let bounds = JSONListBounds(elements: 100, members: 10, memberBytes: 200, blanks: 50)

    /// What reading says of `head`, then the pieces that `more` makes of 0, 1, 2, ... until it is refused.
    private static func refusal(_ head: String, _ more: (Int) -> String) -> JSONError? {
        var stream = JSONListStream(
            list: "jobs", element: JSONLimits(maximumBytes: 1000, maximumDepth: 8), total: 1 << 20)
        stream.bounds = bounds
        do throws(JSONError) {
            _ = try read(head, &stream)
            for number in 0..<1000 { _ = try read(more(number), &stream) }
            return nil
        } catch {
            return error
        }
    }

    private static func read(_ text: String, _ stream: inout JSONListStream) throws(JSONError) -> Int {
        let found: Result<[JSONValue], JSONError> = Array(text.utf8).withUnsafeBufferPointer { bytes in
            do throws(JSONError) { return .success(try stream.read(bytes)) } catch { return .failure(error) }
        }
        return try found.get().count
    }

    @Test func elementsWithoutEnd() throws {
        let error = try #require(Self.refusal(#"{"jobs":["#) { _ in #"{"a":1},"# })
        #expect(error.reason == .tooMany("elements", maximum: 100))
        #expect("\(error)" == "jobs: more than 100 elements")
    }

    @Test func membersWithoutEnd() {
        let error = Self.refusal(#"{"jobs":[]"#) { #","\#($0)":1"# }
        #expect(error?.reason == .tooMany("members", maximum: 10))
    }

    @Test func membersThatAreLargeTogether() {
        let text = String(repeating: "x", count: 48)
        let error = Self.refusal(#"{"jobs":[]"#) { #","\#($0)":"\#(text)""# }
        #expect(error?.reason == .tooMany("bytes beside the list", maximum: 200))
    }

    @Test(arguments: ["", "{", #"{"jobs""#, #"{"jobs":"#, #"{"jobs":["#, #"{"jobs":[1"#, #"{"jobs":[1,"#, #"{"a":1}"#])
    func whiteSpaceWithoutEnd(head: String) {
        for blank in [" ", "\n", "\t", "\r", "  \n"] {
            #expect(
                Self.refusal(head) { _ in blank }?.reason == .tooMany("bytes of white space", maximum: 50),
                "\(head) \(blank.utf8.count)")
        }
    }

    /// Exactly as much as is allowed, again and again.
    @Test func whatIsWithinTheBoundsIsRead() throws {
        let blanks = String(repeating: " ", count: 50)
        let elements = (0..<100).map { "\(blanks)\($0)\(blanks)" }.joined(separator: ",")
        let members = (0..<9).map { #","\#($0)"\#(blanks):1"# }.joined()
        var stream = JSONListStream(
            list: "jobs", element: JSONLimits(maximumBytes: 1000, maximumDepth: 8), total: 1 << 20)
        stream.bounds = Self.bounds
        let count = try Self.read("{\"jobs\":[\(elements)]\(members)}\(blanks)", &stream)
        let rest = try stream.end()
        #expect(count == 100 && rest.count == 10)
    }
}
