// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import SallyModel
import SallyNetwork
import SlurmModel
import StrictJSON

extension Request {
    /// The body, whole. Nothing else reads bodies: who is signed in pays for what comes, while it comes.
    ///
    /// - Precondition: `RequestRules` saw the request.
    /// - Parameter deadline: for all of it.
    /// - Throws: `.tooLarge` beyond `limit` bytes, `.rateLimited` beyond what the caller may send, `.invalidRequest` when it did
    ///   not come in time or the sender broke off.
    func bytes(
        limit: Int, _ context: GatewayContext, within deadline: Duration = BodyAllowance.deadline
    ) async throws -> [UInt8] {
        let declared = try declaredLength() ?? 0
        guard declared > 0 || headers[.transferEncoding] != nil else { return [] }
        let tooLarge = SallyError(.tooLarge, "the body has more than \(limit) bytes")
        guard declared <= limit else { throw tooLarge }
        let allowance = context.bodyAllowance
        try allowance?.admit(declared)
        do {
            return try await withDeadline(deadline) { [body] in
                var bytes: [UInt8] = []
                bytes.reserveCapacity(declared)
                for try await piece in body {
                    let length = bytes.count + piece.readableBytes
                    guard length <= limit else { throw tooLarge }
                    try allowance?.admit(length)
                    bytes.append(contentsOf: piece.readableBytesView)
                }
                return bytes
            }
        } catch is DeadlineExceeded {
            // Reading was given up in the middle: no other request can follow.
            let channel = context.channel
            context.whenDelivered { channel.close(promise: nil) }
            throw SallyError(
                .invalidRequest, "the body did not come within \(deadline.components.seconds) s",
                hint: "send less at once, or over a faster line")
        } catch let error as SallyError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            throw SallyError(.invalidRequest, "the body could not be read", cause: "\(error)")
        }
    }

    /// Bytes, as the header says.
    ///
    /// - Throws: `.invalidRequest` when it is given twice, or is no number.
    func declaredLength() throws -> Int? {
        let values = headers[values: .contentLength]
        guard let first = values.first else { return nil }
        guard values.count == 1, first.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let length = Int(first) else {
            throw SallyError(.invalidRequest, "Content-Length is not valid")
        }
        return length
    }

    /// The body as a message of the wire, with no unknown and no doubled key.
    func decode<Message: Decodable>(
        _ type: Message.Type, limit: Int = 65536, _ context: GatewayContext
    ) async throws -> Message {
        let bytes = try await bytes(limit: limit, context)
        do {
            return try StrictDecoder.decode(type, from: bytes)
        } catch let error as JSONError {
            throw SallyError(.invalidRequest, "\(error)", hint: "see /v1/openapi.json")
        }
    }

    /// A query parameter, decoded.
    func query(_ name: String) -> String? {
        uri.queryParameters[Substring(name)].map(String.init)
    }

    /// - Throws: `.invalidRequest` when it is given and no number of the range.
    func number<Number: FixedWidthInteger>(_ name: String, _ range: ClosedRange<Number>) throws -> Number? {
        guard let text = query(name) else { return nil }
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = Number(text),
            range.contains(number)
        else {
            throw SallyError(
                .invalidRequest, "\(name) \(quoted(text)) is not valid",
                hint: "\(name) is a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}

extension GatewayContext {
    /// A part of the path as the noun it names.
    func named<Noun: Name>(_ parameter: String, _ type: Noun.Type = Noun.self) throws -> Noun {
        try Noun(parameters.get(parameter) ?? "")
    }

    /// A job or a part of one.
    func jobTarget() throws -> JobTarget { try JobTarget(parameters.get("job") ?? "") }

    /// A job as lists show it.
    func jobName() throws -> JobName { try JobName(path: parameters.get("job") ?? "") }
}
