// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire

/// Requests of a signed-in person: sends the session along, refreshes it when it has to be, turns problem documents
/// into errors.
package struct GatewayClient: Sendable {
    private let exchange: any HTTPExchange
    private let session: SessionKeeper

    package init(exchange: any HTTPExchange, session: SessionKeeper) {
        self.exchange = exchange
        self.session = session
    }

    package func get<Answer: Decodable>(_ path: String, as type: Answer.Type = Answer.self) async throws -> Answer {
        try answer(try await send(WireRequest(.get, path)))
    }

    /// The same of a shared view, and how old it is, in seconds, while Slurm does not answer.
    package func getShared<Answer: Decodable>(
        _ path: String, as type: Answer.Type = Answer.self
    ) async throws -> (Answer, stale: Int?) {
        let reply = try await send(WireRequest(.get, path))
        return (try answer(reply), reply.stale)
    }

    package func post<Answer: Decodable>(
        _ path: String, _ body: some Encodable, deadline: Duration = .seconds(60), as type: Answer.Type = Answer.self
    ) async throws -> Answer {
        try answer(try await send(WireRequest(.post, path, body: Codec.encode(body), deadline: deadline)))
    }

    /// POST of nothing but the fact.
    package func post<Answer: Decodable>(_ path: String, as type: Answer.Type = Answer.self) async throws -> Answer {
        try answer(try await send(WireRequest(.post, path)))
    }

    package func delete(_ path: String) async throws {
        _ = try await send(WireRequest(.delete, path, deadline: .seconds(60)))
    }

    /// An access token that is good for a while.
    package func accessToken() async throws -> StoredSession { try await session.current(exchange) }

    /// - Returns: an answer of 2xx.
    /// - Throws: the problem as `SallyError`. One 401 leads to one refresh and a second try.
    package func send(_ request: WireRequest) async throws -> WireReply {
        let used = try await session.current(exchange)
        let first = try await exchange.perform(authorized(request, used))
        guard first.status == 401 else { return try checked(first) }
        let renewed = try await session.renew(used, exchange)
        let second = try await exchange.perform(authorized(request, renewed))
        guard second.status == 401 else { return try checked(second) }
        throw refusal(in: second) ?? SessionKeeper.ended
    }

    /// The same, for an answer that is read while it comes.
    func stream(_ request: WireRequest, _ receive: ([UInt8]) async throws -> StreamReading) async throws {
        let used = try await session.current(exchange)
        let first = try await exchange.stream(authorized(request, used), receive)
        guard first.status == 401 else {
            _ = try checked(first)
            return
        }
        let renewed = try await session.renew(used, exchange)
        let second = try await exchange.stream(authorized(request, renewed), receive)
        guard second.status == 401 else {
            _ = try checked(second)
            return
        }
        throw refusal(in: second) ?? SessionKeeper.ended
    }

    private func authorized(_ request: WireRequest, _ session: StoredSession) -> WireRequest {
        var request = request
        request.headers.append((name: "Authorization", value: "Bearer \(session.accessToken.reveal())"))
        return request
    }

    private func answer<Answer: Decodable>(_ reply: WireReply) throws -> Answer {
        try decodedAnswer(reply)
    }
}

/// The body of an answer of 2xx.
package func decodedAnswer<Answer: Decodable>(_ reply: WireReply) throws -> Answer {
    do {
        return try Codec.decodeAnswer(Answer.self, reply.body)
    } catch {
        throw SallyError(
            .unavailable, "the gateway's answer cannot be read",
            hint: "compare `sally --version` with the gateway's version", cause: "\(error)")
    }
}

/// Passes answers of 2xx through.
/// - Throws: the error that the problem document says, or what the status alone says.
package func checked(_ reply: WireReply) throws -> WireReply {
    if (200...299).contains(reply.status) { return reply }
    if (300...399).contains(reply.status) {
        throw SallyError(
            .unavailable, "the gateway's address leads elsewhere (status \(reply.status))",
            hint:
                "sign in with the gateway's own address; redirects are not followed, so that your session goes nowhere else"
        )
    }
    if let error = refusal(in: reply) { throw error }
    throw SallyError(
        code(of: reply.status), "the gateway answered with status \(reply.status) and no explanation",
        hint: "something between here and the gateway may have answered; check its address")
}

/// What the problem document of an answer says; nil for an answer of something else.
func refusal(in reply: WireReply) -> SallyError? {
    (try? Codec.decodeAnswer(Problem.self, reply.body))?.error  // anything else is judged by its status
}

private func code(of status: Int) -> SallyError.Code {
    switch status {
    case 401: .unauthenticated
    case 403: .denied
    case 404: .notFound
    case 408, 504: .timeout
    case 409: .conflict
    case 413: .tooLarge
    case 415: .unsupportedMediaType
    case 429: .rateLimited
    case 400...499: .invalidRequest
    case 501: .unsupported
    default: .unavailable
    }
}
