// SPDX-License-Identifier: Apache-2.0

import SallyFuzz
import SallyModel
import Testing

@testable import SallyClient

/// What a gateway or a browser sends, and what a person types, is read or refused, and nothing else.
@Suite struct ClientFuzzTests {
    private static let streams = [
        "event: job\ndata: {}\nid: 1\n\n", "event: job\r\ndata: {}\r\n\r\n", "data:a\rdata: b\r\r",
        ": beat\n\nretry: 5\n\n", "data: ü: x\n\ndata: cut", "event: a\ndata: 1\n\ndata: 2\n\n",
    ]

    /// Events are the same whatever the pieces are that they come in, and none has the end of a line in its name or id.
    @Test func eventsDoNotDependOnThePieces() throws {
        let letters = Array("eventdataid: \n\r0123{}".utf8) + [0, 0xc3, 0xbc, 0xff]
        try Fuzz("events", quick: 2_000).run(accepting: 200) { random in
            var bytes = Array((random.one(of: Self.streams) + random.one(of: Self.streams)).utf8)
            random.change(&bytes, times: random.below(5), letters)
            var whole = ServerEventReader()
            let expected = whole.read(bytes)
            var reader = ServerEventReader()
            var found: [ServerEvent] = []
            var index = 0
            while index < bytes.count {
                let end = min(bytes.count, index + 1 + random.below(12))
                found += reader.read(bytes[index..<end])
                index = end
            }
            try Fuzz.check(found == expected, "\(bytes)")
            for event in found {
                let lines = Array((event.name + (event.id ?? "")).utf8)
                try Fuzz.check(!lines.contains(0x0a) && !lines.contains(0x0d), "\(bytes)")
                try Fuzz.check(!event.data.utf8.contains(0x0d), "\(bytes)")
            }
            return found.isEmpty ? .refused : .accepted
        }
    }

    private static let addresses = [
        "https://sally.example.org", "https://sally.example.org:8443/", "http://127.0.0.1:8480", "unix:/run/sally.sock",
        "https://[2001:db8::1]:8443", "http://[::1]", "http://localhost",
    ]

    @Test func addressesAreReadOrRefused() throws {
        let letters = Array("htpsunix:/.[]@?#\\0123456789abcdefx-_%".utf8)
        try Fuzz("addresses", quick: 1_000).run(accepting: 50) { random in
            let text = random.text(like: Self.addresses, of: letters)
            let address: GatewayAddress
            do { address = try GatewayAddress(text) } catch is SallyError { return .refused }
            try Fuzz.check(try GatewayAddress("\(address)") == address, text)
            return .accepted
        }
    }

    private static let redirects = [
        "GET /callback?state=s1&code=c1 HTTP/1.1\r\nHost: 127.0.0.1:4711\r\n\r\n",
        "GET /callback?error=no&error_description=a%20b&state=s1 HTTP/1.1\r\nHost: 127.0.0.1\r\nX: y\r\n\r\n",
    ]

    /// Without the state, no answer is taken.
    @Test func redirectsAreReadOrRefused() throws {
        let letters = Array("GET /callback?state=1&%20HP.\r\nost:".utf8)
        try Fuzz("redirects", quick: 1_000).run(accepting: 50) { random in
            let text = random.text(like: Self.redirects, of: letters)
            try Fuzz.check(RedirectRequest.read(text, state: "another") == nil, text.debugDescription)
            guard let answer = RedirectRequest.read(text, state: "s1") else { return .refused }
            if case .code(let code) = answer {
                try Fuzz.check((1...512).contains(code.utf8.count), text.debugDescription)
            }
            return .accepted
        }
    }
}
