// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import SallyModel
import StrictJSON

/// Messages to and from JSON, strictly: an unknown or doubled key is refused.
package enum KeepJSON {
    /// - Throws: `SallyError(.tooLarge)`.
    package static func encode(_ message: some Encodable, limit: Int) throws -> ByteBuffer {
        let bytes = try bytes(of: message)
        guard bytes.count <= limit else {
            throw SallyError(.tooLarge, "a message of \(bytes.count) bytes is longer than \(limit)")
        }
        return ByteBuffer(bytes: bytes)
    }

    /// - Throws: `SallyError(.invalidRequest)` that names the key.
    package static func decode<Message: Decodable>(_ buffer: ByteBuffer, limit: Int) throws -> Message {
        try message(from: Array(buffer.readableBytesView), limit: limit)
    }

    /// For one line of a file.
    package static func text(_ message: some Encodable) throws -> String {
        String(decoding: try bytes(of: message), as: UTF8.self)
    }

    /// From one line of a file.
    package static func message<Message: Decodable>(from text: String) throws -> Message {
        try message(from: Array(text.utf8), limit: Frame.limit)
    }

    private static func bytes(of message: some Encodable) throws -> [UInt8] {
        try StrictEncoder.encode(message)
    }

    private static func message<Message: Decodable>(from bytes: [UInt8], limit: Int) throws -> Message {
        let limits = JSONLimits(maximumBytes: limit, maximumDepth: 16)
        do {
            return try StrictDecoder.decode(Message.self, from: bytes, limits: limits)
        } catch let error as SallyError {
            throw error
        } catch {
            throw SallyError(.invalidRequest, "a message cannot be read", cause: "\(error)")
        }
    }
}
