// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// One message on a socket: its length in 4 bytes (big-endian, what follows), the request's number in 4 bytes, then
/// JSON. A reply carries the number of its request, so that many can be under way on one connection.
package struct Frame: Sendable, Equatable {
    var number: UInt32
    var body: ByteBuffer

    /// The most bytes of JSON in one message, unless a socket says otherwise.
    package static let limit = 1 << 20

    func bytes(_ allocator: ByteBufferAllocator) -> ByteBuffer {
        var buffer = allocator.buffer(capacity: body.readableBytes + 8)
        buffer.writeInteger(UInt32(body.readableBytes + 4))
        buffer.writeInteger(number)
        buffer.writeImmutableBuffer(body)
        return buffer
    }
}

/// Cuts the bytes of a connection into frames; one that is too long or too short ends the connection.
struct FrameDecoder: ByteToMessageDecoder {
    typealias InboundOut = Frame
    let limit: Int

    mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return .needMoreData }
        guard length > 4, length <= limit + 4 else { throw FrameError.length(Int(length)) }
        guard buffer.readableBytes >= Int(length) + 4 else { return .needMoreData }
        buffer.moveReaderIndex(forwardBy: 4)
        guard let number = buffer.readInteger(as: UInt32.self), let body = buffer.readSlice(length: Int(length) - 4)
        else { return .needMoreData }
        context.fireChannelRead(wrapInboundOut(Frame(number: number, body: body)))
        return .continue
    }

    mutating func decodeLast(
        context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
    ) throws -> DecodingState {
        while try decode(context: context, buffer: &buffer) == .continue {}
        return .needMoreData
    }
}

enum FrameError: Error, Equatable {
    /// A length that no message has.
    case length(Int)
}
