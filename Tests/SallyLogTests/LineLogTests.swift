// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyLog
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

@Suite struct LineLogTests {
    /// What comes out, its time cut off.
    private func lines(_ body: (inout Logger) -> Void) throws -> [String] {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        let stream = LineStream(ends[1])
        var logger = Logger(label: "sallyd.serve") { LineLogHandler(label: $0, stream: stream) }
        body(&logger)
        close(ends[1])
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while case let count = read(ends[0], &piece, piece.count), count > 0 { text += piece[..<count] }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map { line in
            let parts = line.split(separator: " ", maxSplits: 1)
            #expect(parts[0].wholeMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/#) != nil, "\(line)")
            return String(parts[1])
        }
    }

    @Test func aRecordIsItsMessageAndItsMetadataByName() throws {
        let lines = try lines { logger in
            logger[metadataKey: "request"] = "r1"
            logger[metadataKey: "user"] = "alice"
            logger.info("request answered", metadata: ["status": "200", "client": "::1", "user": "bob"])
            logger.debug("not shown")
            logger[metadataKey: "user"] = nil
            logger.warning("again")
        }
        #expect(
            lines == [
                "info sallyd.serve: request answered client=::1 request=r1 status=200 user=bob",
                "warning sallyd.serve: again request=r1",
            ])
    }

    @Test(arguments: [
        ("word", "word"), ("", "\"\""), ("two words", "\"two words\""), ("a=b", "\"a=b\""),
        (#"say "no""#, #""say \"no\"""#), (#"C:\"#, #""C:\\""#), ("café", "\"café\""),
        (
            "x\n2026-11-22T00:00:00Z info sallyd.serve: forged",
            #""x\u{a}2026-11-22T00:00:00Z info sallyd.serve: forged""#
        ),
        ("\r\n", #""\u{d}\u{a}""#), ("\u{1b}[2J", #""\u{1b}[2J""#), ("a\u{202e}b", #""a\u{202e}b""#),
        ("a\u{2028}b", #""a\u{2028}b""#), ("\u{85}", #""\u{85}""#),
    ])
    func aValueIsOneWordOrInQuotes(_ value: String, _ shown: String) throws {
        let lines = try lines { $0.error("failed", metadata: ["cause": "\(value)"]) }
        #expect(lines == ["error sallyd.serve: failed cause=\(shown)"])
    }

    @Test func aMessageEndsNoLine() throws {
        let lines = try lines { $0.info("one\ntwo \"three\" \u{7f} é") }
        #expect(lines == [#"info sallyd.serve: one\u{a}two "three" \u{7f} é"#])
    }

    /// What a pipe keeps together (pipe(7), PIPE_BUF), so that lines of two threads never mix.
    @Test(arguments: [4034, 4035, 4051, 4052, 4053, 9000]) func aLineIsCutWhereItIsTooLong(_ count: Int) throws {
        let text = String(repeating: "x", count: count - 1) + "é" + String(repeating: "y", count: 20)
        let lines = try lines { $0.info("\(text)") }
        let line = try #require(lines.first)
        #expect(lines.count == 1 && !line.contains("\u{fffd}"))
        let bytes = line.utf8.count + "2026-11-22T00:00:00Z ".utf8.count + 1
        #expect(bytes <= 4096 && line.hasSuffix("…") == (count >= 4035), "\(bytes)")
        #expect(bytes > 4090 || !line.hasSuffix("…"), "\(bytes)")
    }

    /// A long cause leaves the rest of the line, and is cut at no half of an escape.
    @Test(arguments: ["x", "é", "\n", "\""]) func aLongValueIsCut(_ unit: String) throws {
        let cause = String(repeating: unit, count: 9000)
        let lines = try lines { $0.error("failed", metadata: ["cause": "\(cause)", "request": "r1", "user": "alice"]) }
        let line = try #require(lines.first)
        #expect(line.hasSuffix("…\" request=r1 user=alice") && line.utf8.count < 1200, "\(line)")
        let shown = ["\n": #"\u{a}"#, "\"": #"\""#][unit] ?? unit
        let value = line.dropFirst("error sallyd.serve: failed cause=\"".count).dropLast(
            "…\" request=r1 user=alice".count)
        #expect(value.replacing(shown, with: "").isEmpty, "\(value)")
    }

    /// A pipe that nobody reads, whether it blocks or not: the daemon goes on, and says what it lost.
    @Test(arguments: [O_NONBLOCK, 0]) func aFullPipeLosesLines(_ mode: Int32) throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { ends.forEach { close($0) } }
        #expect(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0)
        let piece = [UInt8](repeating: 0x20, count: 4096)
        while write(ends[1], piece, piece.count) > 0 {}
        #expect(fcntl(ends[1], F_SETFL, mode) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        let stream = LineStream(ends[1])
        let logger = Logger(label: "test") { LineLogHandler(label: $0, stream: stream) }
        for _ in 1...3 { logger.info("lost") }
        func taken() -> String {
            var bytes = [UInt8](repeating: 0, count: 1 << 21)
            var text: [UInt8] = []
            while case let count = read(ends[0], &bytes, bytes.count), count > 0 { text += bytes[..<count] }
            return String(decoding: text, as: UTF8.self)
        }
        #expect(taken().allSatisfy { $0 == " " })
        logger.info("taken")
        logger.info("again")
        let lines = taken().split(separator: "\n").map { $0.drop { $0 != " " } }
        #expect(lines == [" warning log: 3 lines were lost", " info test: taken", " info test: again"])
    }
}
