// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// One request to a gateway.
package struct WireRequest: Sendable {
    /// Whatever the gateway answers, no more is taken into memory.
    package static let answerLimit = 64 << 20

    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case delete = "DELETE"
    }

    package var method: Method
    /// Path and query, escaped.
    package var path: String
    /// JSON.
    package var body: [UInt8]?
    package var headers: [(name: String, value: String)] = []
    /// For the whole exchange, the body of the answer included.
    package var deadline: Duration

    package init(_ method: Method, _ path: String, body: [UInt8]? = nil, deadline: Duration = .seconds(30)) {
        self.method = method
        self.path = path
        self.body = body
        self.deadline = deadline
    }
}

/// The answer of a gateway.
package struct WireReply: Sendable {
    package var status: Int
    package var contentType: String
    package var body: [UInt8]
    /// How old a shared view is, in seconds, while Slurm does not answer; nil when it does.
    package var stale: Int?

    package init(status: Int, contentType: String, body: [UInt8], stale: Int? = nil) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.stale = stale
    }
}

/// Sends requests to one gateway. Redirects are answers, never followed.
package protocol HTTPExchange: Sendable {
    /// - Throws: `SallyError(.unavailable)` or `(.timeout)` when no answer came; then it is not known whether the
    ///   request was carried out.
    func perform(_ request: WireRequest) async throws -> WireReply
    /// Passes on the body of an answer of 2xx while it comes, until it ends or `receive` has enough. There is no deadline for
    /// the whole; one that is silent for two minutes is given up.
    ///
    /// - Returns: the answer, with the body only where it is none of 2xx.
    func stream(
        _ request: WireRequest, _ receive: ([UInt8]) async throws -> StreamReading
    ) async throws -> WireReply
    /// Ends all connections. Nothing may be asked afterwards.
    func close() async
}

extension HTTPExchange {
    /// An answer that is there whole is a stream of one piece.
    package func stream(
        _ request: WireRequest, _ receive: ([UInt8]) async throws -> StreamReading
    ) async throws -> WireReply {
        var reply = try await perform(request)
        guard (200...299).contains(reply.status) else { return reply }
        _ = try await receive(reply.body)
        reply.body = []
        return reply
    }
}
