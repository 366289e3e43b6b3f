// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOHTTPTypes

/// Sees to it that answers are taken. Whoever writes one hears only that the connection holds it: this says when the operating
/// system has all of it, and ends a connection whose reader takes nothing for too long. A reader that takes anything at all, some bytes
/// of an event, is only slow.
final class AnswerDelivery: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Sent through the pipeline before an answer is written; its promise is kept, or broken, when the answer is off our hands.
    struct Follows: Sendable {}

    private let patience: TimeAmount
    private let held: (any Channel) -> Int
    private let log: Logger
    /// Parts that are written and not taken.
    private var open = 0
    private var followers: [EventLoopPromise<Void>] = []
    /// When the reader took something last, and what was held then. Bytes.
    private var takenAt = NIODeadline.uptimeNanoseconds(0)
    private var heldThen = 0
    private var look: Scheduled<Void>?

    /// - Parameters:
    ///   - patience: how long a reader may take nothing.
    ///   - held: the bytes that a connection holds for its reader.
    init(
        patience: Duration, held: @Sendable @escaping (any Channel) -> Int = AnswerDelivery.buffered, log: Logger
    ) {
        self.patience = TimeAmount(patience)
        self.held = held
        self.log = log
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is Follows else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        if let promise { followers.append(promise) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let isLast: Bool
        switch unwrapOutboundIn(data) {
        case .head:
            context.write(data, promise: promise)
            return
        case .body: isLast = false
        case .end: isLast = true
        }
        if open == 0 { takenAt = context.eventLoop.now } else if look != nil { measure(context) }
        open += 1
        let taken = context.eventLoop.makePromise(of: Void.self)
        taken.futureResult.cascade(to: promise)
        if isLast {
            for follower in followers { taken.futureResult.cascade(to: follower) }
            followers = []
        }
        let loop = context.eventLoop
        taken.futureResult.assumeIsolated().whenComplete { _ in
            self.open -= 1
            self.takenAt = loop.now
        }
        context.write(data, promise: taken)
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        guard open > 0 else { return }
        heldThen = held(context.channel)
        if look == nil { lookAgain(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        look?.cancel()
        look = nil
        for follower in followers { follower.fail(ChannelError.ioOnClosedChannel) }
        followers = []
    }

    private func lookAgain(_ context: ChannelHandlerContext) {
        look = context.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(patience.nanoseconds / 4)) {
            self.judge(context)
        }
    }

    private func judge(_ context: ChannelHandlerContext) {
        look = nil
        guard open > 0 else { return }
        measure(context)
        guard context.eventLoop.now - takenAt < patience else {
            log.info(
                "connection ended: its reader takes nothing",
                metadata: ["client": "\(Peer(context.channel.remoteAddress))", "bytes": "\(heldThen)"])
            context.close(promise: nil)
            return
        }
        lookAgain(context)
    }

    private func measure(_ context: ChannelHandlerContext) {
        let now = held(context.channel)
        if now < heldThen { takenAt = context.eventLoop.now }
        heldThen = now
    }

    /// What was written and the operating system has no room for.
    static func buffered(_ channel: any Channel) -> Int {
        // Fails for a channel that has ended, and holds nothing then.
        (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0  // see above
    }
}

extension GatewayContext {
    /// Runs `body` when the answer to this request is off our hands: taken by its reader, or lost with the connection.
    ///
    /// - Precondition: the answer is not written yet. It is when a middleware returns.
    func whenDelivered(_ body: @Sendable @escaping () -> Void) {
        let promise = channel.eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { _ in body() }
        // A channel without the handler fails it at once.
        channel.triggerUserOutboundEvent(AnswerDelivery.Follows(), promise: promise)
    }
}
