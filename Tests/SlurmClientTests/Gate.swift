// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// Keeps back what comes in on connections until it is opened.
final class Gate: Sendable {
    private let opened = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: Void.self)

    /// - Precondition: is called in the end, once or more.
    func open() { opened.succeed() }

    func handler() -> some ChannelHandler { Handler(opened.futureResult) }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias InboundOut = ByteBuffer
        private let opened: EventLoopFuture<Void>
        /// Nil once nothing is kept back.
        private var held: [ByteBuffer]? = []

        init(_ opened: EventLoopFuture<Void>) { self.opened = opened }

        func handlerAdded(context: ChannelHandlerContext) {
            let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
            opened.hop(to: context.eventLoop).whenSuccess { bound.value.handler.release(bound.value.context) }
        }

        func handlerRemoved(context: ChannelHandlerContext) { held = nil }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if held == nil {
                context.fireChannelRead(data)
            } else {
                held?.append(unwrapInboundIn(data))
            }
        }

        private func release(_ context: ChannelHandlerContext) {
            guard let buffers = held else { return }
            held = nil
            for buffer in buffers { context.fireChannelRead(wrapInboundOut(buffer)) }
            context.fireChannelReadComplete()
        }
    }
}
