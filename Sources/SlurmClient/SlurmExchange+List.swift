// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import SallyModel
import StrictJSON

extension SlurmExchange {
    /// A listing, taken apart while it comes: a queue of 10,000 jobs is 80 MB of text, and many times that as values.
    struct Listing<Element: Sendable>: Sendable {
        /// With an empty list.
        var answer: Answer
        var elements: [Element]
        /// Elements that were larger than is read; what is in them nobody knows.
        var passedOver: Int
    }

    /// Of one element, and of one other member.
    private static let elementLimits = JSONLimits(maximumBytes: SlurmClient.largestRecord, maximumDepth: 62)

    /// Asks for the object whose member `key` is a list, and turns its elements into something smaller by `make`, a few at a
    /// time and beside the event loops.
    ///
    /// - Parameter oversize: what becomes of an element that is larger than `SlurmClient.largestRecord`.
    /// - Throws: as `send`, and what `make` throws. A GET is sent a second time where the connection ended.
    func list<Element: Sendable>(
        _ key: String, _ call: Call, oversize: JSONListStream.Oversize, token: SlurmToken,
        _ make: @Sendable @escaping ([JSONValue]) throws(SlurmError) -> [Element]
    ) async throws(SlurmError) -> Listing<Element> {
        try await admitted(call) { () async throws(SlurmError) in
            do throws(SlurmError) {
                return try await listOnce(key, call, oversize, token, make)
            } catch {
                guard case .badReply(nil, SlurmExchange.ended) = error else { throw error }
                return try await listOnce(key, call, oversize, token, make)
            }
        }
    }

    private func listOnce<Element: Sendable>(
        _ key: String, _ call: Call, _ oversize: JSONListStream.Oversize, _ token: SlurmToken,
        _ make: @Sendable @escaping ([JSONValue]) throws(SlurmError) -> [Element]
    ) async throws(SlurmError) -> Listing<Element> {
        let request = request(call, token)
        return try await guarded(call) {
            try await withTaskExecutorPreference(globalConcurrentExecutor) {
                var stream = JSONListStream(
                    list: key, element: SlurmExchange.elementLimits, oversize: oversize, total: call.limit)
                var start: [UInt8] = []
                var elements: [Element] = []
                stream.bounds = bounds
                let status = try await receive(request, call) { status, piece in
                    if start.count < 120 { start += piece.readableBytesView.prefix(120 - start.count) }
                    do {
                        elements += try make(try read(piece, &stream))
                    } catch let error as JSONError {
                        throw SlurmExchange.noJSON(status, error, begins: start)
                    } catch SlurmError.badReply(nil, let reason) {
                        // It answered, whatever it said: no sign of silence.
                        throw SlurmError.badReply(status: status, reason: reason)
                    }
                }
                do throws(JSONError) {
                    let rest = JSONValue.object(try stream.end())
                    return Listing(
                        answer: Answer(status: status, json: rest), elements: elements,
                        passedOver: stream.passedOver)
                } catch {
                    throw SlurmExchange.noJSON(status, error, begins: start)
                }
            }
        }
    }

    private func read(_ piece: ByteBuffer, _ stream: inout JSONListStream) throws -> [JSONValue] {
        try piece.withUnsafeReadableBytes { bytes in
            try bytes.withMemoryRebound(to: UInt8.self) { try stream.read($0) }
        }
    }
}
