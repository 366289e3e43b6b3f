// SPDX-License-Identifier: Apache-2.0

import StrictJSON
import Testing

@Suite struct DecoderTests {
    private struct Job: Codable, Equatable {
        var name: String
        var nodes: Int?
        var tags: [String: Int] = [:]
        var steps: [Step] = []
        var mode: Mode = .slow
        var extra: JSONValue?
    }
    private struct Step: Codable, Equatable { var id: UInt8 }
    private enum Mode: String, Codable, CaseIterable { case slow, fast }
    private enum Message: Codable, Equatable {
        case text(String)
        case pair(first: Int, second: Int?)
        case end
    }
    private struct Empty: Codable {}

    private func decode<T: Decodable>(_ type: T.Type, _ text: String, _ unknown: UnknownKeys = .refuseUnknown) throws
        -> T
    {
        try StrictDecoder.decode(type, from: Array(text.utf8), unknownKeys: unknown)
    }

    private func message<T: Decodable>(_ type: T.Type, _ text: String) -> String? {
        (#expect(throws: JSONError.self) { try decode(type, text) })?.description
    }

    @Test func decodesWhole() throws {
        let text = #"{"name":"a","tags":{"x":1},"steps":[{"id":3}],"mode":"fast","extra":{"any":[1,{"thing":null}]}}"#
        let job = try decode(Job.self, text)
        #expect(job.nodes == nil)
        #expect(job.tags == ["x": 1])
        #expect(job.steps == [Step(id: 3)])
        #expect(job.mode == .fast)
        #expect(job.extra?["any"]?.array?.count == 2)
    }

    @Test func namesAllUnknownKeys() {
        let text = #"{"name":"a","tags":{},"steps":[{"id":1,"size":2},{"id":2,"sise":3}],"mode":"slow","user_id":0}"#
        #expect(message(Job.self, text) == "unknown keys steps[0].size, steps[1].sise, user_id")
        #expect(throws: Never.self) { try decode(Job.self, text, .ignoreUnknown) }
    }

    @Test func refusesKeysOfATypeWithoutAny() {
        #expect(message(Empty.self, #"{"x":1}"#) == "unknown key x")
        #expect(throws: Never.self) { try decode(Empty.self, "{}") }
    }

    @Test(arguments: ["1.0", "1e0", "1E2", "-1.5"]) func wantsWholeNumbers(text: String) {
        #expect(message(Step.self, "{\"id\":\(text)}") == "id: \"\(text)\" is not a whole number")
    }

    @Test(arguments: ["256", "-1", "99999999999999999999"]) func wantsNumbersInRange(text: String) {
        #expect(message(Step.self, "{\"id\":\(text)}") == "id: \"\(text)\" is out of range")
    }

    @Test func coercesNothing() {
        #expect(message(Step.self, #"{"id":"1"}"#) == "id: expected a whole number, found a string")
        #expect(message(Step.self, #"{"id":null}"#) == "id: expected a whole number, found null")
        #expect(message([String].self, "[1]") == "[0]: expected a string, found a number")
        #expect(message([Bool].self, "[0]") == "[0]: expected a boolean, found a number")
        #expect(message([Double].self, "[\"1\"]") == "[0]: expected a number, found a string")
        #expect(message([Double].self, "[1e999]") == "[0]: \"1e999\" is out of range")
        #expect(message(Step.self, "[]") == "expected an object, found an array")
    }

    @Test func namesTheMissingKeyAndTheChoices() {
        #expect(message(Step.self, "{}") == "id: the key is missing")
        let text = #"{"name":"a","tags":{},"steps":[],"mode":"medium"}"#
        #expect(message(Job.self, text) == #"mode: "medium" is not accepted, only slow, fast"#)
    }

    @Test func decodesEnumerationsWithPayload() throws {
        for message in [Message.text("x"), .pair(first: 1, second: nil), .pair(first: 1, second: 2), .end] {
            #expect(try StrictDecoder.decode(Message.self, from: StrictEncoder.encode(message)) == message)
        }
        #expect(throws: JSONError.self) { try decode(Message.self, #"{"pair":{"first":1,"third":2}}"#) }
        #expect(throws: JSONError.self) { try decode(Message.self, #"{"end":{},"text":{"_0":"x"}}"#) }
        #expect(throws: JSONError.self) { try decode(Message.self, #"{"end":{},"other":1}"#) }
        #expect(throws: JSONError.self) { try decode(Message.self, #"{"end":{"x":1}}"#) }
    }

    private struct Own: Error, Equatable {}
    private struct Throwing: Decodable { init(from decoder: any Decoder) throws { throw Own() } }

    @Test func passesErrorsOfTheTypeOn() {
        #expect(throws: Own()) { try decode([Throwing].self, "[1]") }
    }

    private class Base: Decodable {
        let a: Int
        enum Keys: String, CodingKey { case a }
        required init(from decoder: any Decoder) throws {
            a = try decoder.container(keyedBy: Keys.self).decode(Int.self, forKey: .a)
        }
    }
    private final class Derived: Base {
        let b: Int
        enum MoreKeys: String, CodingKey { case b, base, list }
        required init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: MoreKeys.self)
            b = try container.decode(Int.self, forKey: .b)
            var list = try container.nestedUnkeyedContainer(forKey: .list)
            while !list.isAtEnd { if try !list.decodeNil() { _ = try list.decode(Int.self) } }
            try super.init(from: container.superDecoder(forKey: .base))
        }
    }

    @Test func followsSuperAndNestedContainers() throws {
        #expect(try decode(Derived.self, #"{"b":1,"list":[1,null],"base":{"a":2}}"#).a == 2)
        #expect(message(Derived.self, #"{"b":1,"list":[],"base":{"a":2,"c":3}}"#) == "unknown key base.c")
    }

    @Test func encodesInOrderWithoutNils() throws {
        let job = Job(name: "n", tags: ["z": 1, "a": 2, "m": 3], steps: [Step(id: 1)], extra: ["k": [1]])
        let text = String(decoding: try StrictEncoder.encode(job), as: UTF8.self)
        #expect(text == #"{"name":"n","tags":{"a":2,"m":3,"z":1},"steps":[{"id":1}],"mode":"slow","extra":{"k":[1]}}"#)
        #expect(try decode(Job.self, text) == job)
        #expect(throws: JSONError.self) { try StrictEncoder.encode([Double.nan]) }
        #expect(try StrictEncoder.encode([Optional<Int>.none]) == Array("[null]".utf8))
        #expect(try StrictEncoder.encode(Empty()) == Array("{}".utf8))
    }
}
