// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import SallyModel
import SallyTestSupport
import Testing

@testable import SallyIdentity

@Suite struct HTTPProviderTransportTests {
    @Test func readsAnAnswer() async throws {
        let answer = try await send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        #expect(answer.status == 200)
        #expect(answer.body == Array("{}".utf8))
    }

    @Test func followsNoRedirect() async throws {
        let head = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        #expect(try await send(head).status == 302)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + String(repeating: " ", count: 2000),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + String(repeating: " ", count: 2000)
            + "\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}", "HTTP/1.1 200 OK\r\n", "what\r\n\r\n", "",
    ])
    func refusesWhatIsTooLongBrokenOrLate(text: String) async {
        await #expect(throws: (any Error).self) { try await send(text, deadline: .milliseconds(500)) }
    }

    @Test func namesAFileOfAuthoritiesThatCannotBeRead() async throws {
        let error = #expect(throws: SallyError.self) { try HTTPProviderTransport(authorities: "/nonexistent/ca.pem") }
        #expect(error?.code == .misconfigured)
        try await withScratchFolder { folder in
            try writeFile("\(folder)/ca.pem", "no certificate")
            #expect(throws: SallyError.self) { try HTTPProviderTransport(authorities: "\(folder)/ca.pem") }
        }
    }

    /// What the transport makes of a server that says `text` and then nothing.
    private func send(_ text: String, deadline: Duration = .seconds(240)) async throws -> ProviderAnswer {
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Parrot(text: text))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let transport = try HTTPProviderTransport(
            authorities: nil, connect: .seconds(240), read: .seconds(240))
        let port = try #require(server.localAddress?.port)
        let request = ProviderRequest(
            method: .get, url: "http://127.0.0.1:\(port)/x", headers: [], body: [], deadline: deadline,
            maximumBody: 1000)
        let result: Result<ProviderAnswer, any Error>
        do {
            result = .success(try await transport.send(request))
        } catch {
            result = .failure(error)
        }
        try await transport.shutdown()
        try await server.close()
        return try result.get()
    }
}

/// Says the same to everybody, once.
private final class Parrot: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let text: String
    private var hasSpoken = false

    init(text: String) { self.text = text }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasSpoken else { return }
        hasSpoken = true
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }
}
