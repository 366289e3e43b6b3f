// SPDX-License-Identifier: Apache-2.0

import SallyFuzz
import Testing

@testable import StrictJSON

/// Bytes that were JSON are read or refused, and nothing else.
@Suite struct JSONFuzzTests {
    private static let letters =
        Array(##"{}[]:,"\u0123456789eE+-.truefalsndD8 "##.utf8) + [0, 0x09, 0xff, 0xc3, 0xf0, 0xef]

    private static let texts = [
        ##"{"job": {"name": "é\u00e9\"", "n": [1, -2.5e+3, true, null]}, "script": "#!/bin/sh\n"}"##,
        ##"[{"a":{"b":[[],{}]}},"\ud83d\ude00",-0,1e400,18446744073709551615,0.1E-7,false]"##,
        ##"{"set":true,"infinite":false,"number":4294967294}"##, ##""text""##, "-1", "null",
    ]

    @Test func bytesAreReadOrRefused() throws {
        try Fuzz("JSON").run(accepting: 20) { random in
            var bytes = Array(random.one(of: Self.texts).utf8)
            random.change(&bytes, times: 1 + random.below(4), Self.letters)
            guard let json = try? JSONValue(parsing: bytes) else { return .refused }
            for layout in [JSONLayout.compact, .indented] {
                try Fuzz.check(
                    try JSONValue(parsing: json.bytes(layout)) == json, "\(bytes) written as \(json.text(layout))")
            }
            return .accepted
        }
    }

    private static let replies = [
        ##"{"jobs":[{"job_id":1,"name":"a]}\"{["},{"job_id":2},3,"x",null,[[]]],"meta":{"jobs":[1]},"errors":[]}"##,
        ##" { "errors" : [ ] , "jobs" : [ {"k":"\u00e9"} , true ] , "last_update":{"number":1} } "##,
        ##"{"\u006aobs":[1,2],"warnings":null}"##, ##"{"jobs":{},"more":-1.5e3}"##,
    ]

    /// A list that comes in pieces is what the parser of whole texts says that it is, and refused where that refuses.
    @Test func piecesSayWhatTheWholeSays() throws {
        try Fuzz("lists in pieces").run(accepting: 20) { random in
            var bytes = Array(random.one(of: Self.replies).utf8)
            random.change(&bytes, times: random.below(4), Self.letters)
            let whole = try? JSONValue(parsing: bytes).object  // refused
            let pieces = try? Self.read(bytes, &random)  // refused
            guard let whole else {
                try Fuzz.check(pieces == nil, "only the pieces are read of \(String(decoding: bytes, as: UTF8.self))")
                return .refused
            }
            var rest = whole
            let list = whole["jobs"]?.array
            if list != nil { rest["jobs"] = [] }
            try Fuzz.check(
                pieces?.list == list ?? [] && pieces?.rest == rest,
                "pieces \(String(describing: pieces)) of \(String(decoding: bytes, as: UTF8.self))")
            return .accepted
        }
    }

    private static func read(
        _ bytes: [UInt8], _ random: inout SeededGenerator
    ) throws(JSONError) -> (list: [JSONValue], rest: JSONObject) {
        var stream = JSONListStream(list: "jobs", element: .request, total: 10_000)
        var list: [JSONValue] = []
        var index = 0
        while index < bytes.count {
            let end = min(bytes.count, index + 1 + random.below(20))
            let found: Result<[JSONValue], JSONError> = bytes[index..<end].withUnsafeBufferPointer { piece in
                do throws(JSONError) { return .success(try stream.read(piece)) } catch { return .failure(error) }
            }
            list += try found.get()
            index = end
        }
        return (list, try stream.end())
    }

    private struct Message: Codable, Equatable {
        enum Kind: String, Codable { case one, two }
        struct Inner: Codable, Equatable {
            var flag: Bool?
            var numbers: [Int64]
        }
        var name: String
        var kind: Kind
        var inner: Inner
        var more: [String: UInt32]?
        var ratio: Double?
    }

    private static let messages = [
        ##"{"name":"x","kind":"one","inner":{"numbers":[1,-2]},"more":{"a":5},"ratio":0.5}"##,
        ##"{"name":"","kind":"two","inner":{"flag":true,"numbers":[]}}"##,
    ]

    /// What is read as a message is written as one that says the same.
    @Test func messagesAreReadOrRefused() throws {
        try Fuzz("messages").run(accepting: 5) { random in
            var bytes = Array(random.one(of: Self.messages).utf8)
            random.change(&bytes, times: 1 + random.below(3), Self.letters)
            let message: Message
            do {
                message = try StrictDecoder.decode(Message.self, from: bytes)
            } catch is JSONError {
                return .refused
            }
            let again = try StrictDecoder.decode(Message.self, from: StrictEncoder.encode(message))
            try Fuzz.check(again == message, "\(message) became \(again)")
            return .accepted
        }
    }
}
