// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
package import SallyKeepProtocol
import SallyModel
import Synchronization

/// Asks a keeper over its unix socket. One connection, made when first needed and made again when it was lost; many
/// requests may be under way on it at once.
package final class SocketClient<Request: Encodable & Sendable, Reply: RefusableReply>: Sendable {
    private let path: String
    private let keeper: String
    private let keeperUser: UInt32?
    private let state = Mutex(State())

    private struct State {
        var connection: EventLoopFuture<any Channel>?
        var number: UInt32 = 0
    }

    /// - Parameters:
    ///   - keeper: for messages: `signer`, `steward`.
    ///   - keeperUser: the OS user that must be at the other end; nil takes whoever made the socket.
    package init(path: String, keeper: String, keeperUser: UInt32?) {
        self.path = path
        self.keeper = keeper
        self.keeperUser = keeperUser
    }

    /// Sends `request` and waits for its answer, at most `deadline`. A request whose kept connection turns out to be
    /// dead is sent once more on a new one: all requests may be repeated.
    ///
    /// - Throws: `SallyError`: the keeper's refusal, `.unavailable` when it does not answer, `.timeout`;
    ///   `CancellationError`.
    package func request(_ request: Request, deadline: Duration) async throws -> Reply {
        let body = try KeepJSON.encode(request, limit: Frame.limit)
        let end = ContinuousClock.now + deadline
        var reply: Reply
        do {
            reply = try await send(body, until: end)
        } catch CallError.connectionLost {
            do {
                reply = try await send(body, until: end)
            } catch CallError.connectionLost {
                throw unavailable("the connection ended before the answer")
            }
        }
        if let refusal = reply.refusal { throw SallyError(refusal) }
        return reply
    }

    /// Ends the connection. A later request makes a new one.
    package func close() async {
        let connection = state.withLock { state in
            defer { state.connection = nil }
            return state.connection
        }
        guard let channel = try? await connection?.get() else { return }  // was never made
        try? await channel.close()  // closed already
    }

    private func send(_ body: ByteBuffer, until end: ContinuousClock.Instant) async throws -> Reply {
        let (channel, number) = try await connected()
        let left = ContinuousClock.now.duration(to: end)
        guard left > .zero else { throw timeout() }
        let answer = channel.eventLoop.makePromise(of: ByteBuffer.self)
        let call = Call(frame: Frame(number: number, body: body), answer: answer, limit: TimeAmount(left))
        let bytes: ByteBuffer
        do {
            bytes = try await withTaskCancellationHandler {
                // A channel that was closed meanwhile drops the call before the handler sees it; only this tells.
                channel.writeAndFlush(call).whenFailure { _ in answer.fail(CallError.connectionLost) }
                return try await answer.futureResult.get()
            } onCancel: {
                channel.triggerUserOutboundEvent(CallCancelled(number: number), promise: nil)
            }
        } catch CallError.timedOut {
            throw timeout()
        }
        return try KeepJSON.decode(bytes, limit: CallHandler.replyLimit)
    }

    private func connected() async throws -> (any Channel, UInt32) {
        let (future, number) = state.withLock { state in
            state.number &+= 1
            if let made = state.connection { return (made, state.number) }
            let made = connect()
            state.connection = made
            return (made, state.number)
        }
        do {
            let channel = try await future.get()
            if channel.isActive { return (channel, number) }
            forget(future)
            return try await connected()
        } catch let error as SallyError {
            forget(future)
            throw error
        } catch {
            forget(future)
            throw unavailable("\(error)")
        }
    }

    private func forget(_ future: EventLoopFuture<any Channel>) {
        state.withLock { if $0.connection === future { $0.connection = nil } }
    }

    private func connect() -> EventLoopFuture<any Channel> {
        let group = MultiThreadedEventLoopGroup.singleton
        let wanted = keeperUser
        let refusal = SallyError(
            .unavailable, "the \(keeper)'s socket \(quoted(path)) was made by another user than uid \(wanted ?? 0)",
            hint: "check who owns the socket's folder")
        return ClientBootstrap(group: group)
            .connectTimeout(.seconds(2))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let frames = ByteToMessageHandler(FrameDecoder(limit: CallHandler.replyLimit))
                    try channel.pipeline.syncOperations.addHandlers(frames, CallHandler())
                }
            }
            .connect(unixDomainSocketPath: path)
            .flatMap { channel in
                guard let wanted else { return channel.eventLoop.makeSucceededFuture(channel) }
                return channel.eventLoop.makeFutureWithTask {
                    let peer = try await PeerCredentials.of(channel)
                    guard peer.uid == wanted else {
                        try await channel.close()
                        throw refusal
                    }
                    return channel
                }
            }
    }

    private func unavailable(_ cause: String) -> SallyError {
        SallyError(
            .unavailable, "the \(keeper) does not answer", hint: "is `sallyd \(keeper)` running?",
            cause: "\(path): \(cause)")
    }

    private func timeout() -> SallyError {
        SallyError(.timeout, "the \(keeper) did not answer in time", cause: path)
    }
}
