// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import SallyTestSupport
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Stands between a gateway and the real slurmrestd, on a unix socket, and lets through what a test says. It takes whole
/// requests, and decides once what becomes of each.
final class SlurmProxy: Sendable {
    enum Behaviour: Sendable {
        case through
        /// The request arrives nowhere and is never answered.
        case deaf
        /// Instead of asking the daemon: status and body.
        case reply(Int, type: String, String)
        /// The daemon gets the request; half of its answer comes back, then the connection ends.
        case cut
        /// The daemon gets the request; half of its answer comes back, and then nothing more.
        case stalled
        /// Instead of asking the daemon: the head of an answer, and a body that never ends.
        case endless
        /// The daemon gets the request; its answer waits for `release`.
        case held
        /// The request waits for `release`; the daemon then gets it, whether its sender is still there or not.
        case waiting
    }

    private struct State {
        /// Where the daemon listens.
        var upstream: String
        var behaviour = Behaviour.through
        /// What the first line of a request has to begin with for the behaviour to apply.
        var only = ""
        var held: [@Sendable () -> Void] = []
        var answersHeld = 0
        var requestsHeld = 0
        var clients: [any Channel] = []
        /// The first lines of all requests.
        var lines: [String] = []
        /// How many bytes went out of each answer without end.
        var endless: [Int] = []
    }

    let path: String
    private let state: Mutex<State>
    private let channel = Mutex<(any Channel)?>(nil)

    init(path: String, upstream: String) {
        self.path = path
        state = Mutex(State(upstream: upstream))
    }

    /// Another daemon stands behind from now on, as after an upgrade: the connections to the old one end.
    func replace(upstream: String) {
        state.withLock { $0.upstream = upstream }
        hangUp()
    }

    /// From the next request on.
    func behave(_ behaviour: Behaviour, only: String = "") {
        state.withLock { state in
            state.behaviour = behaviour
            state.only = only
        }
    }

    /// Ends all connections, as a daemon does that is started again.
    func hangUp() {
        let clients = state.withLock { state in
            defer { state.clients = [] }
            return state.clients
        }
        for client in clients { client.close(promise: nil) }
    }

    /// The first lines of all whole requests so far, whatever became of them.
    var lines: [String] { state.withLock { $0.lines } }

    /// How many bytes of each answer without end were taken so far.
    var endless: [Int] { state.withLock { $0.endless } }

    /// How many answers were kept back so far.
    var answersHeld: Int { state.withLock { $0.answersHeld } }

    /// How many requests were kept back so far.
    var requestsHeld: Int { state.withLock { $0.requestsHeld } }

    /// Lets go what was kept back.
    func release() {
        let held = state.withLock { state in
            defer { state.held = [] }
            return state.held
        }
        for send in held { send() }
    }

    func start() async throws {
        let made = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { client in
                self.state.withLock { $0.clients.append(client) }
                return client.eventLoop.makeCompletedFuture {
                    try client.pipeline.syncOperations.addHandler(RequestHandler(self, Link(client)))
                }
            }
            .bind(unixDomainSocketPath: path).get()
        guard chmod(path, 0o666) == 0 else { throw Failure("\(path) cannot be opened to others") }
        channel.withLock { $0 = made }
    }

    /// Nobody listens any more and all connections end, as when the daemon is stopped.
    func stop() async throws {
        let old = channel.withLock { channel in
            defer { channel = nil }
            return channel
        }
        try await old?.close()
        hangUp()
        unlink(path)
    }

    /// How many requests came so far whose first line is such a one.
    func count(_ isMeant: (String) -> Bool) -> Int { state.withLock { $0.lines }.filter(isMeant).count }

    fileprivate func behaviour(for line: some StringProtocol) -> Behaviour {
        state.withLock { state in
            state.lines.append(String(line))
            return line.hasPrefix(state.only) ? state.behaviour : .through
        }
    }

    /// - Returns: which one it is, for `sent`.
    fileprivate func beginsWithoutEnd() -> Int {
        state.withLock { state in
            state.endless.append(0)
            return state.endless.count - 1
        }
    }

    fileprivate func sent(_ bytes: Int, of number: Int) { state.withLock { $0.endless[number] += bytes } }

    fileprivate func hold(_ send: @Sendable @escaping () -> Void) {
        state.withLock { state in
            state.held.append(send)
            state.answersHeld += 1
        }
    }

    fileprivate func keepBack(_ request: ByteBuffer, _ link: Link) {
        let loop = link.client.eventLoop
        state.withLock { state in
            state.held.append {
                self.connect(link, on: loop).whenSuccess { $0.writeAndFlush(request, promise: nil) }
            }
            state.requestsHeld += 1
        }
    }

    fileprivate func connect(_ link: Link, on loop: any EventLoop) -> EventLoopFuture<any Channel> {
        ClientBootstrap(group: loop).channelInitializer { daemon in
            daemon.eventLoop.makeCompletedFuture {
                try daemon.pipeline.syncOperations.addHandler(AnswerHandler(link, self))
            }
        }.connect(unixDomainSocketPath: state.withLock { $0.upstream })
    }
}

/// A client's connection and the one to the daemon that belongs to it.
private final class Link: Sendable {
    let client: any Channel
    /// What is done with the answer to the last request.
    let behaviour = Mutex(SlurmProxy.Behaviour.through)
    let daemon = Mutex<EventLoopFuture<any Channel>?>(nil)

    init(_ client: any Channel) { self.client = client }
}

/// Collects a request, and answers it or passes it on over a connection of its own.
private final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let proxy: SlurmProxy
    private let link: Link
    private var bytes = ByteBuffer()

    init(_ proxy: SlurmProxy, _ link: Link) {
        self.proxy = proxy
        self.link = link
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = unwrapInboundIn(data)
        bytes.writeBuffer(&part)
        guard let text = bytes.getString(at: bytes.readerIndex, length: bytes.readableBytes),
            let end = text.firstRange(of: "\r\n\r\n")
        else { return }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        let length = lines.first { $0.lowercased().hasPrefix("content-length:") }
            .flatMap { Int($0.drop { $0 != ":" }.dropFirst().filter { $0 != " " }) }
        guard text[end.upperBound...].utf8.count >= length ?? 0 else { return }
        let request = bytes
        bytes = ByteBuffer()
        let behaviour = proxy.behaviour(for: lines.first ?? "")
        switch behaviour {
        case .deaf: break
        case .reply(let status, let type, let body):
            let head =
                "HTTP/1.1 \(status) X\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n"
                + "Connection: close\r\n\r\n"
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: head + body)), promise: nil)
            context.close(promise: nil)
        case .waiting: proxy.keepBack(request, link)
        case .endless:
            let head = "HTTP/1.1 200 X\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            context.write(wrapOutboundOut(ByteBuffer(string: head)), promise: nil)
            RequestHandler.sendWithoutEnd(link.client, proxy, proxy.beginsWithoutEnd())
        case .through, .cut, .stalled, .held:
            link.behaviour.withLock { $0 = behaviour }
            let daemon = link.daemon.withLock { daemon in
                let known = daemon ?? proxy.connect(link, on: context.eventLoop)
                daemon = known
                return known
            }
            daemon.whenComplete { [link] result in
                switch result {
                case .success(let daemon): daemon.writeAndFlush(request, promise: nil)
                case .failure: link.client.close(promise: nil)
                }
            }
        }
    }

    /// One piece after the other, each when the one before has left, until the client hangs up.
    private static func sendWithoutEnd(_ client: any Channel, _ proxy: SlurmProxy, _ number: Int) {
        let piece = String(repeating: " ", count: 0x4000)
        client.writeAndFlush(ByteBuffer(string: "4000\r\n\(piece)\r\n")).whenSuccess {
            proxy.sent(0x4000, of: number)
            client.eventLoop.execute { RequestHandler.sendWithoutEnd(client, proxy, number) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        link.daemon.withLock { $0 }?.whenSuccess { $0.close(promise: nil) }
    }
}

/// Takes the daemon's answer back to the client.
private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let link: Link
    private let proxy: SlurmProxy
    private var hasStalled = false

    init(_ link: Link, _ proxy: SlurmProxy) {
        self.link = link
        self.proxy = proxy
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        let client = link.client
        switch link.behaviour.withLock({ $0 }) {
        case .cut:
            let half = part.getSlice(at: part.readerIndex, length: part.readableBytes / 2) ?? ByteBuffer()
            client.writeAndFlush(half, promise: nil)
            client.close(promise: nil)
        case .stalled:
            guard !hasStalled else { return }
            hasStalled = true
            let half = part.getSlice(at: part.readerIndex, length: part.readableBytes / 2) ?? ByteBuffer()
            client.writeAndFlush(half, promise: nil)
        case .held: proxy.hold { client.writeAndFlush(part, promise: nil) }
        case .through, .deaf, .endless, .reply, .waiting: client.writeAndFlush(part, promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { link.client.close(promise: nil) }
}
