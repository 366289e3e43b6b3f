// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Logging
import NIOCore
import NIOPosix
package import SallyKeepProtocol
import SallyModel
import SallyNetwork
import ServiceLifecycle
import Synchronization

/// Serves typed requests on one unix socket to one OS user.
///
/// Every connection's peer is checked before its first byte is read, and before it counts. Requests of one connection run side by side, at
/// most `limits.atOnce`; then reading pauses. At graceful shutdown nothing new is read, and what runs is answered.
package struct SocketServer<Request: Decodable & Sendable, Reply: RefusableReply>: Service {
    private let path: String
    private let access: SocketAccess
    private let limits: SocketLimits
    private let logger: Logger
    private let handle: @Sendable (Request, PeerCredentials) async -> Reply
    private let connections = Counter()

    /// - Parameter handle: answers one request; it is cancelled when it takes longer than `limits.deadline`, but not
    ///   when the caller hangs up.
    package init(
        path: String, access: SocketAccess, limits: SocketLimits, logger: Logger,
        handle: @escaping @Sendable (Request, PeerCredentials) async -> Reply
    ) {
        self.path = path
        self.access = access
        self.limits = limits
        self.logger = logger
        self.handle = handle
    }

    /// Listens until graceful shutdown or cancellation, and removes the socket.
    ///
    /// - Throws: `SallyError` when the path, its folder or its mode is not as it must be.
    package func run() async throws {
        let own = ownUserID()
        try prepareSocketPath(path, own: own)
        // A connection is wrapped only when somebody serves it: a NIOAsyncChannel that nobody executes, as when a peer
        // connects while the server closes, ends the process. Until then nothing is read from it.
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.backlog, value: 128)
            .childChannelOption(.autoRead, value: false)
            .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: false) { channel in
                channel.eventLoop.makeSucceededFuture(channel)
            }
        defer { unlink(path) }
        try await server.executeThenClose { inbound in
            try access.apply(to: path, own: own)
            logger.info("listening", metadata: ["socket": "\(path)"])
            try await withGracefulShutdownHandler {
                try await withThrowingDiscardingTaskGroup { group in
                    for try await connection in inbound {
                        group.addTask { await serve(connection, own: own) }
                    }
                }
            } onGracefulShutdown: {
                server.channel.close(promise: nil)
            }
        }
    }

    private func serve(_ channel: any Channel, own: UInt32) async {
        do {
            guard let peer = try await admitted(channel, own: own) else { return try await channel.close() }
            defer { connections.decrease() }
            let connection = try await wrapped(channel)
            try await connection.executeThenClose { inbound, outbound in
                try await answer(inbound, outbound, peer, connection.channel)
            }
        } catch {
            logger.debug("connection ended", metadata: ["socket": "\(path)", "error": "\(error)"])
        }
    }

    /// Who is at the other end, with a place taken for it; nil for whom the socket is not, or when there is no place.
    /// Others take no place: a stranger cannot use up the peer's.
    private func admitted(_ channel: any Channel, own: UInt32) async throws -> PeerCredentials? {
        let peer: PeerCredentials
        do {
            peer = try await PeerCredentials.of(channel)
        } catch {
            try await channel.close()
            throw error
        }
        guard access.permits(peer.uid, own: own) else {
            logger.warning(
                "refused a peer", metadata: ["socket": "\(path)", "uid": "\(peer.uid)", "pid": "\(peer.process)"])
            return nil
        }
        guard connections.increase(upTo: limits.connections) else {
            logger.warning("too many connections", metadata: ["socket": "\(path)", "limit": "\(limits.connections)"])
            return nil
        }
        return peer
    }

    /// - Throws: `ChannelError` for a connection that is closed already.
    private func wrapped(_ channel: any Channel) async throws -> NIOAsyncChannel<Frame, ByteBuffer> {
        let limit = limits.bytes
        return try await channel.eventLoop.submit {
            let frames = ByteToMessageHandler(FrameDecoder(limit: limit))
            try channel.pipeline.syncOperations.addHandler(frames)
            let connection = try NIOAsyncChannel<Frame, ByteBuffer>(wrappingChannelSynchronously: channel)
            channel.setOption(.autoRead, value: true).whenFailure { _ in channel.close(promise: nil) }
            return connection
        }.get()
    }

    private func answer(
        _ inbound: NIOAsyncChannelInboundStream<Frame>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        _ peer: PeerCredentials, _ channel: any Channel
    ) async throws {
        let work = ConnectionWork()
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                var running = 0
                for try await frame in inbound {
                    guard work.begin() else { break }
                    if running == limits.atOnce {
                        try await group.next()
                        running -= 1
                    }
                    running += 1
                    group.addTask {
                        let reply = Frame(number: frame.number, body: await reply(to: frame.body, peer))
                        defer { if work.end() == .last { channel.close(promise: nil) } }
                        try await outbound.write(reply.bytes(channel.allocator))
                    }
                }
                try await group.waitForAll()
            }
        } onGracefulShutdown: {
            if work.stop() == .last { channel.close(promise: nil) }
        }
    }

    private func reply(to body: ByteBuffer, _ peer: PeerCredentials) async -> ByteBuffer {
        let reply: Reply
        do {
            let request: Request = try KeepJSON.decode(body, limit: limits.bytes)
            let handle = handle
            reply = try await withDeadline(limits.deadline) { await handle(request, peer) }
        } catch let error as SallyError {
            reply = .refused(KeeperRefusal(error))
        } catch {
            let seconds = limits.deadline.components.seconds
            reply = .refused(KeeperRefusal(code: .timeout, message: "no answer within \(seconds) s", hint: nil))
        }
        do {
            return try KeepJSON.encode(reply, limit: limits.bytes)
        } catch {
            logger.error("reply cannot be sent", metadata: ["socket": "\(path)", "error": "\(error)"])
            let refusal = KeeperRefusal(
                code: .tooLarge, message: "the answer is longer than \(limits.bytes) bytes", hint: nil)
            return (try? KeepJSON.encode(Reply.refused(refusal), limit: limits.bytes)) ?? ByteBuffer()  // a constant
        }
    }
}

/// What a socket bears.
package struct SocketLimits: Sendable, Equatable {
    package var connections: Int
    /// Requests of one connection that run side by side.
    package var atOnce: Int
    /// JSON in one message, in bytes.
    package var bytes: Int
    /// How long answering one request may take.
    package var deadline: Duration

    package init(connections: Int = 32, atOnce: Int = 64, bytes: Int = 2 << 20, deadline: Duration) {
        self.connections = connections
        self.atOnce = atOnce
        self.bytes = bytes
        self.deadline = deadline
    }
}

private final class Counter: Sendable {
    private let value = Mutex(0)
    /// False, and nothing changed, where there are `limit` already.
    func increase(upTo limit: Int) -> Bool {
        value.withLock {
            guard $0 < limit else { return false }
            $0 += 1
            return true
        }
    }
    func decrease() { value.withLock { $0 -= 1 } }
}

/// How many requests of a connection run, and whether it is to end with the last of them.
private final class ConnectionWork: Sendable {
    enum Remaining { case some, last }
    private let state = Mutex((running: 0, stopping: false))

    /// False once stopping: the request is not answered, the caller sees the connection end.
    func begin() -> Bool {
        state.withLock {
            guard !$0.stopping else { return false }
            $0.running += 1
            return true
        }
    }

    func end() -> Remaining {
        state.withLock {
            $0.running -= 1
            return $0.stopping && $0.running == 0 ? .last : .some
        }
    }

    func stop() -> Remaining {
        state.withLock {
            $0.stopping = true
            return $0.running == 0 ? .last : .some
        }
    }
}
