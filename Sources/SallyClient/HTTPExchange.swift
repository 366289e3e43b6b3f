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

    package init(status: Int, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }
}

/// Sends requests to one gateway. Redirects are answers, never followed.
package protocol HTTPExchange: Sendable {
    /// - Throws: `SallyError(.unavailable)` or `(.timeout)` when no answer came; then it is not known whether the
    ///   request was carried out.
    func perform(_ request: WireRequest) async throws -> WireReply
    /// Ends all connections. Nothing may be asked afterwards.
    func close() async
}
