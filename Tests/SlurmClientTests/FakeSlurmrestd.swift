// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import SallyTestSupport
import Synchronization

/// A server on a unix socket that answers, or fails to, as a test says. Real daemons do not break when they are told to.
final class FakeSlurmrestd: Sendable {
    enum Answer: Sendable {
        /// Status, body. The length is stated.
        case reply(Int, String)
        /// Bytes as they are, then the end of the connection.
        case raw(String)
        /// Bytes as they are; the connection stays and nothing follows.
        case stall(String)
        /// Bytes as they are, and then others again and again until the client hangs up.
        case endless(String, String)
        case redirect(String)
        case close
        case nothing
    }

    struct Request: Sendable {
        var line: String
        var headers: [String]
        var body: String
        /// On which connection it came, from 1, and how many came there before it.
        var connection = 0
        var before = 0

        func header(_ name: String) -> [String] {
            headers.compactMap { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { return nil }
                return parts[1].drop { $0 == " " }.description
            }
        }
    }

    let path: String
    private let script: @Sendable (Request, Int) -> Answer
    private let seen = Mutex<[Request]>([])
    private let counts = Mutex(Counts())

    /// Of connections.
    struct Counts {
        var made = 0
        var secured = 0
        var ended = 0
    }

    var requests: [Request] { seen.withLock { $0 } }
    var connections: Counts { counts.withLock { $0 } }

    private init(path: String, script: @escaping @Sendable (Request, Int) -> Answer) {
        self.path = path
        self.script = script
    }

    /// Runs `body` with a server. `script` gets each request and how many came before.
    @discardableResult static func with<Result>(
        _ script: @escaping @Sendable (Request, Int) -> Answer, _ body: (FakeSlurmrestd) async throws -> Result
    ) async throws -> Result {
        try await withScratchFolder { folder in
            let server = FakeSlurmrestd(path: folder + "/socket", script: script)
            let channel = try await server.bootstrap(tls: nil).bind(unixDomainSocketPath: server.path).get()
            return try await server.ending(channel) { try await body(server) }
        }
    }

    /// The same on a port of 127.0.0.1, which `body` gets, behind TLS where a context is given.
    ///
    /// - Parameter gate: keeps back what comes in, the handshake as well, until it is opened.
    static func with<Result>(
        tls: NIOSSLContext?, gate: Gate? = nil, _ script: @escaping @Sendable (Request, Int) -> Answer,
        _ body: (FakeSlurmrestd, Int) async throws -> Result
    ) async throws -> Result {
        let server = FakeSlurmrestd(path: "", script: script)
        let channel = try await server.bootstrap(tls: tls, gate).bind(host: "127.0.0.1", port: 0).get()
        return try await server.ending(channel) { try await body(server, channel.localAddress?.port ?? 0) }
    }

    private func bootstrap(tls: NIOSSLContext?, _ gate: Gate? = nil) -> ServerBootstrap {
        ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                if let gate { try channel.pipeline.syncOperations.addHandler(gate.handler()) }
                if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                try channel.pipeline.syncOperations.addHandler(Handler(self))
            }
        }
    }

    private func ending<Result>(_ channel: any Channel, _ body: () async throws -> Result) async throws -> Result {
        do {
            let result = try await body()
            try await channel.close()
            return result
        } catch {
            try await channel.close()
            throw error
        }
    }

    private func connected() -> Int {
        counts.withLock {
            $0.made += 1
            return $0.made
        }
    }

    private func answer(_ request: Request) -> Answer {
        let before = seen.withLock { seen in
            seen.append(request)
            return seen.count - 1
        }
        return script(request, before)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let server: FakeSlurmrestd
        private var text = ""
        private let connection: Int
        private var count = 0

        init(_ server: FakeSlurmrestd) {
            self.server = server
            connection = server.connected()
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .handshakeCompleted? = event as? TLSUserEvent { server.counts.withLock { $0.secured += 1 } }
            context.fireUserInboundEventTriggered(event)
        }

        func channelInactive(context: ChannelHandlerContext) {
            server.counts.withLock { $0.ended += 1 }
            context.fireChannelInactive()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var buffer = unwrapInboundIn(data)
            text += buffer.readString(length: buffer.readableBytes) ?? ""
            guard let end = text.firstRange(of: "\r\n\r\n") else { return }
            let lines = text[..<end.lowerBound].split(separator: "\r\n").map(String.init)
            var request = Request(
                line: lines[0], headers: Array(lines.dropFirst()), body: String(text[end.upperBound...]))
            let length = request.header("Content-Length").first.flatMap { Int($0) } ?? 0
            guard request.body.utf8.count >= length else { return }
            request.body = String(request.body.prefix(length))
            request.connection = connection
            request.before = count
            count += 1
            text = ""
            switch server.answer(request) {
            case .reply(let status, let body):
                let head =
                    "HTTP/1.1 \(status) X\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: head + body)), promise: nil)
            case .raw(let bytes):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: bytes)), promise: nil)
                context.close(promise: nil)
            case .stall(let bytes):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: bytes)), promise: nil)
            case .endless(let head, let piece):
                context.write(wrapOutboundOut(ByteBuffer(string: head)), promise: nil)
                Handler.send(ByteBuffer(string: piece), againAndAgainTo: context.channel)
            case .redirect(let place):
                let head = "HTTP/1.1 307 X\r\nLocation: \(place)\r\nContent-Length: 0\r\n\r\n"
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: head)), promise: nil)
            case .close: context.close(promise: nil)
            case .nothing: break
            }
        }

        /// Each when the one before has left.
        private static func send(_ piece: ByteBuffer, againAndAgainTo client: any Channel) {
            client.writeAndFlush(piece).whenSuccess {
                client.eventLoop.execute { send(piece, againAndAgainTo: client) }
            }
        }
    }
}
