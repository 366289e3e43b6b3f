// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import SallyClient
import SallyModel
import Testing

@Suite struct LoopbackListenerTests {
    private func send(_ request: String, to listener: LoopbackListener) async throws -> String {
        let port = Int(listener.redirect.split(separator: ":")[2].prefix { $0.isNumber }) ?? 0
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { input, output in
            try await output.write(ByteBuffer(string: request))
            var text = ""
            for try await piece in input { text += String(buffer: piece) }
            return text
        }
    }

    @Test func theRightRequestBringsTheCode() async throws {
        let listener = try await LoopbackListener(state: "s-1", patience: .seconds(240))
        async let code = listener.code(within: .seconds(120))
        let page = try await send(
            "GET /callback?code=a%2Bb&state=s-1 HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n", to: listener)
        #expect(page.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(page.contains("no-store"))
        #expect(try await code == "a+b")
        await listener.close()
    }

    @Test(arguments: [
        "GET /callback?code=x&state=other HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "GET /callback?code=x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "GET /callback?state=s-1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "GET /callback?code=x&code=y&state=s-1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "GET /callback?code=x&state=s-1 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "GET /callback?code=x&state=s-1 HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n",
        "GET /other?code=x&state=s-1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "POST /callback?code=x&state=s-1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "GET /callback?code=%zz&state=s-1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "junk\r\n\r\n",
    ])
    func othersAreRefusedAndTheWaitGoesOn(request: String) async throws {
        let listener = try await LoopbackListener(state: "s-1", patience: .seconds(240))
        #expect(try await send(request, to: listener).hasPrefix("HTTP/1.1 400 "))
        _ = try await send("GET /callback?code=good&state=s-1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", to: listener)
        #expect(try await listener.code(within: .seconds(120)) == "good")
        await listener.close()
    }

    @Test func aRefusalIsAnError() async throws {
        let listener = try await LoopbackListener(state: "s-1", patience: .seconds(240))
        _ = try await send(
            "GET /callback?error=access_denied&state=s-1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", to: listener)
        let error = await #expect(throws: SallyError.self) { try await listener.code(within: .seconds(120)) }
        #expect(error?.code == .denied)
        await listener.close()
    }

    @Test func waitingHasADeadline() async throws {
        let listener = try await LoopbackListener(state: "s-1", patience: .seconds(240))
        let error = await #expect(throws: SallyError.self) { try await listener.code(within: .milliseconds(10)) }
        #expect(error?.code == .timeout)
        await listener.close()
    }
}
