// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import NIOCore
import SallyModel
import SlurmModel
import StrictJSON

extension Request {
    /// The body, whole.
    ///
    /// - Precondition: `RequestRules` saw the request.
    /// - Throws: `.tooLarge` beyond `limit` bytes, `.invalidRequest` when the sender broke off.
    func bytes(limit: Int) async throws -> [UInt8] {
        do {
            let buffer = try await body.collect(upTo: limit)
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw SallyError(.tooLarge, "the body has more than \(limit) bytes")
        } catch let error as CancellationError {
            throw error
        } catch {
            throw SallyError(.invalidRequest, "the body could not be read", cause: "\(error)")
        }
    }

    /// The body as a message of the wire, with no unknown and no doubled key.
    func decode<Message: Decodable>(_ type: Message.Type, limit: Int = 65536) async throws -> Message {
        let bytes = try await bytes(limit: limit)
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
