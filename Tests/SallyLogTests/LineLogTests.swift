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

    /// A pipe that nobody reads: the daemon goes on.
    @Test func aFullPipeLosesTheLine() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { ends.forEach { close($0) } }
        #expect(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0)
        let piece = [UInt8](repeating: 0x20, count: 4096)
        while write(ends[1], piece, piece.count) > 0 {}
        let logger = Logger(label: "test") { [end = ends[1]] in LineLogHandler(label: $0, stream: LineStream(end)) }
        logger.info("lost")
        #expect(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        var bytes = [UInt8](repeating: 0, count: 1 << 21)
        var text: [UInt8] = []
        while case let count = read(ends[0], &bytes, bytes.count), count > 0 { text += bytes[..<count] }
        #expect(!text.isEmpty && text.allSatisfy { $0 == 0x20 })
    }
}
