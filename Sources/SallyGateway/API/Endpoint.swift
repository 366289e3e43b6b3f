// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SallyModel

/// One line of the API: what it takes and what it answers. Requests are held against it, and the OpenAPI document is
/// made of it.
struct Endpoint: Sendable {
    var method: HTTPRequest.Method
    /// With parameters in braces, as the router names its routes.
    var path: String
    var summary: String
    var access: Access
    /// Schemas of what the path names, where they are others than usual, by parameter.
    var parts: [String: String] = [:]
    var query: [Query] = []
    /// Providers add parameters of their own to their redirect.
    var takesAnyQuery = false
    /// Parameters that are known and not offered: 501 where others are 400.
    var refusedQuery: [String] = []
    var body: Body = .none
    var answers: [Answer]
    /// Beyond those that every endpoint has.
    var refusals: [SallyError.Code] = []

    enum Access: Sendable {
        case open
        case session
        case administrator
        /// Somebody on the gateway's own host.
        case host
    }

    struct Query: Sendable {
        var name: String
        var schema: String
        var text: String
    }

    enum Body: Sendable {
        case none
        /// The name of its schema.
        case json(String)
        /// None, or a JSON object that says what the query could: slurmrestd reads either.
        case query
        /// Nobody looks at it.
        case unread
    }

    struct Answer: Sendable {
        var status: Int
        /// The name of the schema of `application/json`; nil for other types and for none.
        var schema: String?
        var type: String?
        var text: String

        static func json(_ schema: String, _ text: String, status: Int = 200) -> Answer {
            Answer(status: status, schema: schema, type: "application/json", text: text)
        }
        static func text(_ type: String, _ text: String, status: Int = 200) -> Answer {
            Answer(status: status, schema: nil, type: type, text: text)
        }
        static func empty(_ text: String, status: Int = 204) -> Answer {
            Answer(status: status, schema: nil, type: nil, text: text)
        }
    }

    /// Whether its path may name the tasks that wait in one record: `123_[5-9%2]`.
    var takesTaskLists: Bool { parts.values.contains("JobName") }

    /// What can be refused here: form, path and method everywhere; the session where there is one.
    var allRefusals: [SallyError.Code] {
        var codes: Set<SallyError.Code> = [.invalidRequest, .internal, .unavailable]
        switch access {
        case .open: codes.insert(.rateLimited)
        case .session, .administrator: codes.formUnion([.unauthenticated, .denied, .rateLimited])
        case .host: codes.insert(.denied)
        }
        switch body {
        case .none, .unread: break
        case .json, .query: codes.formUnion([.tooLarge, .unsupportedMediaType])
        }
        codes.formUnion(refusals)
        return SallyError.Code.allCases.filter(codes.contains)
    }
}

/// The endpoints by method and path.
struct EndpointTable: Sendable {
    let all: [Endpoint]
    private let places: [Place: Int]

    private struct Place: Hashable {
        var method: HTTPRequest.Method
        var path: String
    }

    init(_ endpoints: [Endpoint]) {
        all = endpoints
        places = Dictionary(
            endpoints.enumerated().map { (Place(method: $1.method, path: $1.path), $0) }
        ) { first, _ in first }
    }

    subscript(method: HTTPRequest.Method, path: String) -> Endpoint? {
        places[Place(method: method, path: path)].map { all[$0] }
    }
}
