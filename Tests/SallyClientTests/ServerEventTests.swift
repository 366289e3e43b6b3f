// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SallyClient

@Suite struct ServerEventTests {
    private static func read(_ text: String, _ size: Int) -> [ServerEvent] {
        var reader = ServerEventReader()
        let bytes = Array(text.utf8)
        return stride(from: 0, to: bytes.count, by: size).flatMap {
            reader.read(bytes[$0..<min(bytes.count, $0 + size)])
        }
    }

    @Test(
        arguments: [
            ("event: job\ndata: {}\nid: 1\n\n", [ServerEvent(name: "job", data: "{}", id: "1")]),
            ("event: job\r\ndata: {}\r\n\r\n", [ServerEvent(name: "job", data: "{}", id: nil)]),
            ("data:a\rdata: b\r\r", [ServerEvent(name: "message", data: "a\nb", id: nil)]),
            (": beat\n\nretry: 5\n\nid: 3\n\n", []),
            ("data: ü: x\n\ndata: cut", [ServerEvent(name: "message", data: "ü: x", id: nil)]),
            (
                "event: a\ndata: 1\n\ndata: 2\n\n",
                [ServerEvent(name: "a", data: "1", id: nil), ServerEvent(name: "message", data: "2", id: nil)]
            ),
            ("data\n\n", [ServerEvent(name: "message", data: "", id: nil)]),
        ], [1, 2, 5, 1000]) func readsEventsWhateverThePieces(stream: (String, [ServerEvent]), size: Int)
    {
        #expect(Self.read(stream.0, size) == stream.1)
    }
}
