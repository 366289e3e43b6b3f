// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// A request on its way out, and where its answer goes.
struct Call: Sendable {
    var frame: Frame
    var answer: EventLoopPromise<ByteBuffer>
    var limit: TimeAmount
}

/// Nobody waits for the answer to this request any more.
struct CallCancelled: Sendable {
    var number: UInt32
}

enum CallError: Error {
    /// The connection ended before the answer came; whether the request was acted on is not known.
    case connectionLost
    case timedOut
}

/// Matches answers to requests on one connection.
final class CallHandler: ChannelDuplexHandler {
    typealias InboundIn = Frame
    typealias OutboundIn = Call
    typealias OutboundOut = ByteBuffer

    /// The most bytes of JSON that an answer may have.
    static let replyLimit = 2 << 20

    private var pending: [UInt32: (answer: EventLoopPromise<ByteBuffer>, alarm: Scheduled<Void>)] = [:]
    private var ended = false

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let call = unwrapOutboundIn(data)
        let number = call.frame.number
        guard !ended else { return call.answer.fail(CallError.connectionLost) }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let alarm = context.eventLoop.scheduleTask(in: call.limit) {
            if let answer = bound.value.finish(number) { answer.fail(CallError.timedOut) }
        }
        pending[number] = (call.answer, alarm)
        context.write(wrapOutboundOut(call.frame.bytes(context.channel.allocator)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        finish(frame.number)?.succeed(frame.body)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        if let cancelled = event as? CallCancelled {
            finish(cancelled.number)?.fail(CancellationError())
            promise?.succeed()
        } else {
            context.triggerUserOutboundEvent(event, promise: promise)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        loseAll()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        loseAll()
        context.close(promise: nil)
    }

    private func finish(_ number: UInt32) -> EventLoopPromise<ByteBuffer>? {
        guard let call = pending.removeValue(forKey: number) else { return nil }
        call.alarm.cancel()
        return call.answer
    }

    private func loseAll() {
        ended = true
        for number in Array(pending.keys) { finish(number)?.fail(CallError.connectionLost) }
    }
}
